"""The one of two engines that a URL or a connection is of, asked for what is its own."""

from typing import Protocol

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from commitments.errors import FormatError
from ledger import postgresql, sqlite

__all__ = [
    "forget_history",
    "lock_schema",
    "missing_refusals",
    "open_engines",
    "overwrite_deleted",
    "refusals",
]


class _Engine(Protocol):
    """What the module of an engine has."""

    def open_engines(self, url: URL, /) -> tuple[Engine, Engine]: ...

    def refusals(self) -> list[str]: ...

    def missing_refusals(self, connection: Connection, /) -> set[str]: ...

    def lock_schema(self, connection: Connection, /) -> None: ...

    def overwrite_deleted(self, connection: Connection, /) -> None: ...

    def forget_history(self, engine: Engine, /) -> None: ...


_ENGINES: dict[str, _Engine] = {"sqlite": sqlite, "postgresql": postgresql}


def open_engines(url: str) -> tuple[Engine, Engine]:
    """The engines for reading and for writing the database at ``url``.

    ``FormatError`` unless that is the URL of a SQLite file or of a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
        engine = _ENGINES[parsed.get_backend_name()]
    except (ArgumentError, KeyError):
        raise FormatError("not the URL of SQLite or PostgreSQL", "url") from None
    return engine.open_engines(parsed)


def refusals(connection: Connection) -> list[str]:
    """The statements that make the triggers by which a log only grows."""
    return _ENGINES[connection.dialect.name].refusals()


def missing_refusals(connection: Connection) -> set[str]:
    """Which of these triggers the database lacks."""
    return _ENGINES[connection.dialect.name].missing_refusals(connection)


def lock_schema(connection: Connection) -> None:
    """Let no other process change the tables before this transaction ends."""
    _ENGINES[connection.dialect.name].lock_schema(connection)


def overwrite_deleted(connection: Connection) -> None:
    """Let nothing that this connection deletes from now on stay in the database's files."""
    _ENGINES[connection.dialect.name].overwrite_deleted(connection)


def forget_history(engine: Engine) -> None:
    """Give up what the database keeps of its states before the last commit."""
    _ENGINES[engine.dialect.name].forget_history(engine)
