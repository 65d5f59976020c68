"""How fast entries go into a log: each durable and under a signed checkpoint when it counts."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from benchmarks.clients import CLIENTS, at_once
from benchmarks.databases import ENGINES, SEALING
from benchmarks.measure import Figure, figure, percentile, timed
from ledger.checkpoint import open_checkpoint
from ledger.entries import Purchase
from ledger.store import Store

__all__ = ["BATCH", "append_batch", "append_singly", "appending_figures"]

BATCH = 500
_QUICK, _FULL = (2, 3), (20, 15)  # seconds in batches, rounds of single entries
_PROMISED = "at least 5,000", "at least 500"  # in batches and singly, on SQLite
_EACH = 60  # entries of one client in a round
_ORIGIN = "ledger.example/bench"


def appending_figures(engine: str, *, quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Appending to one log, in batches for some time and singly by many clients at once."""
    seconds, rounds = _QUICK if quick else _FULL
    promised = _PROMISED if engine == "SQLite" else ("", "")
    with ENGINES[engine]() as make, Store(make(), sealing=SEALING) as store:
        store.create()
        store.create_log(_ORIGIN, secrets.token_bytes(32))
        progress(f"{engine}: appending batches of {BATCH} for {seconds} s")
        bulk = _sustained(store, seconds)
        progress(f"{engine}: appending singly, {CLIENTS} clients")
        shares = [random_entries(CLIENTS * _EACH) for _ in range(rounds)]
        single = [append_singly(store, _ORIGIN, entries) for entries in shares]
        _check(store, sum(bulk) + rounds * CLIENTS * _EACH)
    waits = [wait for _, times in single for wait in times]
    what = f"append singly, {CLIENTS} clients, {engine}"
    key = f"append_single_{engine.lower()}"
    return [
        figure(
            f"append_bulk_{engine.lower()}_per_s",
            f"append in batches of {BATCH}, each second of {seconds}, {engine}",
            "/s",
            bulk,
            promised[0],
        ),
        figure(f"{key}_per_s", what, "/s", [rate for rate, _ in single], promised[1]),
        figure(f"{key}_ms", f"{what}: answered after", "ms", waits),
        figure(f"{key}_p99_ms", "of 100 answers, 99 came within", "ms", [percentile(waits, 99)]),
    ]


def random_entries(count: int) -> list[bytes]:
    """Purchases in all but the point, which the store leaves to its caller to check."""
    return [Purchase(b"\x02" + secrets.token_bytes(32)).encode() for _ in range(count)]


def append_batch(store: Store, origin: str, entries: Sequence[bytes]) -> None:
    """Append all entries in one commit."""
    store.write(lambda transaction: transaction.append(origin, entries), origin)


def append_singly(store: Store, origin: str, entries: Sequence[bytes]) -> tuple[float, list[float]]:
    """Let the clients append the entries, one in each call; entries per second, and each wait."""

    def work(share: Iterable[bytes]) -> list[float]:
        return [timed(partial(append_batch, store, origin, [entry])) for entry in share]

    seconds, times = at_once([entries[client::CLIENTS] for client in range(CLIENTS)], work)
    return len(entries) / seconds, times


def _sustained(store: Store, seconds: int) -> list[float]:
    """How many entries were appended in each second."""
    counts = [0.0] * seconds
    start = time.perf_counter()
    while True:
        append_batch(store, _ORIGIN, random_entries(BATCH))
        second = int(time.perf_counter() - start)
        if second >= seconds:
            return counts
        counts[second] += BATCH


def _check(store: Store, least: float) -> None:
    """What was counted is in the log, under a checkpoint that its key has signed."""
    with store.log(_ORIGIN) as log:
        if open_checkpoint(log.checkpoint(), *log.verifiers).size < least:
            raise RuntimeError("the log has fewer entries than were counted")
