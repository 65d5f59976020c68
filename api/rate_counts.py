"""How often something was done in a window of time, by this process and by the others.

A storage of the package ``limits``. It counts in memory, so that a request costs no query, and is
told once a second what other processes on the database have counted. What was counted before a
restart comes back in the same way.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from limits.storage import Storage
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from commitments.clock import Clock, unix_seconds
from ledger.schema import metadata
from ledger.store import Store, Transaction

__all__ = ["RateCounts"]

_PROCESS_BYTES = 8
_MOST = 100_000  # counts in memory; the oldest goes, so that nobody can fill it
_TOGETHER = 500  # counts in a statement
_CLEAN_SECONDS = 60

rate_counts = Table(
    "rate_counts",
    metadata,
    Column("id", String, primary_key=True),
    Column("process", LargeBinary, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)
"""What each process has counted. ``id`` has keyed hashes of addresses and keys, and no other."""


@dataclass
class _Count:
    until: int
    mine: int = 0
    others: int = 0


class RateCounts(Storage):
    """Counts by key. Windows begin at multiples of their length, the same for all processes."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._process = secrets.token_bytes(_PROCESS_BYTES)
        self._lock = Lock()
        self._counts: dict[str, _Count] = {}
        self._changed: set[str] = set()
        self._clean_from = 0

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: it asks nobody."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count ``amount`` more in a window of ``expiry`` seconds; the count."""
        now = unix_seconds(self._clock())
        with self._lock:
            count = self._counts.get(key)
            if count is None or count.until <= now:
                self._counts.pop(key, None)  # so that a new window is the newest
                count = self._counts[key] = _Count((now // expiry + 1) * expiry)
                if len(self._counts) > _MOST:
                    self._forget(next(iter(self._counts)))
            count.mine += amount
            self._changed.add(key)
            return count.mine + count.others

    def get(self, key: str) -> int:
        """The count."""
        now = unix_seconds(self._clock())
        with self._lock:
            count = self._counts.get(key)
            return count.mine + count.others if count and count.until > now else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, in seconds since 1970."""
        with self._lock:
            count = self._counts.get(key)
            return count.until if count else unix_seconds(self._clock())

    def check(self) -> bool:
        """It is always there."""
        return True

    def reset(self) -> None:
        """Forget all that this process has counted."""
        with self._lock:
            self._counts.clear()
            self._changed.clear()

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self._lock:
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._counts.pop(key, None)
        self._changed.discard(key)

    def exchange(self, store: Store) -> None:
        """Write down what has changed, and read what others have counted of the same.

        Each process has rows of its own, so that none waits for another's.
        """
        now = unix_seconds(self._clock())
        with self._lock:
            changed, self._changed = self._changed, set()
            rows = [self._row(key) for key in changed]
        cleans = now >= self._clean_from
        if not rows and not cleans:
            return

        def unit(transaction: Transaction) -> dict[str, int]:
            connection = transaction.connection
            if cleans:
                connection.execute(delete(rate_counts).where(rate_counts.c.until <= now))
            return dict(
                other
                for start in range(0, len(rows), _TOGETHER)
                for other in self._swap(connection, rows[start : start + _TOGETHER], now)
            )

        try:
            others = store.commit(unit)
        except Exception:
            with self._lock:  # next time
                self._changed |= changed & self._counts.keys()
            raise
        if cleans:
            self._clean_from = now + _CLEAN_SECONDS
        with self._lock:
            for key in changed & self._counts.keys():
                self._counts[key].others = others.get(key, 0)

    def _row(self, key: str) -> dict[str, Any]:
        count = self._counts[key]
        return {"id": key, "process": self._process, "until": count.until, "count": count.mine}

    def _swap(
        self, connection: Connection, rows: Sequence[dict[str, Any]], now: int
    ) -> list[tuple[str, int]]:
        """Put ``rows`` in the place of ours; the sums of the others."""
        ids = [row["id"] for row in rows]
        ours = rate_counts.c.process == self._process
        connection.execute(delete(rate_counts).where(ours, rate_counts.c.id.in_(ids)))
        connection.execute(insert(rate_counts), rows)
        sums = (
            select(rate_counts.c.id, func.sum(rate_counts.c.count))
            .where(~ours, rate_counts.c.id.in_(ids), rate_counts.c.until > now)
            .group_by(rate_counts.c.id)
        )
        # PostgreSQL's sum of whole numbers is a Decimal.
        return [(key, round(total)) for key, total in connection.execute(sums)]
