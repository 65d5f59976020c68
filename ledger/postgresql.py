"""Everything that is PostgreSQL's own: how a database is opened, and what it refuses to do."""

from typing import Any

from sqlalchemy import DDL, URL, Engine, create_engine, event

from commitments.errors import FormatError
from ledger.schema import entries, logs

__all__ = ["open_engines"]

_SETTINGS = (
    "SET synchronous_commit = on",  # a commit is on the disk before anyone hears of it
    "SET lock_timeout = '10s'",  # another process may be writing to the same log
)
_CONNECTIONS = 8  # kept open
_MORE_CONNECTIONS = 56  # above the threads of a web server's pool


def open_engines(url: URL) -> tuple[Engine, Engine]:
    """The engines for reading and for writing; ``FormatError`` for a URL without a database.

    A reader has one snapshot, from its first query on. A writer must see what the one before it
    has committed: it locks its logs first, and each later statement reads anew.
    """
    if not url.database:
        raise FormatError("name a database", "url")
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        isolation_level="READ COMMITTED",
    )
    event.listen(engine, "connect", _on_connect)
    return engine.execution_options(isolation_level="REPEATABLE READ"), engine


def _on_connect(connection: Any, _record: Any) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.commit()  # a setting lasts no longer than a transaction that is rolled back


_REFUSE = """CREATE OR REPLACE FUNCTION kvitto_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_NAME; END $$"""
_REFUSALS = {
    "log_shrinks": "BEFORE UPDATE ON logs FOR EACH ROW WHEN (NEW.size < OLD.size)",
    "log_forks": (
        "BEFORE UPDATE ON logs FOR EACH ROW WHEN (NEW.size = OLD.size AND NEW.root != OLD.root)"
    ),
    "log_is_renamed": "BEFORE UPDATE ON logs FOR EACH ROW WHEN (NEW.origin != OLD.origin)",
    "log_is_deleted": "BEFORE DELETE ON logs FOR EACH ROW",
    "logs_are_truncated": "BEFORE TRUNCATE ON logs",
    "entry_changes": "BEFORE UPDATE ON log_entries FOR EACH ROW",
    "entry_is_deleted": "BEFORE DELETE ON log_entries FOR EACH ROW",
    "entries_are_truncated": "BEFORE TRUNCATE ON log_entries",
}


def _after_create(statement: str) -> Any:
    ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    return ddl.execute_if(dialect="postgresql")


# A log only grows, whatever a program that opens the database believes.
event.listen(logs, "after_create", _after_create(_REFUSE))
for _name, _when in _REFUSALS.items():
    _trigger = f"CREATE TRIGGER {_name} {_when} EXECUTE FUNCTION kvitto_refuse()"
    event.listen(
        entries if "log_entries" in _when else logs, "after_create", _after_create(_trigger)
    )
