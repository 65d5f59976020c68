"""The store: all logs of a service in one database, and its transactions.

The order that survives crashes (docs/protocol.md 4 rests on it): entries, tiles and the signed
checkpoint become durable in one transaction, and only then does anyone hear of them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DatabaseError

from commitments.errors import Overloaded
from commitments.sandbox import is_sandbox
from ledger.database_errors import is_failure
from ledger.engines import forget_history, open_engines
from ledger.events import is_events_origin
from ledger.group_commit import CommitFailed, GroupCommit, Ticket
from ledger.log import Log, NotInLog
from ledger.metrics import ENTRIES
from ledger.private_keys import is_sealed, pin
from ledger.purchases import Decode
from ledger.revisions import is_current
from ledger.sealing import NoSealingKey, SealingKey, WrongSealingKey
from ledger.transaction import DuplicateCommitment, LogState, ReadOnly, Transaction

__all__ = [
    "CommitFailed",
    "DuplicateCommitment",
    "NoSealingKey",
    "NotInLog",
    "ReadOnly",
    "Store",
    "Transaction",
    "WrongSealingKey",
]

T = TypeVar("T")

_MOST_WAITING = 32  # units; below the 40 threads of a web server, so that readers still find one


class Store:
    """The logs in the database at ``url``.

    That is ``sqlite:////srv/kvitto.db`` or ``postgresql://user@host/kvitto``, and says the same
    to any number of processes.

    ``decode`` of the group makes the logs refuse commitments that are no points; without it the
    caller vouches for them, as who has just computed or decoded them can.

    ``sealing`` is the key under which the logs' private keys lie in the database. Without it
    everything can be read, and nothing can be appended: ``NoSealingKey``.
    """

    def __init__(
        self, url: str, decode: Decode | None = None, *, sealing: SealingKey | None = None
    ) -> None:
        self._reader, self._writer = open_engines(url)
        self._decode = decode
        self._sealing = sealing
        self._states: dict[str, LogState] = {}
        self._commits = GroupCommit(self._commit, _MOST_WAITING)
        self.after_write: Callable[[], None] | None = None
        """Called after each write has become durable, before its result is returned."""

    def create(self) -> None:
        """Make the tables, or bring those of an earlier version up to date.

        :class:`ledger.migrate.WrongSchema` for those of a later one; ``WrongSealingKey`` when the
        keys in them are sealed under another key.
        """
        if not self.is_current():
            self._upgrade()
        if self._sealing is not None:
            with self._writer.begin() as connection:
                pin(connection, self._sealing)

    def is_current(self) -> bool:
        """Whether the tables are those of this version, as far as migrations tell.

        :class:`Overloaded` while the database cannot be read.
        """
        with self.read() as connection:
            return is_current(connection)

    def _upgrade(self) -> None:
        from ledger.migrate import upgrade  # noqa: PLC0415 - see ledger/revisions.py

        with self._writer.begin() as connection:
            upgrade(connection, self._sealing)
        forget_history(self._writer)

    def is_sealed(self) -> bool:
        """Whether private keys lie in the database under some sealing key already."""
        with self._reader.connect() as connection:
            return inspect(connection).has_table("sealing_keys") and is_sealed(connection)

    def check(self) -> None:
        """``WrongSchema`` unless tables and triggers are those that all rooms define."""
        from ledger.migrate import check_schema  # noqa: PLC0415 - as above

        with self._reader.connect() as connection:
            check_schema(connection)

    def close(self) -> None:
        """Close all connections."""
        self._reader.dispose()
        self._writer.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def create_log(self, origin: str, private_key: bytes) -> str:
        """Begin an empty log; see :meth:`Transaction.create_log`."""
        return self.write(lambda transaction: transaction.create_log(origin, private_key))

    def write(self, unit: Callable[[Transaction], T], *origins: str) -> T:
        """The result of ``unit``, once what it did is durable.

        No other process writes to the logs ``origins`` meanwhile, from before ``unit`` begins:
        name those on whose entries, or tables made from them, it bases what it does.
        Units of many threads share a transaction; one that raises undoes its own work only.
        :class:`CommitFailed` when the transaction was not confirmed: then nothing of it is kept,
        unless the database lost no more than its answer. ``Overloaded`` when too many units wait.
        """
        result = self.commit(unit, *origins)
        if self.after_write is not None:
            self.after_write()
        return result

    def commit(self, unit: Callable[[Transaction], T], *origins: str) -> T:
        """As :meth:`write`, without what comes after it."""
        return self._commits.submit(unit, origins)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection on one consistent snapshot, from the first query on.

        :class:`Overloaded` while the database cannot be read.
        """
        try:
            with self._reader.connect() as connection:
                yield connection
        except DatabaseError as error:
            if not is_failure(error):
                raise
            raise Overloaded("the database cannot be read") from error

    @contextmanager
    def log(self, origin: str) -> Iterator[Log]:
        """The log ``origin`` in a snapshot of its own."""
        with self.read() as connection:
            yield Log(connection, origin)

    def _commit(self, tickets: Sequence[Ticket[Transaction]]) -> None:
        try:
            with self._writer.begin() as connection:
                transaction = Transaction(connection, self._states, self._decode, self._sealing)
                transaction.hold({origin for ticket in tickets for origin in ticket.needs})
                for ticket in tickets:
                    transaction.attempt(ticket)
                states = transaction.seal()
        except DatabaseError:
            # A lock that could not be given back would outlive all but the last connection.
            self._reader.dispose()
            self._writer.dispose()
            raise
        self._states |= states  # not before: a commit that fails leaves them as they were
        for origin, count in transaction.appended.items():
            if not is_sandbox(origin):
                ENTRIES.labels("events" if is_events_origin(origin) else "purchases").inc(count)
