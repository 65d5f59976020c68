"""Faults in the file system calls of another process, by strace (Debian: apt-get install strace).

strace counts and tampers only with calls that it traces: ``--trace=none`` would silently do
nothing. Only calls on files in the given directory are counted.
"""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["Call", "injected", "recorded"]

Call = tuple[str, int]
"""A system call's name, and which of those with that name it is, from 1 on."""

_FILES = ("kvitto.db", "kvitto.db-wal", "kvitto.db-shm", "kvitto.db-journal", "")
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\(", re.MULTILINE)


@contextmanager
def recorded(pid: int, directory: Path) -> Iterator[list[Call]]:
    """The calls that a process makes on files in ``directory`` within the block."""
    found: list[Call] = []
    output = directory.with_suffix(".trace")
    with _attached(pid, directory, "--trace=file,desc", f"--output={output}"):
        yield found
    seen: Counter[str] = Counter()
    for name in _CALL.findall(output.read_text("utf-8")):
        seen[name] += 1
        found.append((name, seen[name]))


@contextmanager
def injected(pid: int, directory: Path, fault: str, name: str, when: str) -> Iterator[None]:
    """Within the block, ``fault`` (as strace has it) hits call number ``when`` of that name."""
    inject = f"--inject={name}:{fault}:when={when}"
    with _attached(pid, directory, f"--trace={name}", inject, "--output=/dev/null"):
        yield


@contextmanager
def _attached(pid: int, directory: Path, *options: str) -> Iterator[None]:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: apt-get install strace")
    paths = [f"--trace-path={directory / name}" for name in _FILES]
    command = [strace, "--follow-forks", f"--attach={pid}", *options, *paths]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        line = tracer.stderr.readline()
        while "attached" not in line:
            if not line:
                pytest.skip("strace may not attach to a process here")
            line = tracer.stderr.readline()
        try:
            yield
        finally:
            tracer.terminate()  # it detaches, and what it traced goes on
            tracer.stderr.read()
