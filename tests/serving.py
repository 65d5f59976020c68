"""``kvitto serve`` as a process of its own, and applications in a thread."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

import uvicorn

from cli.serve import listen
from tests.databases import SEALING

__all__ = ["ROOT", "served", "served_at", "serving"]

ROOT = Path(__file__).parents[1]


@contextmanager
def serving(
    data: Path,
    log: Path,
    database: str = "",
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
    **options: Any,
) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """A process that serves, and what it said; interrupted at the end.

    A given ``database`` may have keys that the tests have sealed.
    """
    if database:
        data.mkdir(exist_ok=True)
        (data / "sealing.key").write_bytes(SEALING.encode())
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--json"]
    command += ["--data", str(data), *arguments]
    env = {**({"KVITTO_DATABASE": database} if database else {}), **environment}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True, env=env, **options
        )
        with process:
            assert process.stdout is not None
            try:
                yield process, json.loads(process.stdout.readline())
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()


@contextmanager
def served_at(make: Callable[[str], Any]) -> Iterator[str]:
    """The address of the application that ``make`` gives for it, over real HTTP in a thread."""
    with listen("127.0.0.1", 0) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(make(address), log_config=None))
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


def served(app: Any) -> AbstractContextManager[str]:
    """The address of any application."""
    return served_at(lambda _address: app)
