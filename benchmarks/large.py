"""A log of a million purchases: building it, proving from it, serving it."""

import random
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from benchmarks.appending import BATCH, append_batch, append_singly
from benchmarks.building import CAPACITY, MERCHANT, PERIOD, Reader, build, open_shop, purchases
from benchmarks.claiming import make_openings, make_requests, purchase_of, require_approved
from benchmarks.clients import CLIENTS
from benchmarks.databases import ENGINES, bytes_on_disk
from benchmarks.measure import Figure, alternate, figure, percentile, timed, worked
from benchmarks.service import Request, serving
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.partition import lanes
from ledger.store import Store
from ledger.tiles import TILE_WIDTH, bundle_path, tile_path

__all__ = ["large_figures"]

_TENTH = 10  # first and last of so many parts are compared
_RUNS = 1000  # of what takes a millisecond
_FEW_RUNS = 30  # of what takes a tenth of a second
_SCATTERED = 1024  # entries of a multiproof
_SEED = 1
_MEMORY = {
    "started": ("started", "started"),
    "rings": ("ring", "at most, wallets asking for rings"),
    "peak": ("claim", "at most, then with claims"),
}  # key: when it is taken, how it is named
_PROMISED = ((100_000, "under 250"), (1_000_000, "under 300"))  # up to so many entries, in MB

Progress = Callable[[str], None]


def large_figures(engine: str, *, entries: int, progress: Progress) -> list[Figure]:
    """Everything that could grow with the log, in a database of its own that is removed."""
    with ENGINES[engine]() as make, tempfile.TemporaryDirectory() as directory:
        url, openings = make(), make_openings(CLIENTS)
        supply = chain(map(purchase_of, openings), purchases())
        with open_shop(url) as store:
            figures = _build(store, supply, entries, progress)
            progress("making claims")
            claims = make_requests(store, MERCHANT, openings, entries)
        size = bytes_on_disk(url) / entries  # closed, so that SQLite has emptied its WAL
        figures.append(figure("bytes_per_entry", "database, of each entry", "bytes", [size]))
        progress("serving it")
        figures += _served(Path(directory), url, entries, claims)
        with open_shop(url) as store:
            progress("reading proofs and rings")
            figures += [*_proofs(store, entries), *_rings(store, entries)]
            progress("appending, in turn to this log and to an empty one")
            with open_shop(make()) as empty:
                figures += _growth(store, empty, supply)
    return figures


def _build(store: Store, entries: Iterator[bytes], count: int, progress: Progress) -> list[Figure]:
    """Only the writing is timed."""
    batches, closes = build(store, entries, range(0, count, BATCH), progress)
    part = len(batches) // _TENTH
    parts = [
        1000 * BATCH * part / sum(batches[n : n + part]) for n in range(0, part * _TENTH, part)
    ]
    return [
        figure("entries", "entries in the log", "", [count]),
        figure("closes", "closes of it", "", [len(closes)]),
        figure("build_s", "append them all", "s", [sum(batches) / 1000]),
        figure("build_per_s", f"in batches of {BATCH}, each tenth of them", "/s", parts),
        figure("build_first_per_s", "the first tenth", "/s", parts[:1]),
        figure("build_last_per_s", "the last tenth", "/s", parts[-1:]),
        figure("close_ms", "close a period", "ms", closes),
    ]


def _proofs(store: Store, size: int) -> list[Figure]:
    """Each in a snapshot of its own, as a service reads it."""
    generator = random.Random(_SEED)
    inclusion = Reader(store, size).inclusion

    def consistency() -> None:
        with store.log(MERCHANT.origin) as log:
            log.consistency(generator.randrange(1, size), size)

    def multiproof() -> None:
        wanted = generator.sample(range(size), min(_SCATTERED, size))
        with store.log(MERCHANT.origin) as log:
            log.multiproof(wanted, size)

    def checkpoint() -> None:
        with store.log(MERCHANT.origin) as log:
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
    with store.log(MERCHANT.origin) as log:
        proof, root = log.inclusion(index, size), log.root(size)
        verify_inclusion(leaf_hash(log.entry(index)), index, size, proof, root)


def _rings(store: Store, size: int) -> list[Figure]:
    """Rings over the whole log and over its newest third, as evidence and decoded."""
    reader = Reader(store, size)
    recent = (size - size // 3 // PERIOD * PERIOD) % size
    return [
        figure("partition_ms", "partition, once after a start", "ms", [timed(reader.partition)]),
        *_timings("evidence", "evidence for a ring", reader.evidence, _FEW_RUNS),
        *_timings(
            "evidence_recent",
            "evidence for a ring of the newest third",
            partial(reader.evidence, recent),
            _FEW_RUNS,
        ),
        *_timings("ring", "ring, decoded", reader.ring, _FEW_RUNS),
    ]


def _growth(store: Store, empty: Store, entries: Iterator[bytes]) -> list[Figure]:
    """The same appended to this log and to an empty one, in turn: the machine's mood cancels."""

    def bulk(target: Store, batches: Iterator[list[bytes]]) -> None:
        append_batch(target, MERCHANT.origin, next(batches))

    def single(target: Store, batches: Iterator[list[bytes]]) -> None:
        append_singly(target, MERCHANT.origin, next(batches))

    def supply(count: int, batch: int) -> Iterator[list[bytes]]:
        return iter([list(islice(entries, batch)) for _ in range(count + 1)])

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


def _served(directory: Path, url: str, size: int, claims: list[Request]) -> list[Figure]:
    """A service process on this database, asked by many clients at once, and its memory."""
    generator = random.Random(_SEED)
    merchant, log = f"/v1/merchants/{MERCHANT.id}", f"/logs/{MERCHANT.id}/purchases"
    full = max(1, size // TILE_WIDTH)

    def ring() -> str:
        lane = generator.randrange(lanes(0, size, CAPACITY))
        return f"{merchant}/ring?first=0&size={size}&voided_at={size}&lane={lane}"

    paths: dict[str, tuple[Callable[[], str], int]] = {
        "checkpoint": (lambda: f"{log}/checkpoint", _RUNS),
        "tile": (lambda: f"{log}/{tile_path(0, generator.randrange(full), TILE_WIDTH)}", _RUNS),
        "bundle": (lambda: f"{log}/{bundle_path(generator.randrange(full), TILE_WIDTH)}", _RUNS),
        "events": (lambda: f"{merchant}/events", _FEW_RUNS),
        "ring": (ring, 4 * _FEW_RUNS),
    }
    asked = {
        name: [Request("GET", path()) for _ in range(runs)] for name, (path, runs) in paths.items()
    }
    figures = []
    with serving(directory, url) as service:
        memory = {"started": service.megabytes().get("VmRSS")}
        for name, requests in {**asked, "claim": claims}.items():
            shares = [requests[client::CLIENTS] for client in range(CLIENTS)]
            seconds, times = service.ask_at_once(shares)
            figures += [
                figure(f"http_{name}_ms", f"{name} over HTTP, {CLIENTS} clients", "ms", times),
                figure(f"http_{name}_per_s", f"{name} over HTTP", "/s", [len(times) / seconds]),
            ]
            memory[name] = service.megabytes().get("VmHWM")
    require_approved(url, MERCHANT, len(claims))
    for key, (when, words) in _MEMORY.items():
        if megabytes := memory[when]:
            target = _promised(size) if key == "peak" else ""
            what = f"memory of the service, {words}"
            figures.append(figure(f"memory_{key}_mb", what, "MB", [megabytes], target))
    return figures


def _promised(size: int) -> str:
    return next((target for most, target in _PROMISED if size <= most), "")


def _timings(
    key: str, what: str, run: Callable[[], Any], runs: int, target: str = ""
) -> list[Figure]:
    samples = [timed(run) for _ in range(runs)]
    return [
        figure(f"{key}_ms", what, "ms", samples, target),
        figure(f"{key}_p99_ms", "of 100, 99 take at most", "ms", [percentile(samples, 99)]),
    ]
