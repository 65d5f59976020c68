"""Savepoints, written out.

SQLAlchemy's ``begin_nested`` compiles its statements anew each time, which would take half of the
time of a small unit of work. The three statements are the same in SQLite and PostgreSQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

__all__ = ["savepoint"]


@contextmanager
def savepoint(connection: Connection, name: str) -> Iterator[None]:
    """Undo what the block did to the database when it raises, and raise on.

    When undoing fails too, the transaction itself is lost; the error is then the database's.
    """
    connection.exec_driver_sql(f"SAVEPOINT {name}")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {name}")
        connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")
        raise
    connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")
