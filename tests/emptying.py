"""A database of PostgreSQL that was used becomes as good as new.

To copy one and to remove it takes longer than most tests.
"""

from typing import Any

import psycopg

__all__ = ["Emptying"]

_Connection = psycopg.Connection[Any]

_ALONE = b"""SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid != pg_backend_pid()"""
_TABLES = b"SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
# How many rows there are, and the last transaction that wrote one: another if anything was
# created, altered or removed. What the server brings has smaller numbers than these.
_SCHEMA = b"""
          SELECT count(*), max(xmin::text::bigint) FROM pg_class WHERE oid >= 16384
UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_attribute WHERE attrelid >= 16384
UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_index WHERE indexrelid >= 16384
UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_constraint WHERE oid >= 16384
UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_trigger WHERE oid >= 16384
UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_proc WHERE oid >= 16384
"""


class Emptying:
    """Makes copies of one database, which ``connection`` is to, like it again."""

    def __init__(self, connection: _Connection) -> None:
        self._schema = connection.execute(_SCHEMA).fetchall()
        ((version,),) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        deletions = [f"DELETE FROM {table}" for (table,) in connection.execute(_TABLES)]  # noqa: S608
        self._statements = "; ".join(
            [
                "SET session_replication_role = replica",  # no trigger protects the logs from this
                *deletions,
                f"INSERT INTO alembic_version VALUES ('{version}')",  # noqa: S608
                "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'",
            ]
        ).encode()

    def empty(self, connection: _Connection) -> bool:
        """Take out whatever is in the tables, or nothing if anything but rows was changed.

        Whoever else is connected is no longer.
        """
        connection.execute(_ALONE)
        if connection.execute(_SCHEMA).fetchall() != self._schema:
            return False
        connection.execute(self._statements)
        return True
