"""Everything that is PostgreSQL's own: how a database is opened, and what it refuses to do."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from commitments.errors import FormatError

__all__ = [
    "forget_history",
    "lock_schema",
    "missing_refusals",
    "open_engines",
    "overwrite_deleted",
    "refusals",
]

_SETTINGS = (
    "SET synchronous_commit = on",  # a commit is on the disk before anyone hears of it
    "SET lock_timeout = '10s'",  # another process may be writing to the same log
)
_SCHEMA_LOCK = 0x6B766974746F  # "kvitto": advisory locks have numbers
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
    "log_is_renamed": (
        "BEFORE UPDATE ON logs FOR EACH ROW WHEN (NEW.id != OLD.id OR NEW.origin != OLD.origin)"
    ),
    "checkpoint_is_another": (
        "BEFORE UPDATE ON logs FOR EACH ROW WHEN (position("
        "convert_to(NEW.origin || chr(10) || NEW.size || chr(10), 'UTF8')"
        " IN NEW.checkpoint) != 1)"
    ),
    "log_is_deleted": "BEFORE DELETE ON logs FOR EACH ROW",
    "logs_are_truncated": "BEFORE TRUNCATE ON logs",
    "entry_changes": "BEFORE UPDATE ON log_entries FOR EACH ROW",
    "entry_is_deleted": "BEFORE DELETE ON log_entries FOR EACH ROW",
    "entries_are_truncated": "BEFORE TRUNCATE ON log_entries",
    "tile_changes": (
        "BEFORE UPDATE ON log_tiles FOR EACH ROW WHEN ("
        "(NEW.log_id, NEW.level, NEW.position) != (OLD.log_id, OLD.level, OLD.position)"
        " OR substr(NEW.hashes, 1, length(OLD.hashes)) != OLD.hashes)"
    ),
    "tile_is_deleted": "BEFORE DELETE ON log_tiles FOR EACH ROW",
    "tiles_are_truncated": "BEFORE TRUNCATE ON log_tiles",
    "published_shrinks": "BEFORE UPDATE ON log_published FOR EACH ROW WHEN (NEW.size < OLD.size)",
}


def refusals() -> list[str]:
    """What makes the triggers by which a log only grows, whatever a program believes."""
    triggers = [
        f"CREATE OR REPLACE TRIGGER {name} {when} EXECUTE FUNCTION kvitto_refuse()"
        for name, when in _REFUSALS.items()
    ]
    return [_REFUSE, *triggers]


def missing_refusals(connection: Connection) -> set[str]:
    """The triggers that are gone or switched off."""
    query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    return _REFUSALS.keys() - set(connection.scalars(text(query)))


def lock_schema(connection: Connection) -> None:
    """Let no other process change the tables before this transaction ends."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")


def overwrite_deleted(_connection: Connection) -> None:
    """Nothing to do here: a dropped table's file goes with it, a deleted row with a vacuum."""


def forget_history(_engine: Engine) -> None:
    """Nothing to do: what the server keeps of the past (WAL, archives) is its operator's."""
