"""Whether a load balancer should send requests here: database, tables, witnesses, no shutdown."""

import time
from collections.abc import Callable
from threading import Lock

from sqlalchemy import update

from commitments.errors import KvittoError, Overloaded
from ledger.cosigning import Publisher
from ledger.group_commit import CommitFailed
from ledger.schema import sealing_keys
from ledger.store import Store, Transaction

__all__ = ["NotReady", "Readiness"]

_LOOK_SECONDS = 5.0  # however often somebody asks, the database is written to no more often
_PATIENCE = 3.0  # seconds for who asks while another waits for a database that hangs


class NotReady(KvittoError):  # noqa: N818 - the name is the condition, as in HTTP 503
    """No request should be sent to this process now."""


class Readiness:
    """What stands against sending requests to this process.

    ``witness_patience`` is for how many seconds a witness may fail, if that matters at all.
    """

    def __init__(
        self,
        store: Store,
        publisher: Publisher | None,
        witness_patience: int | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._witness_patience = witness_patience
        self._monotonic = monotonic
        self._lock = Lock()
        self._looked: float | None = None
        self._trouble = ""

    def require(self) -> None:
        """:class:`NotReady` says why."""
        if trouble := self._database() or self._witnesses():
            raise NotReady(trouble)

    def _database(self) -> str:
        if not self._lock.acquire(timeout=_PATIENCE):
            return "the database does not answer"
        try:
            now = self._monotonic()
            if self._looked is None or now - self._looked >= _LOOK_SECONDS:
                self._trouble = self._look()
                self._looked = self._monotonic()
            return self._trouble
        finally:
            self._lock.release()

    def _look(self) -> str:
        try:
            if not self._store.is_current():
                return "the database is of another version"
            self._store.commit(_write)
        except CommitFailed:
            return "the database cannot be written"
        except Overloaded as error:
            # Who finds the queue of writers full knows at least that others write.
            return "the database cannot be read" if error.__cause__ else ""
        return ""

    def _witnesses(self) -> str:
        if self._publisher is None or self._witness_patience is None:
            return ""
        failing = self._publisher.failing_for()
        late = sorted(name for name, time in failing.items() if time > self._witness_patience)
        return f"no answer from {', '.join(late)}" if late else ""


def _write(transaction: Transaction) -> None:
    """A write that changes nothing."""
    unchanged = update(sealing_keys).values(key_id=sealing_keys.c.key_id)
    transaction.connection.execute(unchanged)
