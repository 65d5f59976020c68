"""Rings to claim over, and claims over them: of each member but one, nobody knows the opening."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from commitments.attributes import Attributes
from commitments.group import Point
from commitments.p256 import P256
from commitments.purchase import Opening, commit
from zk.prove import prove
from zk.statement import Equals, Range, Ring, Scope, Statement

__all__ = ["OPENING", "make_claims", "make_ring", "make_statement", "walk"]

_DAY = 20_500  # in 2026
_PRODUCT = 0x1234567890ABCDEF

_generator = random.Random(1)
OPENING = Opening(
    Attributes(product=_PRODUCT, date=_DAY - 100, price=49_900, currency=978),
    *(_generator.randrange(1, P256.order) for _ in range(3)),
)
"""The purchase in each of the rings that can be claimed for."""


def walk() -> Iterator[Point]:
    """Points, each one addition away from the last: hundreds of thousands in a second or two."""
    point, step = (P256.hash_to_curve(name, b"bench") for name in (b"first", b"step"))
    while True:
        yield point
        point = P256.add(point, step)


def make_ring(others: Iterator[Point], size: int) -> Ring:
    """The ring of ``OPENING`` and the next of the ``others``."""
    members = [P256.encode(point) for point in islice(others, size - 1)]
    return Ring(P256, [P256.encode(commit(P256, OPENING)), *members])


def make_statement(ring: Ring, number: int, *, dearest: int = 500_000) -> Statement:
    """One product, a year's window, a price range, one slot: two tags. Own ones for a number."""
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


def make_claims(rings: Sequence[Ring]) -> list[tuple[Statement, bytes]]:
    """A claim over each of the rings, which may be the same, with its proof."""
    statements = [make_statement(ring, number) for number, ring in enumerate(rings)]
    return [(statement, prove(statement, OPENING)) for statement in statements]
