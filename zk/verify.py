"""Checking proofs, alone and in batches (docs/protocol.md 7)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commitments.attributes import ATTRIBUTES, KEYS
from commitments.errors import FormatError, VerificationError
from commitments.group import Group, Point
from zk import claim_relation, one_out_of_many, range_proof
from zk.accumulator import Accumulator, Terms, is_identity, offset_sum
from zk.claim_relation import Head
from zk.encoding import ProofReader
from zk.statement import OneOf, Predicate, Range, Statement

__all__ = [
    "Verified",
    "accumulate",
    "claim_size",
    "find_false",
    "proof_size",
    "proof_tags",
    "shown_tags",
    "verify",
    "verify_batch",
]

_RANGE_POINTS, _RANGE_SCALARS = 3, 3  # A, A', B' and r', s', delta'; two points more a round


@dataclass(frozen=True)
class Verified:
    """What a proof that verified has shown besides its statement: one tag per scope, encoded."""

    tags: tuple[bytes, ...]


def proof_size(statement: Statement) -> int:
    """The length in bytes that every proof of ``statement`` has."""
    predicates, scopes = statement.predicates, len(statement.scopes)
    transfer = statement.blinded is not None
    return claim_size(statement.group, predicates, scopes, len(statement.ring), transfer=transfer)


def claim_size(
    group: Group,
    predicates: Sequence[Predicate],
    scopes: int,
    ring: int,
    *,
    transfer: bool = False,
) -> int:
    """The length of a proof of these predicates with this many scopes and ring members."""
    sets = [p for p in predicates if isinstance(p, OneOf)]
    ranges = [p for p in predicates if isinstance(p, Range)]
    committed = len(sets) + len(ranges)
    digits = [one_out_of_many.digit_count(n) for n in (ring, *(len(p.values) for p in sets))]
    hidden = len(ATTRIBUTES) - (len(predicates) - committed)
    equations = 1 + committed + scopes
    points = 2 * equations + sum(2 + m for m in digits)  # parts 0 and 4, parts 1 and 2
    scalars = hidden + len(KEYS) + 1 + committed + sum(3 * m + 2 for m in digits)
    if ranges:
        points += _RANGE_POINTS + 2 * range_proof.rounds(ranges)
        scalars += _RANGE_SCALARS
    if transfer:  # the nonce of T - E, and delta
        points += 1
        scalars += 1
    return 1 + points * group.point_size + scalars * group.scalar_size


def proof_tags(statement: Statement, proof: bytes) -> tuple[bytes, ...]:
    """The encoded tags that ``proof`` shows, not verified: for looking up double use early.

    ``FormatError`` for a proof of the wrong length.
    """
    if len(proof) != proof_size(statement):
        raise FormatError("a proof of the wrong length", "proof")
    return shown_tags(statement.group, len(statement.committed), len(statement.scopes), proof)


def shown_tags(group: Group, committed: int, scopes: int, proof: bytes) -> tuple[bytes, ...]:
    """The same without the statement: ``committed`` counts its attributes with a range or a set.

    Fewer or shorter ones for what is too short for a proof.
    """
    size = group.point_size
    start = 1 + size * (1 + committed)
    return tuple(proof[i : i + size] for i in range(start, start + size * scopes, size))


def verify(statement: Statement, proof: bytes) -> Verified:
    """The tags of a valid proof.

    Raises
    ------
    FormatError
        wrong length, version, point or scalar; found before any arithmetic.
    VerificationError
        the proof does not prove the statement.
    """
    accumulator = accumulate(statement, proof)
    accumulator.verify()
    return Verified(proof_tags(statement, proof))


def verify_batch(
    claims: Sequence[tuple[Statement, bytes]],
) -> list[Verified | FormatError | VerificationError]:
    """Verify claims with one multiplication; one result per claim, in order.

    All statements are over one group. A batch that fails is searched (:func:`find_false`), and the
    equations are not built again. For b claims that is at most ``2 + ceil(log2(b))`` times the
    multiplications of the b claims alone, in at most ``2b`` sums; twice when one claim is false.
    """
    batch = _Batch(claims)
    places = list(batch.accumulators)
    for place in find_false(list(batch.accumulators.values()), batch.total):
        batch.errors[places[place]] = VerificationError("the proof does not verify")
    return [
        batch.errors.get(index) or Verified(proof_tags(statement, proof))
        for index, (statement, proof) in enumerate(claims)
    ]


class _Batch:
    """Claims whose sums are computed as one; errors and equations by the claim's index."""

    def __init__(self, claims: Sequence[tuple[Statement, bytes]]) -> None:
        self._claims = claims
        self.errors: dict[int, FormatError | VerificationError] = {}
        self.accumulators: dict[int, Accumulator] = {}
        self.total: Point | None = None
        if claims:
            self.total = offset_sum(claims[0][0].group, self._terms())

    def _terms(self) -> Iterator[Terms]:
        """Those of a ring as soon as its last claim is read, so that they are multiplied then."""
        by_ring = defaultdict(list)
        for index, (statement, _) in enumerate(self._claims):
            by_ring[id(statement.ring)].append(index)
        merged = Accumulator(self._claims[0][0].group)
        for indices in by_ring.values():
            for index in indices:
                try:
                    self.accumulators[index] = accumulate(*self._claims[index])
                except (FormatError, VerificationError) as error:
                    self.errors[index] = error
                else:
                    merged.merge(self.accumulators[index])
            yield from merged.take_tensors()
        yield from merged.terms()


def accumulate(statement: Statement, proof: bytes) -> Accumulator:
    """All equations of one proof, each under its own weight; nothing is multiplied out yet.

    Errors as :func:`verify`, but a false proof is only found by ``Accumulator.verify``.
    """
    group = statement.group
    reader = ProofReader(group, statement.encode(), proof, proof_size(statement))
    accumulator = Accumulator(group)
    committed = len(statement.committed)
    T, *rest = reader.points(1 + committed + len(statement.scopes))
    head = Head(T, tuple(rest[:committed]), tuple(rest[committed:]))
    targets = dict(zip(statement.committed, head.attributes, strict=True))

    ring = one_out_of_many.PointMembers(group, statement.ring.points)
    one_out_of_many.verify(reader, accumulator, ring, T)
    for predicate in statement.sets:
        members = one_out_of_many.ScalarMembers(group, predicate.values)
        one_out_of_many.verify(reader, accumulator, members, targets[predicate.attribute])
    if statement.ranges:
        ranged = [targets[p.attribute] for p in statement.ranges]
        range_proof.verify(reader, accumulator, statement.ranges, ranged)
    claim_relation.verify(reader, accumulator, statement, head)
    return accumulator


def find_false(accumulators: Sequence[Accumulator], total: Point | None = None) -> list[int]:
    """Which of the sums are not the identity, ascending; all are over one group.

    ``total`` is the :func:`offset_sum` of all of them, where it is known. One culprit is found by
    one sum more; where there are several, the batch is halved until they stand alone, and of two
    halves the second is not multiplied out when the first has passed.
    """
    if not accumulators:
        return []
    group = accumulators[0].group
    if total is None:
        total = _offset_sum(accumulators)
    if is_identity(group, total):
        return []
    if len(accumulators) > 1:
        lone = _lone_culprit(accumulators, total)
        if lone is not None:
            return [lone]
    return _culprits(accumulators, range(len(accumulators)), known_bad=True)


def _lone_culprit(accumulators: Sequence[Accumulator], total: Point) -> int | None:
    """The one whose sum is not the identity, if it is one (docs/protocol.md 7).

    Let claim i count i times: of one culprit alone, the new sum is as many times the old one.
    """
    group = accumulators[0].group
    counted = _offset_sum(accumulators, range(1, len(accumulators) + 1))
    if group.is_identity(total) or group.is_identity(counted):
        return None  # the library has failed
    once, wanted = (group.subtract(offset, group.generator) for offset in (total, counted))
    multiple = once
    for place in range(len(accumulators)):
        if group.equal(multiple, wanted):
            return place
        multiple = group.add(multiple, once)
    return None


def _culprits(
    accumulators: Sequence[Accumulator], places: Sequence[int], *, known_bad: bool
) -> list[int]:
    """Places whose sums do not hold; ``known_bad``: some do not, so do not test again."""
    if not places:
        return []
    group, chosen = accumulators[0].group, [accumulators[place] for place in places]
    if not known_bad and is_identity(group, _offset_sum(chosen)):
        return []
    if len(places) == 1:
        return list(places)
    half = len(places) // 2
    first = _culprits(accumulators, places[:half], known_bad=False)
    return first + _culprits(accumulators, places[half:], known_bad=not first)


def _offset_sum(accumulators: Sequence[Accumulator], factors: Sequence[int] = ()) -> Point:
    merged = Accumulator(accumulators[0].group)
    for accumulator, factor in zip(accumulators, factors or [1] * len(accumulators), strict=True):
        merged.merge(accumulator, factor)
    return offset_sum(merged.group, merged.terms())
