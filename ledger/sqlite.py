"""Everything that is SQLite's own: how a database file is opened, and what it refuses to do."""

from contextlib import closing, suppress
from functools import partial
from threading import Lock, Timer
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

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit is on the disk before anyone hears of it
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",  # ms; another process may hold the write lock
    # What a savepoint may have to take back: by default a file, which costs as much as the WAL.
    "PRAGMA temp_store = MEMORY",
    # Pages, 128 MB: when a commit has to move them into the file itself, see _Mover.
    "PRAGMA wal_autocheckpoint = 32000",
)
_MOVED_AFTER = 0.5  # seconds
_CONNECTIONS = 48  # kept open: a web server has 40 threads, and opening one costs a millisecond
_MORE_CONNECTIONS = 16
# kB for each connection. Readers: the system has the file in memory too. The one writer: what a
# transaction changes must fit, or pages are written several times; and commitments, being random,
# change a page each.
_READER_CACHE, _WRITER_CACHE = 512, 32 * 1024


def open_engines(url: URL) -> tuple[Engine, Engine]:
    """The engines for reading and for writing; ``FormatError`` for a database in memory.

    Writing transactions take the write lock when they begin. Otherwise one that reads first
    would fail when it comes to write, if another process had written in between.
    """
    if url.database in (None, "", ":memory:"):
        raise FormatError("not the URL of a SQLite file", "url")
    reader = create_engine(url, pool_size=_CONNECTIONS, max_overflow=_MORE_CONNECTIONS)
    writer = create_engine(url, pool_size=1, max_overflow=_MORE_CONNECTIONS)
    for engine, cache, begin in (
        (reader, _READER_CACHE, "BEGIN"),
        (writer, _WRITER_CACHE, "BEGIN IMMEDIATE"),
    ):
        event.listen(engine, "connect", partial(_on_connect, cache))
        event.listen(engine, "begin", partial(_on_begin, begin))
    mover = _Mover(writer)
    event.listen(writer, "commit", mover.start)
    event.listen(writer, "engine_disposed", mover.stop)
    return reader, writer


def _on_connect(cache: int, connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in (*_PRAGMAS, f"PRAGMA cache_size = {-cache}"):
        connection.execute(pragma).close()


def _on_begin(begin: str, connection: Connection) -> None:
    connection.exec_driver_sql(begin)


class _Mover:
    """Moves what was committed from the write-ahead log into the file, a moment later.

    Commitments are random: each falls into another page of their index. A commit that moves a
    hundred megabytes of such pages takes 150 ms; here it waits for none, and the more commits are
    moved together, the fewer pages there are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._timer: Timer | None = None

    def start(self, _connection: Connection) -> None:
        with self._lock:
            if self._timer is None or not self._timer.is_alive():
                self._timer = Timer(_MOVED_AFTER, self._move)
                self._timer.daemon = True
                self._timer.start()

    def stop(self, _engine: Engine) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer.join()

    def _move(self) -> None:
        dialect = self._engine.dialect
        arguments, options = dialect.create_connect_args(self._engine.url)
        # What fails here is tried again after the next commit, and by the next start of a process.
        with (
            suppress(dialect.loaded_dbapi.Error),
            closing(dialect.connect(*arguments, **options)) as connection,
        ):
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()


_REFUSALS = {
    "log_shrinks": "BEFORE UPDATE ON logs WHEN NEW.size < OLD.size",
    "log_forks": "BEFORE UPDATE ON logs WHEN NEW.size = OLD.size AND NEW.root != OLD.root",
    "log_is_renamed": "BEFORE UPDATE ON logs WHEN NEW.id != OLD.id OR NEW.origin != OLD.origin",
    "checkpoint_is_another": (
        "BEFORE UPDATE ON logs WHEN instr(NEW.checkpoint,"
        " CAST(NEW.origin || char(10) || NEW.size || char(10) AS BLOB)) != 1"
    ),
    "log_is_deleted": "BEFORE DELETE ON logs",
    "entry_changes": "BEFORE UPDATE ON log_entries",
    "entry_is_deleted": "BEFORE DELETE ON log_entries",
    "tile_changes": (
        "BEFORE UPDATE ON log_tiles WHEN"
        " (NEW.log_id, NEW.level, NEW.position) != (OLD.log_id, OLD.level, OLD.position)"
        " OR substr(NEW.hashes, 1, length(OLD.hashes)) != OLD.hashes"
    ),
    "tile_is_deleted": "BEFORE DELETE ON log_tiles",
    "published_shrinks": "BEFORE UPDATE ON log_published WHEN NEW.size < OLD.size",
    # INSERT OR REPLACE deletes what is in its way, and no trigger for deletions hears of it.
    "log_is_replaced": (
        "BEFORE INSERT ON logs"
        " WHEN EXISTS (SELECT 1 FROM logs WHERE id = NEW.id OR origin = NEW.origin)"
    ),
    "entry_is_replaced": (
        "BEFORE INSERT ON log_entries WHEN EXISTS (SELECT 1 FROM log_entries"
        " WHERE log_id = NEW.log_id AND position = NEW.position)"
        " OR EXISTS (SELECT 1 FROM log_entries"
        " WHERE commitment = NEW.commitment AND log_id = NEW.log_id)"
    ),
    "tile_is_replaced": (
        "BEFORE INSERT ON log_tiles WHEN EXISTS (SELECT 1 FROM log_tiles"
        " WHERE log_id = NEW.log_id AND level = NEW.level AND position = NEW.position)"
    ),
    "published_is_replaced": (
        "BEFORE INSERT ON log_published"
        " WHEN EXISTS (SELECT 1 FROM log_published WHERE log_id = NEW.log_id)"
    ),
}


def refusals() -> list[str]:
    """What makes the triggers by which a log only grows, whatever a program believes."""
    made = [
        f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{name}'); END"
        for name, when in _REFUSALS.items()
    ]
    return [*(f"DROP TRIGGER IF EXISTS {name}" for name in _REFUSALS), *made]


def missing_refusals(connection: Connection) -> set[str]:
    """The triggers that are gone."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    return _REFUSALS.keys() - set(connection.scalars(text(query)))


def lock_schema(_connection: Connection) -> None:
    """Nothing to do: a writing transaction has the whole database."""


def overwrite_deleted(connection: Connection) -> None:
    """Freed pages and cells are filled with zeros; by default they keep what was in them."""
    connection.exec_driver_sql("PRAGMA secure_delete = ON").close()


def forget_history(engine: Engine) -> None:
    """The write-ahead log has pages as they were before: move it into the file, and empty it."""
    connection = engine.raw_connection()  # the pragma works outside of transactions only
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        connection.close()
