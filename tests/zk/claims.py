"""Purchases, rings and statements to prove things about, the same in every group."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256

from commitments.attributes import Attributes
from commitments.group import Group
from commitments.purchase import Opening, commit
from zk.statement import Equals, OneOf, Predicate, Range, Ring, Scope, Statement

ENTROPY = bytes(32)
PRODUCT, OTHER_PRODUCT, EUR = 5, 6, 978
BOTH_KEYS = (Scope("serial", "claim|shop|warranty|0"), Scope("secret", "claim|shop|warranty|0"))
WARRANTY: tuple[Predicate, ...] = (
    Equals("product", PRODUCT),
    Range("date", 20_000, 20_365),
    Range("price", 100, 5_000),
    Equals("currency", EUR),
)
EVERY_KIND: tuple[Predicate, ...] = (
    OneOf("product", (OTHER_PRODUCT, PRODUCT, 7)),
    Range("date", 20_000, 20_010),
    Range("price", 200, 207),
    Equals("currency", EUR),
    OneOf("batch", (0,)),
)


def scalar(group: Group, *name: object) -> int:
    """A nonzero scalar that depends on nothing but ``name``."""
    digest = sha256(repr(name).encode()).digest() * 2
    return 1 + int.from_bytes(digest, "big") % (group.order - 1)


@cache
def opening(group: Group, number: int) -> Opening:
    """The purchase with this number: product 5, date 20000 + number, price 200 + number."""
    return Opening(
        Attributes(PRODUCT, 20_000 + number, 200 + number, EUR),
        scalar(group, "serial", number),
        scalar(group, "secret", number),
        scalar(group, "blinding", number),
    )


def ring_of(group: Group, openings: Sequence[Opening]) -> Ring:
    """The ring of these purchases."""
    return Ring(group, [group.encode(commit(group, o)) for o in openings])


@cache
def ring(group: Group, size: int) -> Ring:
    """The ring of the first ``size`` purchases."""
    return ring_of(group, [opening(group, number) for number in range(size)])


def statement(
    group: Group,
    members: int | Ring = 8,
    predicates: Sequence[Predicate] = WARRANTY,
    scopes: Sequence[Scope] = BOTH_KEYS,
    context: bytes = bytes(32),
) -> Statement:
    """A statement about a ring, or about the ring of so many purchases."""
    return Statement(
        group=group,
        origin="ledger.example/acme",
        first=0,
        size=100,
        root=bytes(32),
        voided_at=100,
        lane=0,
        ring=ring(group, members) if isinstance(members, int) else members,
        predicates=tuple(predicates),
        scopes=tuple(scopes),
        context=context,
    )


def shown(of: Opening) -> tuple[Predicate, ...]:
    """Predicates that show every attribute: the cheapest statement there is."""
    values = list(of.values().items())[:6]
    return tuple(Equals(name, value) for name, value in values)


def with_attributes(of: Opening, **changes: int) -> Opening:
    """The same purchase with other attributes."""
    return replace(of, attributes=replace(of.attributes, **changes))
