"""Tellers as processes, and what they said."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.teller import ORIGINS, open_store, sell

__all__ = ["Teller", "database", "fresh_copy", "prepare", "teller"]

ROOT = Path(__file__).parents[2]


def database(directory: Path) -> str:
    """The URL of the database in a directory."""
    return f"sqlite:///{directory}/kvitto.db"


def prepare(url: str, sales: int) -> None:
    """Both logs and some sales."""
    with open_store(url) as store:
        for number, origin in enumerate(ORIGINS):
            store.create_log(origin, bytes([number]) * 32)
        sell(store, *range(sales))


def fresh_copy(prepared: Path, directory: Path) -> str:
    """The URL of a copy of a prepared database that no one has open."""
    shutil.copytree(prepared, directory)
    return database(directory)


class Teller:
    """A process that sells; every line that it has finished is something it has promised."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.said: list[dict[str, Any]] = []

    def hear(self) -> dict[str, Any] | None:
        """The next line; ``None`` after the last one. A line without its end is not counted."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            return None
        heard: dict[str, Any] = json.loads(line)
        self.said.append(heard)
        return heard

    def tell(self, line: str | int) -> dict[str, Any]:
        """What comes of a line, of a teller that serves."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()
        heard = self.hear()
        assert heard is not None
        return heard

    def kill(self) -> None:
        """``kill -9``, and what had been said until then."""
        self.process.kill()
        while self.hear():
            pass

    @property
    def sold(self) -> list[int]:
        """The sales that were acknowledged."""
        return [said["sold"] for said in self.said if "sold" in said]

    @property
    def served(self) -> list[str]:
        """The checkpoints that were shown."""
        return [note for said in self.said for note in said.get("served", [])]


@contextmanager
def teller(mode: str, *arguments: str) -> Iterator[Teller]:
    """A teller that does not outlive the block."""
    command = [sys.executable, "-m", "tests.faults.teller", mode, *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Teller(process)
        finally:
            process.kill()
