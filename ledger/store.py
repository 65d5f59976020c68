"""The store: all logs of a service in one database, and its transactions.

The order that survives crashes (docs/protocol.md 4 rests on it): entries, tiles and the signed
checkpoint become durable in one transaction, and only then does anyone hear of them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection

from ledger.group_commit import CommitFailed, GroupCommit, Ticket
from ledger.log import Log, NotInLog
from ledger.purchases import Decode
from ledger.schema import metadata
from ledger.sqlite import open_engine, writer
from ledger.transaction import DuplicateCommitment, LogState, Transaction

__all__ = ["CommitFailed", "DuplicateCommitment", "NotInLog", "Store", "Transaction"]

T = TypeVar("T")


class Store:
    """The logs in the database at ``url``, such as ``sqlite:////srv/kvitto.db``.

    ``decode`` of the group makes the logs refuse commitments that are no points; without it the
    caller vouches for them, as who has just computed or decoded them can.

    The logs' private keys lie in the database unencrypted.
    """

    def __init__(self, url: str, decode: Decode | None = None) -> None:
        self._engine = open_engine(url)
        self._writer = writer(self._engine)
        self._decode = decode
        self._states: dict[str, LogState] = {}
        self._commits = GroupCommit(self._commit)
        self.after_write: Callable[[], None] | None = None
        """Called after each write has become durable, before its result is returned."""

    def create(self) -> None:
        """Make the tables of ``ledger.schema.metadata`` that do not exist yet."""
        metadata.create_all(self._writer)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

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

    def write(self, unit: Callable[[Transaction], T]) -> T:
        """The result of ``unit``, once what it did is durable.

        Units of many threads share a transaction; one that raises undoes its own work only.
        :class:`CommitFailed` when the transaction was not confirmed: then nothing of it is kept,
        unless the database lost no more than its answer.
        """
        result = self.commit(unit)
        if self.after_write is not None:
            self.after_write()
        return result

    def commit(self, unit: Callable[[Transaction], T]) -> T:
        """As :meth:`write`, without what comes after it."""
        return self._commits.submit(unit)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection on one consistent snapshot, from the first query on."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def log(self, origin: str) -> Iterator[Log]:
        """The log ``origin`` in a snapshot of its own."""
        with self.read() as connection:
            yield Log(connection, origin)

    def _commit(self, tickets: Sequence[Ticket[Transaction]]) -> None:
        with self._writer.begin() as connection:
            transaction = Transaction(connection, self._states, self._decode)
            for ticket in tickets:
                transaction.attempt(ticket)
            states = transaction.seal()
        self._states |= states  # not before: a commit that fails leaves them as they were
