"""Which of the processes on one database sends: the one that has the lease."""

import secrets
from typing import Any

from sqlalchemy import Connection, select, text, update
from sqlalchemy.engine import Row

from api.webhooks.schema import webhook_lease
from commitments.clock import Clock, unix_seconds
from ledger.store import Store

__all__ = ["Lease"]

_SECONDS = 60  # longer than a batch takes; so long nothing is sent after a process was killed
_MAKE = text(
    "INSERT INTO webhook_lease (id, holder, until) VALUES (1, '', 0) ON CONFLICT DO NOTHING"
)


class Lease:
    """The lease of the database in ``store``, as one process asks for it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._name = secrets.token_hex(16)

    def hold(self) -> bool:
        """Whether this process may send; the row is written twice in a lease at most."""
        now = unix_seconds(self._clock())
        with self._store.read() as connection:
            lease = connection.execute(select(webhook_lease)).one_or_none()
        if lease and lease.holder == self._name and lease.until > now + _SECONDS // 2:
            return True
        return self._is_free(lease, now) and self._store.commit(
            lambda transaction: self._take(transaction.connection, now)
        )

    def release(self) -> None:
        """Let another process go on at once."""
        mine = webhook_lease.c.holder == self._name
        with self._store.read() as connection:
            held = connection.scalar(select(webhook_lease.c.until).where(mine))
        if held:
            given_back = update(webhook_lease).where(mine).values(until=0)
            self._store.commit(lambda transaction: transaction.connection.execute(given_back))

    def _take(self, connection: Connection, now: int) -> bool:
        connection.execute(_MAKE)
        # Whoever comes second waits for the row, and then sees the name of the first in it.
        lease = connection.execute(select(webhook_lease).with_for_update()).one()
        if not self._is_free(lease, now):
            return False
        values = {"holder": self._name, "until": now + _SECONDS}
        connection.execute(update(webhook_lease).values(values))
        return True

    def _is_free(self, lease: Row[Any] | None, now: int) -> bool:
        """Whether nobody else has it; one of the far future is of a clock that was wrong."""
        if lease is None or lease.holder == self._name:
            return True
        return not now < lease.until <= now + 2 * _SECONDS
