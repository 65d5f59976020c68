"""A PostgreSQL server that crashes under load, and is started again."""

from itertools import count
from threading import Event, Thread

from commitments.errors import Overloaded
from ledger.store import Store
from tests.databases import OwnPostgresql
from tests.faults.oracle import check
from tests.faults.processes import prepare
from tests.faults.teller import ORIGIN, THREADS, open_store, sell

PATIENCE = 60  # seconds
SOLD = 10  # by each thread, before and after


class Counter(Thread):
    """Sells without end, and asks again for what was refused."""

    def __init__(self, store: Store, first: int) -> None:
        super().__init__(daemon=True)
        self._store, self._first = store, first
        self.sold: list[int] = []
        self.served: list[str] = []
        self.refused = 0
        self.error: Exception | None = None
        self.changed, self.over = Event(), Event()

    def run(self) -> None:
        try:
            for sale in count(self._first, THREADS):
                while not self._once(sale):
                    if self.over.wait(0.01):
                        return
                if self.over.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.error = error
        self.changed.set()

    def _once(self, sale: int) -> bool:
        try:
            sell(self._store, sale)
            self.sold.append(sale)
            with self._store.log(ORIGIN) as log:
                self.served.append(log.checkpoint().decode())
        except Overloaded:
            self.refused += 1
        self.changed.set()
        return bool(self.sold) and self.sold[-1] == sale

    def wait_until(self, sold: int, refused: int) -> None:
        """Until there are as many of both; an error of another kind is raised here."""
        while len(self.sold) < sold or self.refused < refused:
            assert self.changed.wait(PATIENCE)
            if self.error is not None:
                raise self.error
            self.changed.clear()


def test_a_server_that_crashes_under_load_is_found_again(own_postgresql: OwnPostgresql) -> None:
    prepare(own_postgresql.url, 0)
    with open_store(own_postgresql.url) as store:
        counters = [Counter(store, first) for first in range(THREADS)]
        for counter in counters:
            counter.start()
        for counter in counters:
            counter.wait_until(sold=SOLD, refused=0)
        own_postgresql.crash()
        for counter in counters:
            counter.wait_until(sold=SOLD, refused=counter.refused + 2)
        own_postgresql.start()
        for counter in counters:
            counter.wait_until(sold=len(counter.sold) + SOLD, refused=0)
        for counter in counters:
            counter.over.set()
            counter.join(PATIENCE)
            assert not counter.is_alive()
        sold = [sale for counter in counters for sale in counter.sold]
        served = [note for counter in counters for note in counter.served]
        assert check(store, sold, served) <= len(sold) + THREADS
