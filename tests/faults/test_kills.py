"""``kill -9`` at random moments under load, and two processes at once.

``KVITTO_KILLS`` says how often; ``make soak`` kills much more often than ``make test``.
"""

import os
from itertools import count
from random import Random
from threading import Event

from commitments.wire import parse_decimal
from tests.faults.oracle import check
from tests.faults.processes import prepare, teller
from tests.faults.teller import THREADS, open_store

KILLS = parse_decimal(os.environ.get("KVITTO_KILLS", "6"), "KVITTO_KILLS")
LONGEST_MS = 20  # after the line that a kill follows; several commits take place in it


def test_killed_at_random_moments_loses_and_forks_nothing(database: str) -> None:
    random = Random(KILLS)
    prepare(database, 0)
    sold: set[int] = set()
    served: list[str] = []
    for _ in range(KILLS):
        # Whatever was under way when it was killed is asked for again: the first of each thread.
        first = [
            next(sale for sale in count(thread, THREADS) if sale not in sold)
            for thread in range(THREADS)
        ]
        with teller("load", database, *map(str, first)) as killed:
            for _ in range(random.choice([1, 2, random.randrange(2, 150)])):
                assert killed.hear()
            Event().wait(random.uniform(0, LONGEST_MS / 1000))
            killed.kill()
        sold |= set(killed.sold)
        served += killed.served
        with open_store(database) as store:
            recorded = check(store, sold, served)
        # No more than one sale of each thread was recorded without anyone hearing of it.
        assert recorded <= len(sold) + THREADS
    assert len(sold) > KILLS


def test_two_processes_on_one_database_make_one_log(database: str) -> None:
    prepare(database, 0)
    with (
        teller("load", database, "0", "1") as one,
        teller("load", database, "2", "3", "1") as other,
    ):
        for _ in range(60):
            assert one.hear()
            assert other.hear()
        one.kill()
        for _ in range(20):  # whoever is left goes on
            assert other.hear()
        other.kill()
    with open_store(database) as store:
        check(store, one.sold + other.sold, one.served + other.served)
    assert len(one.sold) >= 59
    assert len(other.sold) >= 79
