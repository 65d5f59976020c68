"""A log of a million purchases: building it, proving from it, serving it."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.appending import BATCH, append_batch, append_singly
from benchmarks.clients import CLIENTS
from benchmarks.databases import ENGINES, SEALING, bytes_on_disk
from benchmarks.measure import Figure, alternate, figure, percentile, timed, worked
from benchmarks.rings import walk
from benchmarks.service import Request, serving
from commitments.errors import Refused
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from ledger.closed import ClosedLogs
from ledger.entries import Purchase
from ledger.log import Log
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.partition import lanes
from ledger.rings import RingName, build_evidence, build_ring
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store
from ledger.tiles import TILE_WIDTH, bundle_path, tile_path

__all__ = ["large_figures"]

_MERCHANT = Merchant("bench", "Bench", "ledger.example/bench")
_CAPACITY = 1024  # of a ring
_ENTRIES_OF_A_PERIOD = 1000
_TENTH = 10  # first and last of so many parts are compared
_RUNS = 1000  # of what takes a millisecond
_FEW_RUNS = 30  # of what takes a tenth of a second
_SCATTERED = 1024  # entries of a multiproof
_SEED = 1

Progress = Callable[[str], None]


def large_figures(engine: str, *, entries: int, progress: Progress) -> list[Figure]:
    """Everything that could grow with the log, in a database of its own that is removed."""
    with ENGINES[engine]() as make, tempfile.TemporaryDirectory() as directory:
        url, purchases = make(), _purchases()
        with _open(url) as store:
            figures = _build(store, purchases, entries, progress)
        size = bytes_on_disk(url) / entries  # closed, so that SQLite has emptied its WAL
        figures.append(figure("bytes_per_entry", "database, of each entry", "bytes", [size]))
        progress("serving it")
        figures += _served(Path(directory), url, entries)
        with _open(url) as store:
            progress("reading proofs and rings")
            figures += [*_proofs(store, entries), *_rings(store, entries)]
            progress("appending, in turn to this log and to an empty one")
            with _open(make()) as empty:
                figures += _growth(store, empty, purchases)
    return figures


@contextmanager
def _open(url: str) -> Iterator[Store]:
    """The store, with the merchant and its logs."""
    with Store(url, sealing=SEALING) as store:
        store.create()
        with suppress(Refused):  # it is there already
            create_merchant(store, P256, _clock, _MERCHANT, capacity=_CAPACITY, period="manual")
        yield store


def _clock() -> datetime:
    return datetime(2026, 11, 21, tzinfo=UTC)


def _purchases() -> Iterator[bytes]:
    """Entries whose commitments are points."""
    return (Purchase(P256.encode(point)).encode() for point in walk())


def _build(
    store: Store, purchases: Iterator[bytes], entries: int, progress: Progress
) -> list[Figure]:
    """Append batches, with a close after each period; only the writing is timed."""
    times: list[float] = []
    closes: list[float] = []
    closer = Closer(store, _clock, SeedWitnesses())
    for size in range(0, entries, BATCH):
        batch = list(islice(purchases, BATCH))
        times.append(timed(partial(append_batch, store, _MERCHANT.origin, batch)) / 1000)
        if (size + BATCH) % _ENTRIES_OF_A_PERIOD == 0:
            closes.append(timed(partial(closer.now, _MERCHANT)))
            progress(f"building: {size + BATCH:,} entries")
    part = len(times) // _TENTH
    parts = [BATCH * part / sum(times[n : n + part]) for n in range(0, part * _TENTH, part)]
    return [
        figure("entries", "entries in the log", "", [entries]),
        figure("closes", "closes of it", "", [len(closes)]),
        figure("build_s", "append them all", "s", [sum(times)]),
        figure("build_per_s", f"in batches of {BATCH}, each tenth of them", "/s", parts),
        figure("build_first_per_s", "the first tenth", "/s", parts[:1]),
        figure("build_last_per_s", "the last tenth", "/s", parts[-1:]),
        figure("close_ms", "close a period", "ms", closes),
    ]


def _proofs(store: Store, size: int) -> list[Figure]:
    """Each in a snapshot of its own, as a service reads it."""
    generator = random.Random(_SEED)

    def inclusion() -> None:
        index = generator.randrange(size)
        with store.log(_MERCHANT.origin) as log:
            log.inclusion(index, size)

    def consistency() -> None:
        with store.log(_MERCHANT.origin) as log:
            log.consistency(generator.randrange(1, size), size)

    def multiproof() -> None:
        wanted = generator.sample(range(size), min(_SCATTERED, size))
        with store.log(_MERCHANT.origin) as log:
            log.multiproof(wanted, size)

    def checkpoint() -> None:
        with store.log(_MERCHANT.origin) as log:
            log.checkpoint()

    _check_inclusion(store, generator.randrange(size), size)
    runs = min(_RUNS, size)
    work = [worked(inclusion) for _ in range(runs)]
    return [
        *_timings("inclusion", "inclusion proof", inclusion, runs, "under 5"),
        figure("inclusion_work_ms", "inclusion proof, processor time", "ms", work, "under 5"),
        *_timings("consistency", "consistency proof", consistency, runs),
        *_timings("multiproof", f"multiproof of {_SCATTERED:,} entries", multiproof, _FEW_RUNS),
        *_timings("checkpoint", "checkpoint", checkpoint, runs),
    ]


def _check_inclusion(store: Store, index: int, size: int) -> None:
    """What is timed afterwards is a proof."""
    with store.log(_MERCHANT.origin) as log:
        proof, root = log.inclusion(index, size), log.root(size)
        verify_inclusion(leaf_hash(log.entry(index)), index, size, proof, root)


def _rings(store: Store, size: int) -> list[Figure]:
    """Rings over the whole log and over its newest third, as evidence and decoded."""
    generator = random.Random(_SEED)
    closed = ClosedLogs()

    def partition() -> None:
        with store.read() as connection:
            closed.partition(connection, _MERCHANT.origin)

    def evidence(first: int) -> None:
        with store.read() as connection:
            log = Log(connection, _MERCHANT.origin)
            known = closed.partition(connection, _MERCHANT.origin)
            name = RingName(first, size, size, generator.randrange(known.lanes(first, size)))
            build_evidence(log, known, name, size)

    def ring() -> None:
        with store.read() as connection:
            log = Log(connection, _MERCHANT.origin)
            known = closed.partition(connection, _MERCHANT.origin)
            name = RingName(0, size, size, generator.randrange(known.lanes(0, size)))
            build_ring(log, known, name, P256.decode)

    recent = size - size // 3 // _ENTRIES_OF_A_PERIOD * _ENTRIES_OF_A_PERIOD
    return [
        figure("partition_ms", "partition, once after a start", "ms", [timed(partition)]),
        *_timings("evidence", "evidence for a ring", partial(evidence, 0), _FEW_RUNS),
        *_timings(
            "evidence_recent",
            "evidence for a ring of the newest third",
            partial(evidence, recent % size),
            _FEW_RUNS,
        ),
        *_timings("ring", "ring, decoded", ring, _FEW_RUNS),
    ]


def _growth(store: Store, empty: Store, purchases: Iterator[bytes]) -> list[Figure]:
    """The same appended to this log and to an empty one, in turn: the machine's mood cancels."""

    def bulk(target: Store, batches: Iterator[list[bytes]]) -> None:
        append_batch(target, _MERCHANT.origin, next(batches))

    def single(target: Store, batches: Iterator[list[bytes]]) -> None:
        append_singly(target, _MERCHANT.origin, next(batches))

    def supply(count: int, batch: int) -> Iterator[list[bytes]]:
        return iter([list(islice(purchases, batch)) for _ in range(count + 1)])

    figures = []
    for key, what, append, runs, batch in (
        ("bulk", f"in batches of {BATCH}", bulk, 5 * _FEW_RUNS, BATCH),
        ("single", f"singly, {CLIENTS} clients", single, _FEW_RUNS, 10 * CLIENTS),
    ):
        here, there = alternate(
            partial(append, store, supply(runs, batch)),
            partial(append, empty, supply(runs, batch)),
            runs,
        )
        rates, rates_empty = ([1000 * batch / ms for ms in times] for times in (here, there))
        kept = 100 * sum(there) / sum(here)
        figures += [
            figure(f"append_{key}_per_s", f"append {what}", "/s", rates),
            figure(f"append_{key}_empty_per_s", f"append {what}, empty log", "/s", rates_empty),
            figure(
                f"append_{key}_kept", "of the rate of the empty log", "%", [kept], "at least 80"
            ),
        ]
    return figures


def _served(directory: Path, url: str, size: int) -> list[Figure]:
    """A service process on this database, asked by many clients at once, and its memory."""
    generator = random.Random(_SEED)
    merchant, log = f"/v1/merchants/{_MERCHANT.id}", f"/logs/{_MERCHANT.id}/purchases"
    full = max(1, size // TILE_WIDTH)

    def ring() -> str:
        lane = generator.randrange(lanes(0, size, _CAPACITY))
        return f"{merchant}/ring?first=0&size={size}&voided_at={size}&lane={lane}"

    paths: dict[str, tuple[Callable[[], str], int]] = {
        "checkpoint": (lambda: f"{log}/checkpoint", _RUNS),
        "tile": (lambda: f"{log}/{tile_path(0, generator.randrange(full), TILE_WIDTH)}", _RUNS),
        "bundle": (lambda: f"{log}/{bundle_path(generator.randrange(full), TILE_WIDTH)}", _RUNS),
        "events": (lambda: f"{merchant}/events", _FEW_RUNS),
        "ring": (ring, 4 * _FEW_RUNS),
    }
    figures = []
    with serving(directory, url) as service:
        started = service.megabytes()
        for name, (path, runs) in paths.items():
            requests = [Request("GET", path()) for _ in range(runs)]
            shares = [requests[client::CLIENTS] for client in range(CLIENTS)]
            seconds, times = service.ask_at_once(shares)
            figures += [
                figure(f"http_{name}_ms", f"{name} over HTTP, {CLIENTS} clients", "ms", times),
                figure(f"http_{name}_per_s", f"{name} over HTTP", "/s", [runs / seconds]),
            ]
        memory = service.megabytes()
    if memory:
        what = "memory of the service process"
        figures += [
            figure("memory_started_mb", f"{what}, started", "MB", [started["VmRSS"]]),
            figure("memory_peak_mb", f"{what}, at most", "MB", [memory["VmHWM"]], "under 300"),
        ]
    return figures


def _timings(
    key: str, what: str, run: Callable[[], Any], runs: int, target: str = ""
) -> list[Figure]:
    samples = [timed(run) for _ in range(runs)]
    return [
        figure(f"{key}_ms", what, "ms", samples, target),
        figure(f"{key}_p99_ms", "of 100, 99 take at most", "ms", [percentile(samples, 99)]),
    ]
