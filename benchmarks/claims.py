"""What a claim costs: proving, verifying, and how close that is to the bare multiplication."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat

from benchmarks.measure import Figure, alternate, figure, spent, timed
from benchmarks.rings import OPENING, make_claims, make_ring, walk
from commitments.group import Point
from commitments.p256 import P256
from zk.accumulator import Accumulator
from zk.prove import prove
from zk.statement import Statement
from zk.verify import accumulate, verify, verify_batch

__all__ = ["bare_multiplication", "claim_figures"]

Progress = Callable[[str], None]
Claims = Sequence[tuple[Statement, bytes]]

_RING = 1024
_BATCH = 64


def claim_figures(*, quick: bool, progress: Progress) -> list[Figure]:
    """One claim at ring 1,024 (one product, a year's window, a price range, one slot: two tags)."""
    runs, runs_of_batches = (7, 3) if quick else (25, 9)
    progress(f"making rings of {_RING} purchases")
    others = walk()
    rings = [make_ring(others, _RING) for _ in range(_BATCH)]
    progress(f"proving for {_BATCH} rings")
    apart = make_claims(rings)
    together = make_claims([*repeat(rings[0], _BATCH)])
    return [
        *_one_claim(*apart[0], runs, progress),
        *_one_ring(together, runs_of_batches, progress),
        *_many_rings(apart, runs_of_batches, progress),
    ]


def bare_multiplication(claims: Claims) -> tuple[int, Callable[[], Point]]:
    """How many terms the claims' equations have, and that multiplication: on all cores.

    The points are theirs, the coefficients random, which is as much work.
    """
    whole = Accumulator(P256)
    for claim in claims:
        whole.merge(accumulate(*claim))
    points = [P256.generator]  # as in each verification
    for _, several in whole.terms():
        points += several
    generator = random.Random(len(points))
    scalars = [generator.randrange(P256.order) for _ in points]
    return len(points), partial(P256.sum_of_parts, [(scalars, points)])


def _one_claim(statement: Statement, proof: bytes, runs: int, progress: Progress) -> list[Figure]:
    progress("proving")
    proving = [timed(lambda: prove(statement, OPENING)) for _ in range(runs)]
    progress("verifying, in turn with the bare multiplication of as many terms")
    terms, multiply = bare_multiplication([(statement, proof)])
    check = partial(verify, statement, proof)
    verifying, bare = alternate(check, multiply, runs)
    work, bare_work = alternate(check, multiply, runs, spent)
    return [
        figure("prove_ms", "prove one claim", "ms", proving, "at most 45"),
        figure("verify_one_ms", "verify one claim", "ms", verifying),
        figure("msm_same_terms_ms", f"bare multiplication of its {terms:,} terms", "ms", bare),
        _ratio("verify_over_msm", "verifying over the bare multiplication", verifying, bare, 1.1),
        figure("verify_one_work_ms", "verify one claim, processor time", "ms", work),
        figure("msm_work_ms", "bare multiplication, processor time", "ms", bare_work),
        figure("proof_bytes", "proof", "bytes", [len(proof)], "at most 1,950"),
        figure("ring", "purchases in the ring", "", [_RING]),
    ]


def _one_ring(claims: Claims, runs: int, progress: Progress) -> list[Figure]:
    progress(f"verifying {_BATCH} claims over one ring")
    check = partial(verify_batch, claims)
    check()
    times = [timed(check) / _BATCH for _ in range(runs)]
    work = [spent(check) / _BATCH for _ in range(runs)]
    what, key = f"verify in a batch of {_BATCH}, each", f"verify_batch{_BATCH}"
    return [
        figure(f"{key}_ms_per_claim", what, "ms", times),
        figure(f"{key}_work_ms_per_claim", f"{what}, processor time", "ms", work, "at most 1.2"),
    ]


def _many_rings(claims: Claims, runs: int, progress: Progress) -> list[Figure]:
    progress(f"verifying {_BATCH} claims over {_BATCH} rings, in turn with the bare multiplication")
    terms, multiply = bare_multiplication(claims)
    check = partial(verify_batch, claims)
    verifying, bare = alternate(check, multiply, runs)
    work, bare_work = alternate(check, multiply, runs, spent)
    what, key = f"verify {_BATCH} claims over {_BATCH} rings", f"verify_batch{_BATCH}_rings"
    over = f"{what}, over the bare multiplication"
    return [
        figure(f"{key}_ms_per_claim", f"{what}, each", "ms", [t / _BATCH for t in verifying]),
        figure(f"{key}_terms", "terms of that", "", [terms]),
        _ratio(f"{key}_over_msm", over, verifying, bare, 1.05),
        _ratio(f"{key}_work_over_msm", f"{over}, processor time", work, bare_work, 1.05),
    ]


def _ratio(
    key: str, what: str, ours: Sequence[float], bare: Sequence[float], most: float
) -> Figure:
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    return figure(key, what, "x", ratios, f"at most {most}")
