"""Programs of others, and ``kvitto`` itself, as processes of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from cli.demo.service import OPERATOR_KEY
from commitments.wire import parse_json

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".interop"
_HERE = Path(__file__).parent
_KVITTO = (sys.executable, "-m", "cli.main")
_LISTENING = re.compile(rb"listening on (\S+)")


def command(tool: str, script: str) -> list[Path]:
    """A script of ours for the Python that has ``tool``."""
    return [TOOLS / tool / "bin/python", _HERE / script]


READERS = {
    "aics-tlog": command("aics-tlog", "with_aics_tlog.py"),
    "tlog-scales": command("tlog-scales", "with_tlog_scales.py"),
    "sumdb": [TOOLS / "sumdb", Path("read")],
}
"""They read logs over HTTP."""

PROVERS = {
    "sumdb": READERS["sumdb"],
    "proofbundle": command("proofbundle", "with_proofbundle.py"),
    "metamorphic-log": command("metamorphic-log", "with_metamorphic_log.py"),
}
"""They verify receipts."""

LOGS = {
    "aics-tlog": command("aics-witness", "log_of_aics_tlog.py"),
    "tlog-scales": command("tlog-scales", "log_of_tlog_scales.py"),
    "sumdb": [TOOLS / "sumdb", Path("log")],
}
"""They make logs, and ask a witness for cosignatures."""


def need(program: Path) -> None:
    if not program.exists():
        pytest.skip(f"{program.relative_to(TOOLS)} is not installed: make test-interop")


def accepted(command: Sequence[Path], story: dict[str, Any]) -> Any:
    result = _run(command, story)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refused(command: Sequence[Path], story: dict[str, Any]) -> None:
    result = _run(command, story)
    assert (result.returncode, result.stdout) == (1, ""), result.stderr


def _run(command: Sequence[Path], story: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    need(command[0])
    told = json.dumps(story)
    return subprocess.run(command, input=told, capture_output=True, text=True, check=False)


def kvitto(*arguments: str | Path) -> Any:
    """What a command of ours prints."""
    whole = [*_KVITTO, *arguments, "--json"]
    return parse_json(subprocess.run(whole, cwd=ROOT, capture_output=True, check=True).stdout)


@contextmanager
def running_kvitto(*arguments: str | Path) -> Iterator[str]:
    """The address of a command of ours that serves."""
    whole = [*_KVITTO, *arguments, "--json", "--port", "0"]
    environment = {**os.environ, "KVITTO_OPERATOR_KEY": OPERATOR_KEY}
    with _killed(whole, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        yield parse_json(_output(process.stdout).readline())["url"]


class AicsWitness:
    """The program ``aics-witness`` with its state in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._program = TOOLS / "aics-witness/bin/aics-witness"
        self._config = directory / "aics-witness.json"
        need(self._program)
        self.vkey = self._do("init", "--name", "witness.example/aics").strip()

    def watch(self, vkey: str) -> None:
        self._do("add-log", "--origin", vkey.partition("+")[0], "--vkey", vkey)

    def evidence(self) -> Any:
        """The requests it kept because the log is to blame."""
        return json.loads(self._do("evidence"))

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address."""
        serve = self._command("serve", "--listen", "127.0.0.1:0")
        with _killed(serve, stderr=subprocess.PIPE) as process:
            log = _output(process.stderr)
            yield next(found[1] for line in log if (found := _LISTENING.search(line))).decode()

    def _command(self, name: str, *arguments: str) -> list[str | Path]:
        return [self._program, name, "--config", self._config, *arguments]

    def _do(self, name: str, *arguments: str) -> str:
        whole = self._command(name, *arguments)
        return subprocess.run(whole, capture_output=True, text=True, check=True).stdout


@contextmanager
def _killed(command: Sequence[str | Path], **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def _output(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
