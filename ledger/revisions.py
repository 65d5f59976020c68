"""Which migrations a database has had.

Without Alembic, which takes longer to load than a database to open, and is needed but once a
version.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

__all__ = ["MIGRATIONS", "is_current", "newest", "revision_of"]

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where they are; in ``versions``, the files are named after the revisions in order."""


def is_current(connection: Connection) -> bool:
    """Whether no migration is missing."""
    return revision_of(connection) == newest()


def revision_of(connection: Connection) -> str | None:
    """The last migration that was run; ``None`` without any."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


@cache
def newest() -> str:
    """The last migration that there is."""
    names = [path.stem for path in (MIGRATIONS / "versions").glob("v*_*.py")]
    return max(names).partition("_")[0].removeprefix("v")
