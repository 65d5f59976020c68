"""How the cost grows: with the ring, with the batch that is verified at once, and with the log."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, repeat
from typing import Any

from benchmarks.appending import BATCH
from benchmarks.building import Reader, build, open_shop, purchases
from benchmarks.claims import bare_multiplication
from benchmarks.databases import ENGINES
from benchmarks.measure import spent, timed
from benchmarks.rings import OPENING, make_claims, make_ring, walk
from zk.prove import prove
from zk.verify import verify, verify_batch

__all__ = ["Growth", "growths"]

Progress = Callable[[str], None]
Run = Callable[[], object]

_RINGS = (64, 128, 256, 512, 1024, 2048, 4096)
_RING = 1024  # of the claims in a batch
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_LOGS = (1_000, 10_000, 100_000, 1_000_000)
_RUNS = 7
_WORK = "milliseconds of processor time"  # which a busy machine changes less
_MANY_RUNS = 201  # of what takes a millisecond
_LAST_BATCHES = 100  # of those that are appended


@dataclass(frozen=True)
class Growth:
    """Costs in the unit that is ``measured``, each with a value for every one of ``sizes``.

    ``what`` says of what those are.
    """

    key: str
    title: str
    what: str
    measured: str
    sizes: tuple[int, ...]
    costs: dict[str, list[float]]

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        costs = {name: [round(value, 4) for value in row] for name, row in self.costs.items()}
        return {"what": self.what, "sizes": self.sizes, "measured": self.measured, "costs": costs}


def growths(progress: Progress) -> list[Growth]:
    """All three; each value is the median of several runs."""
    return [_with_the_ring(progress), _with_the_batch(progress), _with_the_log(progress)]


def _with_the_ring(progress: Progress) -> Growth:
    costs: dict[str, list[float]] = {"prove": [], "verify": [], "bare multiplication": []}
    for size in _RINGS:
        progress(f"ring of {size:,}")
        ring = make_ring(walk(), size)
        ((statement, proof),) = make_claims([ring])
        _, multiply = bare_multiplication([(statement, proof)])
        check = partial(verify, statement, proof)
        row = (
            _median(spent, partial(prove, statement, OPENING)),
            _median(spent, check),
            _median(spent, multiply),
        )
        for values, value in zip(costs.values(), row, strict=True):
            values.append(value)
    return Growth("ring", "One claim", "purchases in the ring", _WORK, _RINGS, costs)


def _with_the_batch(progress: Progress) -> Growth:
    """Processor time of each claim, rings of 1,024; all their own, or one for all."""
    progress(f"proving {2 * _BATCHES[-1]} claims")
    others = walk()
    apart = make_claims([make_ring(others, _RING) for _ in range(_BATCHES[-1])])
    together = make_claims([*repeat(apart[0][0].ring, _BATCHES[-1])])
    costs: dict[str, list[float]] = {"each over a ring of its own": [], "all over one ring": []}
    for size in _BATCHES:
        progress(f"batch of {size}")
        for values, claims in zip(costs.values(), (apart, together), strict=True):
            values.append(_median(spent, partial(verify_batch, claims[:size])) / size)
    return Growth(
        "batch",
        f"Verifying in a batch, rings of {_RING:,}",
        "claims verified at once",
        f"{_WORK} a claim",
        _BATCHES,
        costs,
    )


def _with_the_log(progress: Progress) -> Growth:
    costs: dict[str, list[float]] = {
        "evidence for a ring": [],
        "ring, decoded": [],
        "inclusion proof": [],
        "append, in batches, each": [],
    }
    entries = purchases()
    with ENGINES["SQLite"]() as make, open_shop(make()) as store:
        for before, size in pairwise((0, *_LOGS)):
            batches, _ = build(store, entries, range(before, size, BATCH), progress)
            progress(f"log of {size:,}")
            reader = Reader(store, size)
            reader.partition()
            row = (
                _median(timed, reader.evidence),
                _median(timed, reader.ring),
                _median(timed, reader.inclusion, _MANY_RUNS),
                statistics.median(batches[-_LAST_BATCHES:]) / BATCH,
            )
            for values, value in zip(costs.values(), row, strict=True):
                values.append(value)
    return Growth("log", "The log, on SQLite", "purchases in the log", "milliseconds", _LOGS, costs)


def _median(measure: Callable[[Run], float], run: Run, runs: int = 0) -> float:
    run()
    return statistics.median(measure(run) for _ in range(runs or _RUNS))
