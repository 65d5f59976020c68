"""A real ``kvitto serve`` in a process of its own, and what it is asked over HTTP."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.clients import at_once
from benchmarks.databases import SEALING
from benchmarks.measure import megabytes, timed

__all__ = ["Request", "Service", "serving"]

_ROOT = Path(__file__).parents[1]
_PARENT, _USER_TIME, _SYSTEM_TIME = 1, 11, 12  # in proc_pid_stat(5), behind the name


@dataclass(frozen=True)
class Request:
    """One request: its method, its path, the JSON body and the key that it is sent with."""

    method: str
    path: str
    body: Any = None
    key: str = ""

    def send(self, connection: HTTPConnection) -> bytes:
        """The body of the answer; an error unless it says success."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        body = None if self.body is None else json.dumps(self.body)
        connection.request(self.method, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{self.method} {self.path}: {answer.status}")
        return content


@dataclass(frozen=True)
class Service:
    """A service that runs, and the key of its operator."""

    process: "subprocess.Popen[bytes]"
    address: str
    operator_key: str

    def ask(self, request: Request) -> Any:
        """The JSON document that answers a request."""
        with closing(HTTPConnection(self.address)) as connection:
            return json.loads(request.send(connection))

    def ask_at_once(self, shares: Sequence[Iterable[Request]]) -> tuple[float, list[float]]:
        """Let each client send its share over one connection; seconds in all, ms of each."""

        def work(share: Iterable[Request]) -> list[float]:
            with closing(HTTPConnection(self.address)) as connection:
                return [timed(partial(request.send, connection)) for request in share]

        return at_once(shares, work)

    def processor_seconds(self) -> float:
        """What processors have spent on it and its workers so far; Linux tells."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                fields = stat.read_text("utf-8").rpartition(")")[2].split()
                if self.process.pid in (int(stat.parent.name), int(fields[_PARENT])):
                    ticks += int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])
        return ticks / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> dict[str, float]:
        """Its memory, as :func:`benchmarks.measure.megabytes` has it."""
        return megabytes(self.process.pid)


@contextmanager
def serving(directory: Path, database: str, *options: str) -> Iterator[Service]:
    """A service on the database; its log goes into a file, as that of most services does."""
    key = secrets.token_hex(32)
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--json"]
    command += ["--name", "ledger.example", "--data", str(directory), *options]
    (directory / "sealing.key").write_bytes(SEALING.encode())
    env = {name: value for name, value in os.environ.items() if not name.startswith("KVITTO_")}
    env |= {"KVITTO_OPERATOR_KEY": key, "KVITTO_DATABASE": database}
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - this program
            command, stdout=subprocess.PIPE, stderr=log, env=env, cwd=_ROOT
        ) as process,
    ):
        try:
            said = process.stdout.readline() if process.stdout else b""
            if not said:
                raise RuntimeError("the service did not start")
            yield Service(process, urlsplit(json.loads(said)["url"]).netloc, key)
        finally:
            process.terminate()
