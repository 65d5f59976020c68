"""The whole proof system over 13 elements, exhaustively for small inputs.

Completeness only needs the algebra, so it is shown where everything can be tried. Soundness needs
a group in which no equation holds by luck; ``TOY`` is one, and there all small wrong values are
tried.
"""

from itertools import combinations, product

import pytest

from commitments.attributes import Attributes
from commitments.errors import FormatError, VerificationError
from commitments.generators import blinding_generator
from commitments.group import Group
from commitments.purchase import Opening, commit
from tests.zk.claims import (
    BOTH_KEYS,
    ENTROPY,
    opening,
    ring_of,
    scalar,
    statement,
    with_attributes,
)
from tests.zk.dishonest import Lie, forge
from tests.zk.reference import false_equations
from tests.zk.tiny_group import TINY, TOY, ResidueGroup, value_of
from zk.hedged import HedgedScalars
from zk.one_out_of_many import digit_count
from zk.prove import Unsatisfied, _Prover, prove
from zk.range_proof import digits_of
from zk.statement import Equals, OneOf, Predicate, Range, Ring, Scope, Statement, digit_weights
from zk.verify import proof_size, verify

Q = TINY.order
TAG = (Scope("serial", "once"), Scope("secret", "once"))


def tiny_opening(date: int = 0, *, product_: int = 3, serial: int = 1, secret: int = 2) -> Opening:
    """A purchase whose commitment is not the identity, whatever its attributes."""
    attributes = Attributes(product_, date, 0, 0)
    for blinding in range(Q):
        candidate = Opening(attributes, serial, secret, blinding)
        if not TINY.is_identity(commit(TINY, candidate)):
            return candidate
    raise AssertionError


def member(discrete_log: int) -> Opening:
    """A purchase whose commitment is this element of the tiny group."""
    for blinding in range(Q):
        candidate = Opening(Attributes(3, 0, 0, 0), 1, 2, blinding)
        if value_of(commit(TINY, candidate)) == discrete_log:
            return candidate
    raise AssertionError


def accepts(claim: Statement, proof: bytes) -> bool:
    try:
        verify(claim, proof)
    except VerificationError:
        return False
    return True


def test_the_tiny_group_is_a_group() -> None:
    points = [TINY.multiply(n, TINY.generator) for n in range(Q)]
    assert [value_of(point) for point in points] == list(range(Q))
    for left, right in product(points, repeat=2):
        assert TINY.equal(TINY.add(left, right), TINY.add(right, left))
        assert TINY.equal(TINY.subtract(TINY.add(left, right), right), left)
    for data in range(256):
        if 0 < data < Q:
            assert TINY.encode(TINY.decode(bytes([data]))) == bytes([data])
        else:
            with pytest.raises(FormatError):
                TINY.decode(bytes([data]))


def test_every_value_of_every_range_proves() -> None:
    for lo, hi in combinations(range(Q), 2):
        for value in range(lo, hi + 1):
            mine = tiny_opening(value)
            claim = statement(TINY, ring_of(TINY, [mine]), [Range("date", lo, hi)], TAG)
            verify(claim, prove(claim, mine))


@pytest.mark.parametrize("size", range(1, Q))
def test_every_position_of_every_ring_proves(size: int) -> None:
    members = [member(discrete_log) for discrete_log in range(1, size + 1)]
    claim = statement(TINY, ring_of(TINY, members), [], TAG)
    for mine in members:
        verify(claim, prove(claim, mine))


@pytest.mark.parametrize("size", range(1, Q + 1))
def test_every_position_of_every_set_proves(size: int) -> None:
    claim: Statement | None = None
    for value in range(size):
        mine = tiny_opening(product_=value)
        claim = statement(TINY, ring_of(TINY, [mine]), [OneOf("product", tuple(range(size)))], [])
        verify(claim, prove(claim, mine))
    assert claim is not None
    assert len(prove(claim, mine)) == proof_size(claim)


def test_every_serial_and_secret_has_its_tags() -> None:
    seen = set()
    for serial, secret in product(range(1, Q), repeat=2):
        mine = tiny_opening(serial=serial, secret=secret)
        claim = statement(TINY, ring_of(TINY, [mine]), [], TAG)
        seen.add(verify(claim, prove(claim, mine)).tags)
    assert len(seen) == (Q - 1) ** 2


KINDS: dict[str, list[Predicate]] = {
    "product": [Equals("product", 3), OneOf("product", (2, 3))],
    "date": [Equals("date", 1), Range("date", 0, 2), OneOf("date", (1,))],
    "batch": [Equals("batch", 0), Range("batch", 0, 0), OneOf("batch", (0, 5, 1, 2, 3))],
}


def test_every_combination_of_kinds_proves() -> None:
    mine = tiny_opening(1)
    ring = ring_of(TINY, [mine])
    choices = [[None, *kinds] for kinds in KINDS.values()]
    for chosen in product(*choices):
        for scopes in ((), TAG[:1], TAG[1:], TAG):
            claim = statement(TINY, ring, [p for p in chosen if p], scopes)
            proof = prove(claim, mine)
            assert len(proof) == proof_size(claim)
            assert len(verify(claim, proof).tags) == len(scopes)


@pytest.mark.parametrize("width", range(70))
def test_digits_reach_exactly_the_width(width: int) -> None:
    weights = digit_weights(width)
    sums = {
        sum(w for w, bit in zip(weights, bits, strict=True) if bit)
        for bits in product((0, 1), repeat=len(weights))
    }
    assert sums == set(range(width + 1))
    assert len(weights) == width.bit_length()
    for value in range(width + 1):
        digits = digits_of(value, weights)
        assert set(digits) <= {0, 1}
        assert sum(d * w for d, w in zip(digits, weights, strict=True)) == value


def test_digit_count_is_the_least_that_holds_the_list() -> None:
    for members in range(1, 5000):
        m = digit_count(members)
        assert 4**m >= members
        assert m == 1 or 4 ** (m - 1) < members


@pytest.mark.parametrize("width", [0, 1, 2, 3, 4, 7, 8])
def test_every_wrong_value_of_a_small_range_is_refused(width: int) -> None:
    lo = 5
    for value in range(lo + width + 9):
        mine = with_attributes(opening(TOY, 0), date=value)
        claim = statement(TOY, ring_of(TOY, [mine]), [Range("date", lo, lo + width)], [])
        inside = lo <= value <= lo + width
        assert accepts(claim, forge(claim, mine)) == inside
        if not inside:
            with pytest.raises(Unsatisfied):
                prove(claim, mine)


def test_no_choice_of_digits_makes_a_wrong_value_right() -> None:
    """Digits 0 to 3 in every place: only the bits that sum to the value pass."""
    claim_range = Range("date", 0, 5)
    weights = digit_weights(5)
    for value in range(12):
        mine = with_attributes(opening(TOY, 0), date=value)
        claim = statement(TOY, ring_of(TOY, [mine]), [claim_range], [])
        for digits in product(range(4), repeat=3):
            right = set(digits) <= {0, 1} and value == sum(
                d * w for d, w in zip(digits, weights, strict=True)
            )
            proof = forge(claim, mine, Lie(digits={"date": digits}))
            assert accepts(claim, proof) == right


@pytest.mark.parametrize("size", [1, 2, 4, 5, 17])
def test_no_other_position_of_the_ring_is_accepted(size: int) -> None:
    claim = statement(TOY, size, [], BOTH_KEYS)
    for mine in range(size + 1):
        for place in range(size):
            proof = forge(claim, opening(TOY, mine), Lie(position=place))
            assert accepts(claim, proof) == (mine == place)


def test_no_other_value_of_a_set_is_accepted() -> None:
    for value in range(8):
        mine = with_attributes(opening(TOY, 0), product=value)
        claim = statement(TOY, ring_of(TOY, [mine]), [OneOf("product", (1, 4, 6))], [])
        for place, of_set in enumerate((1, 4, 6)):
            proof = forge(claim, mine, Lie(sets={"product": place}))
            assert accepts(claim, proof) == (value == of_set)


class _SharedPoints(ResidueGroup):
    """Decodes equal bytes to one object, as a caching group may."""

    name = "SHARED"
    order = TOY.order
    point_size = TOY.point_size
    scalar_size = TOY.scalar_size

    def __init__(self) -> None:
        super().__init__()
        self._decoded: dict[bytes, object] = {}

    def decode(self, data: bytes) -> object:
        return self._decoded.setdefault(data, super().decode(data))


class _Chosen(HedgedScalars):
    """Randomness that begins with given scalars."""

    def __init__(self, group: Group, first: list[int]) -> None:
        super().__init__(group, [], b"", ENTROPY)
        self._first = first

    def scalar(self) -> int:
        return self._first.pop(0) if self._first else super().scalar()


def test_a_v_that_is_the_same_object_as_t_is_not_taken_for_t() -> None:
    """The shown attributes belong to the first equation, not to whichever has the point T."""
    group, mine = _SharedPoints(), tiny_opening(1)
    ring = ring_of(group, [mine])
    claim = statement(group, ring, [Equals("product", 3), OneOf("date", (1,))], [])
    H = value_of(blinding_generator(group))
    T = value_of(ring.points[0]) + 7 * H
    gamma = (T - 1) * pow(H, -1, group.order) % group.order
    prover = _Prover(claim, mine, 0, _Chosen(group, [7, gamma]))
    proof = prover.proof(claim.encode())
    size = group.point_size
    assert proof[1 : 1 + size] == proof[1 + size : 1 + 2 * size]
    assert false_equations(claim, proof) == []
    verify(claim, proof)


@pytest.mark.parametrize("kind", ["serial", "secret"])
def test_a_zero_key_is_refused_at_once(kind: str) -> None:
    """Its tag would be the identity, which every purchase with a zero key would share."""
    for group in (TINY, TOY):
        mine = Opening(
            Attributes(3, 0, 0, 0),
            0 if kind == "serial" else 1,
            0 if kind == "secret" else 2,
            scalar(group, "blinding"),
        )
        ring = Ring(group, [group.encode(commit(group, mine))])
        with pytest.raises(Unsatisfied, match="zero"):
            prove(statement(group, ring, [], [Scope(kind, "once")]), mine)
        other = "secret" if kind == "serial" else "serial"
        claim = statement(group, ring, [], [Scope(other, "once")])
        verify(claim, prove(claim, mine))
