"""A log of any size that is built as a shop's is, and what is read from it as a service does."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice

from sqlalchemy import Connection

from benchmarks.appending import BATCH, append_batch
from benchmarks.databases import SEALING
from benchmarks.measure import timed
from benchmarks.rings import walk
from commitments.clock import SYSTEM_CLOCKS
from commitments.errors import Refused
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from ledger.closed import ClosedLogs
from ledger.entries import Purchase
from ledger.log import Log
from ledger.partition import Partition
from ledger.rings import RingName, build_evidence, build_ring
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store

__all__ = ["CAPACITY", "MERCHANT", "PERIOD", "Reader", "build", "open_shop", "purchases"]

MERCHANT = Merchant("bench", "Bench", "ledger.example/bench")
CAPACITY = 1024
"""Of a ring."""
PERIOD = 1000
"""Entries between two closes."""
_SEED = 1


@contextmanager
def open_shop(url: str) -> Iterator[Store]:
    """The store at ``url``, with the merchant and its logs."""
    with Store(url, sealing=SEALING) as store:
        store.create()
        with suppress(Refused):  # it is there already
            create_merchant(
                store, P256, SYSTEM_CLOCKS, MERCHANT, capacity=CAPACITY, period="manual"
            )
        yield store


def purchases() -> Iterator[bytes]:
    """Entries whose commitments are points."""
    return (Purchase(P256.encode(point)).encode() for point in walk())


def build(
    store: Store, entries: Iterator[bytes], sizes: range, progress: Callable[[str], None]
) -> tuple[list[float], list[float]]:
    """Let the log grow from one of ``sizes``, which are ``BATCH`` apart, to the next.

    Milliseconds of each batch, and of the close after each period.
    """
    batches, closes = [], []
    closer = Closer(store, SYSTEM_CLOCKS, SeedWitnesses())
    for size in sizes:
        batch = list(islice(entries, BATCH))
        batches.append(timed(partial(append_batch, store, MERCHANT.origin, batch)))
        if (size + BATCH) % PERIOD == 0:
            closes.append(timed(partial(closer.now, MERCHANT)))
            progress(f"building: {size + BATCH:,} entries")
    return batches, closes


class Reader:
    """Reads from a log of ``size`` entries, somewhere else each time, in a snapshot of its own."""

    def __init__(self, store: Store, size: int) -> None:
        self._store = store
        self._size = size
        self._closed = ClosedLogs()
        self._generator = random.Random(_SEED)

    def partition(self) -> None:
        """What a service does once after its start; all rings need it."""
        with self._store.read() as connection:
            self._closed.partition(connection, MERCHANT.origin)

    def inclusion(self) -> None:
        """An inclusion proof."""
        index = self._generator.randrange(self._size)
        with self._store.log(MERCHANT.origin) as log:
            log.inclusion(index, self._size)

    def evidence(self, first: int = 0) -> None:
        """What a wallet gets to check a ring with; over the entries from ``first`` on."""
        with self._store.read() as connection:
            log, known = Log(connection, MERCHANT.origin), self._partition(connection)
            build_evidence(log, known, self._ring_name(known, first), self._size)

    def ring(self) -> None:
        """A ring over the whole log, decoded, as a verifier needs it."""
        with self._store.read() as connection:
            log, known = Log(connection, MERCHANT.origin), self._partition(connection)
            build_ring(log, known, self._ring_name(known, 0), P256.decode)

    def _partition(self, connection: Connection) -> Partition:
        return self._closed.partition(connection, MERCHANT.origin)

    def _ring_name(self, known: Partition, first: int) -> RingName:
        lane = self._generator.randrange(known.lanes(first, self._size))
        return RingName(first, self._size, self._size, lane)
