"""Which database a URL names."""

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError

from commitments.errors import FormatError
from ledger import postgresql, sqlite

__all__ = ["open_engines"]

_OPENERS = {"sqlite": sqlite.open_engines, "postgresql": postgresql.open_engines}


def open_engines(url: str) -> tuple[Engine, Engine]:
    """The engines for reading and for writing the database at ``url``.

    ``FormatError`` unless that is the URL of a SQLite file or of a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
        opener = _OPENERS[parsed.get_backend_name()]
    except (ArgumentError, KeyError):
        raise FormatError("not the URL of SQLite or PostgreSQL", "url") from None
    return opener(parsed)
