"""What a claim costs: proving, verifying, and how close that is to the bare multiplication."""

import random
from collections.abc import Callable
from functools import partial

from benchmarks.measure import Figure, alternate, figure, timed
from commitments.attributes import Attributes
from commitments.p256 import P256
from commitments.purchase import Opening, commit
from zk.prove import prove
from zk.statement import Equals, Range, Ring, Scope, Statement
from zk.verify import accumulate, verify, verify_batch

__all__ = ["claim_figures", "random_opening", "year_statement"]

Progress = Callable[[str], None]

_RING = 1024
_DAY = 20_500  # in 2026
_PRODUCT = 0x1234567890ABCDEF


def claim_figures(*, quick: bool, progress: Progress) -> list[Figure]:
    """One claim at ring 1,024 (one product, a year's window, a price range, one slot: two tags)."""
    runs = 7 if quick else 25
    progress(f"making a ring of {_RING} purchases")
    openings = [random_opening(random.Random(i)) for i in range(_RING)]
    ring = Ring(P256, [P256.encode(commit(P256, opening)) for opening in openings])
    statement = year_statement(ring, 0)
    progress("proving")
    proof = prove(statement, openings[0])
    proving = [timed(lambda: prove(statement, openings[0])) for _ in range(runs)]

    progress("verifying, in turn with the bare multiplication of as many terms")
    terms = len(accumulate(statement, proof)) + 1
    generator = random.Random(_RING)
    scalars = [generator.randrange(P256.order) for _ in range(terms)]
    points = [
        *ring.points,
        *(P256.hash_to_curve(bytes([i]), b"bench") for i in range(terms - _RING)),
    ]
    verifying, bare = alternate(
        lambda: verify(statement, proof),
        lambda: P256.sums_of_products([(scalars, points)]),  # on all cores, as verifying does
        runs,
    )
    on_one = [timed(lambda: P256.sum_of_products(scalars, points)) for _ in range(runs)]
    figures = [
        figure("prove_ms", "prove one claim", "ms", proving, "at most 45"),
        figure("verify_one_ms", "verify one claim", "ms", verifying),
        figure("msm_same_terms_ms", f"bare multiplication of its {terms} terms", "ms", bare),
        figure("msm_one_core_ms", "the same on one core", "ms", on_one),
        figure(
            "verify_over_msm",
            "verifying over the bare multiplication",
            "x",
            [v / b for v, b in zip(verifying, bare, strict=True)],
            "at most 1.1",
        ),
        figure("proof_bytes", "proof", "bytes", [len(proof)], "at most 1,950"),
        figure("ring", "purchases in the ring", "", [_RING]),
    ]
    for size in (16,) if quick else (16, 64):
        progress(f"verifying a batch of {size}")
        claims = [
            (s, prove(s, openings[number]))
            for number, s in enumerate(year_statement(ring, number) for number in range(size))
        ]
        samples = [timed(partial(verify_batch, claims)) / size for _ in range(5)]
        what = f"verify in a batch of {size}, each"
        figures.append(figure(f"verify_batch{size}_ms_per_claim", what, "ms", samples))
    return figures


def random_opening(generator: random.Random) -> Opening:
    """A purchase that satisfies :func:`year_statement`."""
    attributes = Attributes(
        product=_PRODUCT,
        date=_DAY - generator.randrange(360),
        price=generator.randrange(10_000, 500_000),
        currency=978,
    )
    keys = (generator.randrange(1, P256.order) for _ in range(3))
    return Opening(attributes, *keys)


def year_statement(ring: Ring, number: int, *, dearest: int = 500_000) -> Statement:
    """One product and currency, a year's window, a price range; the two tags of a slot."""
    scope = f"claim|ledger.example/acme|warranty-1y|{number}"
    return Statement(
        group=P256,
        origin="ledger.example/acme",
        first=0,
        size=len(ring),
        root=bytes(32),
        voided_at=len(ring),
        lane=0,
        ring=ring,
        predicates=(
            Equals("product", _PRODUCT),
            Range("date", _DAY - 365, _DAY),
            Range("price", 10_000, dearest),
            Equals("currency", 978),
        ),
        scopes=(Scope("serial", scope), Scope("secret", scope)),
        context=bytes(32),
    )
