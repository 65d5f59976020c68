"""The one sum that decides. Every way in which it could say yes without having looked."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import VerificationError
from commitments.group import Group, Point
from commitments.p256 import P256
from tests.zk.claims import opening, statement
from tests.zk.tiny_group import TOY, Residue, ResidueGroup
from zk.accumulator import Accumulator, random_weight
from zk.prove import prove
from zk.tensor import Tensor
from zk.verify import accumulate, verify


class _Failing(ResidueGroup):
    """Its sums fail without saying so: what is left is a fresh point, the identity."""

    order = TOY.order
    point_size = TOY.point_size
    scalar_size = TOY.scalar_size
    broken = False

    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        return Residue(0) if self.broken else super().sum_of_products(scalars, points)


def test_a_library_that_fails_silently_does_not_look_like_success() -> None:
    group = _Failing()
    claim = statement(group, 5)
    proof = prove(claim, opening(group, 2))
    verify(claim, proof)
    group.broken = True
    with pytest.raises(VerificationError):
        verify(claim, proof)
    with pytest.raises(VerificationError):
        Accumulator(group).verify()


def test_a_failing_multiplication_of_the_real_library_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = statement(P256, 5)
    proof = prove(claim, opening(P256, 2))
    verify(claim, proof)
    identity = P256.subtract(P256.generator, P256.generator)
    whole = type(P256)._wsums

    def failing(group: Any, pieces: Any) -> list[Any]:
        return [identity, *whole(group, pieces)[1:]]

    monkeypatch.setattr(type(P256), "_wsums", failing)
    with pytest.raises(VerificationError):
        verify(claim, proof)


@pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])
def test_empty_and_balanced_sums_hold_and_others_do_not(group: Group) -> None:
    G = group.generator
    accumulator = Accumulator(group)
    accumulator.verify()
    accumulator.add(5, group.multiply(2, G))
    with pytest.raises(VerificationError):
        accumulator.verify()
    accumulator.add(-10, G)
    accumulator.verify()
    accumulator.add(group.order, group.multiply(7, G))
    accumulator.verify()
    accumulator.add(1, G)
    with pytest.raises(VerificationError):
        accumulator.verify()


def test_an_error_of_minus_the_base_point_is_noticed() -> None:
    """The base point that is added must not make up for a missing one."""
    for coefficient in (-1, 1, -2):
        accumulator = Accumulator(P256)
        accumulator.add(coefficient, P256.generator)
        with pytest.raises(VerificationError):
            accumulator.verify()


def test_a_point_that_occurs_often_costs_one_term() -> None:
    accumulator = Accumulator(TOY)
    point = TOY.multiply(3, TOY.generator)
    for coefficient in range(100):
        accumulator.add(coefficient, point)
    assert len(accumulator) == 1


def test_equal_points_as_different_objects_change_nothing_but_the_cost() -> None:
    for group in (TOY, P256):
        data = group.encode(group.multiply(3, group.generator))
        accumulator = Accumulator(group)
        accumulator.add(4, group.decode(data))
        accumulator.add(-4, group.decode(data))
        assert len(accumulator) == 2
        accumulator.verify()


def test_points_are_kept_so_that_an_identity_is_never_reused() -> None:
    """Keys are object ids: a point that was collected would leave its id to another."""
    accumulator = Accumulator(TOY)
    for n in range(1, 1000):
        accumulator.add(1, TOY.multiply(n, TOY.generator))
    assert len(accumulator) == 999
    accumulator.add(-sum(range(1, 1000)), TOY.generator)
    accumulator.verify()


terms = st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 4)), max_size=12)
POINTS = [TOY.multiply(n, TOY.generator) for n in (1, 2, 3, 5, 8)]
LOGS = (1, 2, 3, 5, 8)


def collect(pairs: list[tuple[int, int]]) -> Accumulator:
    accumulator = Accumulator(TOY)
    for coefficient, index in pairs:
        accumulator.add(coefficient, POINTS[index])
    return accumulator


def holds(accumulator: Accumulator) -> bool:
    try:
        accumulator.verify()
    except VerificationError:
        return False
    return True


@given(terms, terms)
def test_merging_adds_up_and_leaves_the_other_as_it_was(
    one: list[tuple[int, int]], two: list[tuple[int, int]]
) -> None:
    left, right = collect(one), collect(two)
    before = holds(right), len(right)
    left.merge(right)
    assert holds(left) == holds(collect(one + two))
    assert holds(left) == (sum(c * LOGS[i] for c, i in one + two) == 0)
    assert (holds(right), len(right)) == before


FAMILY = tuple(POINTS)
MEMBERS = POINTS[:3]  # 4 indices over 3 members: one of them has two
scalars = st.integers(0, TOY.order - 1)
families = st.lists(st.integers(-50, 50), min_size=5, max_size=5)
rows = st.lists(st.tuples(*[scalars] * 4), min_size=1, max_size=1)
tensors = st.builds(Tensor, st.integers(0, 1 << 128), rows.map(tuple))


@given(terms, st.lists(families, max_size=3), st.lists(tensors, max_size=3), st.integers(0, 3))
def test_families_and_tensors_are_terms_like_others(
    pairs: list[tuple[int, int]], several: list[list[int]], over: list[Tensor], split: int
) -> None:
    """However they are spread over accumulators that are merged."""
    plain, one, two = collect(pairs), collect(pairs), Accumulator(TOY)
    for number, coefficients in enumerate(several):
        (one if number < split else two).add_family(coefficients, FAMILY)
        plain.extend(coefficients, FAMILY)
    for number, tensor in enumerate(over):
        (one if number < split else two).add_tensor(tensor, MEMBERS)
        for index, entry in enumerate(tensor.rows[0]):
            plain.add(tensor.scale * entry, MEMBERS[index % 3])
    before = list(two.terms())
    one.merge(two)
    assert holds(one) == holds(plain)
    assert list(two.terms()) == before
    negative = Accumulator(TOY)
    for opposite, points in plain.terms():
        negative.extend([-c for c in opposite], points)
    one.merge(negative)
    one.verify()


def test_a_family_costs_its_points_however_often_it_comes() -> None:
    accumulator = Accumulator(TOY)
    for _ in range(100):
        accumulator.add_family([1] * 5, FAMILY)
        accumulator.add_tensor(Tensor(1, ((1, 2, 3, 4),)), MEMBERS)
    assert len(accumulator) == sum(len(points) for _, points in accumulator.terms()) == 8


def test_tensors_that_are_taken_are_not_in_the_sum_any_more() -> None:
    accumulator = collect([(3, 0), (4, 4)])
    before = list(accumulator.terms())
    accumulator.add_tensor(Tensor(2, ((1, 2, 3, 4),)), MEMBERS)
    whole = list(accumulator.terms())
    taken = list(accumulator.take_tensors())
    assert taken == [([10, 4, 6], MEMBERS)]
    assert list(accumulator.terms()) == before
    assert before + taken == whole


def test_terms_without_a_partner_are_a_mistake() -> None:
    accumulator = Accumulator(TOY)
    with pytest.raises(ValueError, match="zip"):
        accumulator.extend([1, 2], [TOY.generator])
    with pytest.raises(ValueError, match="each point"):
        accumulator.add_family([1, 2], [TOY.generator])


def test_weights_are_fresh_nonzero_and_of_128_bits() -> None:
    weights = [random_weight() for _ in range(2000)]
    assert len(set(weights)) == len(weights)
    assert all(0 < weight < 1 << 128 for weight in weights)
    assert max(weights).bit_length() == 128


def test_equations_of_one_proof_are_multiplied_by_fresh_weights() -> None:
    claim = statement(TOY, 5)
    proof = prove(claim, opening(TOY, 2))
    one, two = (accumulate(claim, proof)._coefficients.values() for _ in range(2))
    assert len(one) == len(two)
    assert not set(one) & set(two)
