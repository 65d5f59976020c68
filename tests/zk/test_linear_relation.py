"""Sigma proofs for linear relations, both flavours."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.domain import claim_session, issue_session
from commitments.errors import FormatError, VerificationError
from commitments.group import Group, Point
from commitments.p256 import P256
from tests.zk.claims import ENTROPY
from tests.zk.tiny_group import TOY, value_of
from zk.hedged import HedgedScalars
from zk.linear_relation import (
    Equation,
    LinearRelation,
    prove_batchable,
    prove_compact,
    verify_batchable,
    verify_compact,
)

TAG = b"a session of the tests"
FLAVOURS = pytest.mark.parametrize(
    ("prove", "verify"),
    [(prove_batchable, verify_batchable), (prove_compact, verify_compact)],
    ids=["batchable", "compact"],
)
GROUPS = pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])
Prove = Callable[[bytes, LinearRelation, list[int], Callable[[], int]], bytes]
Verify = Callable[[bytes, LinearRelation, bytes], None]
REJECTED = (FormatError, VerificationError)


def random_of(group: Group) -> Callable[[], int]:
    return HedgedScalars(group, [], b"").scalar


def points(group: Group, *logs: int) -> tuple[Point, ...]:
    return (group.generator, *(group.multiply(log, group.generator) for log in logs))


def equality(group: Group, secret: int = 5) -> LinearRelation:
    """``X = x G, Y = x H``: one logarithm under two bases."""
    H = 7
    return LinearRelation(
        group,
        points(group, H, secret, secret * H),
        (
            Equation(image=((2, 1),), terms=((0, 0, 1),)),
            Equation(image=((3, 1),), terms=((0, 1, 1),)),
        ),
    )


@GROUPS
@FLAVOURS
def test_true_relations_prove_and_false_ones_do_not(
    group: Group, prove: Prove, verify: Verify
) -> None:
    relation = equality(group)
    proof = prove(TAG, relation, [5], random_of(group))
    verify(TAG, relation, proof)
    with pytest.raises(VerificationError):
        verify(TAG, relation, prove(TAG, relation, [6], random_of(group)))
    with pytest.raises(VerificationError):
        verify(TAG, equality(group, 6), proof)


@GROUPS
@FLAVOURS
def test_only_one_of_two_equations_holds(group: Group, prove: Prove, verify: Verify) -> None:
    good = equality(group)
    for place in (2, 3):
        elements = list(good.elements)
        elements[place] = group.add(elements[place], group.generator)
        bad = replace(good, elements=tuple(elements))
        with pytest.raises(VerificationError):
            verify(TAG, bad, prove(TAG, bad, [5], random_of(group)))
    verify(TAG, good, prove(TAG, good, [5], random_of(group)))


@GROUPS
@FLAVOURS
def test_proof_of_another_session_or_instance(group: Group, prove: Prove, verify: Verify) -> None:
    relation = equality(group)
    proof = prove(TAG, relation, [5], random_of(group))
    verify(TAG, relation, proof)
    for tag in (b"", TAG + b"\0", b"another"):
        with pytest.raises(VerificationError):
            verify(tag, relation, proof)
    reordered = replace(relation, equations=relation.equations[::-1])
    with pytest.raises(VerificationError):
        verify(TAG, reordered, proof)


@GROUPS
@FLAVOURS
def test_every_flipped_bit_truncation_and_extension(
    group: Group, prove: Prove, verify: Verify
) -> None:
    relation = equality(group)
    proof = prove(TAG, relation, [5], random_of(group))
    verify(TAG, relation, proof)
    for bit in range(8 * len(proof)):
        changed = bytearray(proof)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(REJECTED):
            verify(TAG, relation, bytes(changed))
    for wrong in (b"", proof[:-1], proof + b"\0", proof * 2):
        with pytest.raises(FormatError):
            verify(TAG, relation, wrong)


def test_proof_re_encoded_in_the_other_flavour() -> None:
    """The flavours carry the same responses, but their sessions differ by convention of the tag."""
    group, relation = TOY, equality(TOY)
    random = HedgedScalars(group, [], b"", ENTROPY)
    batchable = prove_batchable(b"DSFS", relation, [5], random.scalar)
    random = HedgedScalars(group, [], b"", ENTROPY)
    compact = prove_compact(b"DSFS", relation, [5], random.scalar)
    verify_batchable(b"DSFS", relation, batchable)
    verify_compact(b"DSFS", relation, compact)
    response = batchable[-group.scalar_size :]
    assert compact.endswith(response)
    # An attacker turns one into the other: possible under one tag, refused under the other's.
    with pytest.raises(VerificationError):
        verify_compact(b"CMPT", relation, compact)
    for narg, verify in ((batchable, verify_compact), (compact, verify_batchable)):
        with pytest.raises(FormatError, match="length"):
            verify(b"DSFS", relation, narg)


def test_issuing_is_compact_by_its_tag() -> None:
    """So a batchable proof of the same request cannot be re-encoded for the merchant."""
    for group in (TOY, P256):
        assert b"-CMPT-" in issue_session(group)
        assert issue_session(group) != claim_session(group)


ONE = Equation(image=((1, 1),), terms=((0, 0, 1),))
NEGATED = TOY.order - 1


def instance(*equations: Equation, elements: tuple[Point, ...]) -> LinearRelation:
    return LinearRelation(TOY, elements, equations)


BROKEN: dict[str, Callable[[], object]] = {
    "1 no equation": lambda: instance(elements=points(TOY, 5)),
    "2 no image": lambda: instance(ONE, Equation((), ((0, 0, 1),)), elements=points(TOY, 5)),
    "2 no term": lambda: instance(ONE, Equation(((1, 1),), ()), elements=points(TOY, 5)),
    "3 negative scalar": lambda: instance(
        Equation(((1, 1),), ((-1, 0, 1), (0, 0, 1))), elements=points(TOY, 5)
    ),
    "3 negative element": lambda: instance(
        Equation(((1, 1),), ((0, -1, 1),)), elements=points(TOY, 5)
    ),
    "3 scalar of 33 bits": lambda: instance(
        Equation(((1, 1),), ((2**32, 0, 1),)), elements=points(TOY, 5)
    ),
    "3 image element of 33 bits": lambda: instance(
        Equation(((2**32, 1),), ((0, 0, 1),)), elements=points(TOY, 5)
    ),
    "4 element that is not there": lambda: instance(
        Equation(((2, 1),), ((0, 0, 1),)), elements=points(TOY, 5)
    ),
    "4 no elements": lambda: instance(ONE, elements=()),
    "5 element that nothing names": lambda: instance(ONE, elements=points(TOY, 5, 6)),
    "6 scalar that nothing names": lambda: instance(
        Equation(((1, 1),), ((1, 0, 1),)), elements=points(TOY, 5)
    ),
    "7 element 0 is not the base point": lambda: instance(
        ONE, elements=(TOY.multiply(2, TOY.generator), TOY.multiply(5, TOY.generator))
    ),
    "8 identity among the elements": lambda: instance(
        Equation(((1, 1),), ((0, 0, 1), (1, 2, 1))), elements=points(TOY, 5, 0)
    ),
    "9 image that is the identity": lambda: instance(
        Equation(((1, 1), (1, NEGATED)), ((0, 0, 1),)), elements=points(TOY, 5)
    ),
    "9 image with coefficient zero": lambda: instance(
        Equation(((1, 0),), ((0, 0, 1),)), elements=points(TOY, 5)
    ),
    "10 scalar without effect": lambda: instance(
        Equation(((1, 1),), ((0, 0, 1), (1, 0, 1), (1, 0, NEGATED))), elements=points(TOY, 5)
    ),
    "10 scalar with coefficient zero": lambda: instance(
        Equation(((1, 1),), ((0, 0, 1), (1, 0, TOY.order))), elements=points(TOY, 5)
    ),
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN.keys())
def test_instance_validation(make: Callable[[], object]) -> None:
    assert instance(ONE, elements=points(TOY, 5)).scalar_count == 1
    with pytest.raises(FormatError):
        make()


def test_a_scalar_that_one_equation_cancels_and_another_does_not_is_fine() -> None:
    cancelling = Equation(((1, 1),), ((0, 0, 1), (1, 0, 1), (1, 0, NEGATED)))
    relation = instance(cancelling, Equation(((1, 1),), ((1, 0, 1),)), elements=points(TOY, 5))
    verify_compact(TAG, relation, prove_compact(TAG, relation, [5, 5], random_of(TOY)))


def test_a_witness_of_the_wrong_length_is_a_mistake() -> None:
    for witness in ([], [1, 2]):
        with pytest.raises(ValueError, match="witness"):
            prove_compact(TAG, equality(TOY), witness, random_of(TOY))


def test_nonces_that_cancel_to_the_identity_are_not_written() -> None:
    for prove in (prove_batchable, prove_compact):
        with pytest.raises(ValueError, match="identity"):
            prove(TAG, equality(TOY), [5], lambda: 0)


def test_a_simulated_commitment_that_is_the_identity_is_refused() -> None:
    relation = equality(TOY)
    challenge = TOY.encode_scalar(3)
    response = TOY.encode_scalar(15)  # 15 G = 3 X
    with pytest.raises(VerificationError, match="identity"):
        verify_compact(TAG, relation, challenge + response)


coefficients = st.integers(1, 20)


@given(
    st.lists(st.integers(1, 2**60), min_size=3, max_size=3),
    st.lists(st.tuples(coefficients, coefficients, coefficients), min_size=1, max_size=4),
)
def test_random_relations(witness: list[int], rows: list[tuple[int, ...]]) -> None:
    """``X_k = sum c_ki w_i B_i``, proven and verified in both flavours, and not with another w."""
    group = TOY
    bases = [group.multiply(log, group.generator) for log in (1, 3, 10)]
    images = [
        group.sum_of_products([c * w for c, w in zip(row, witness, strict=True)], bases)
        for row in rows
    ]
    if any(map(group.is_identity, images)):
        return
    equations = [
        Equation(((3 + k, 1),), tuple((i, i, c) for i, c in enumerate(row)))
        for k, row in enumerate(rows)
    ]
    relation = LinearRelation(group, (*bases, *images), tuple(equations))
    assert [value_of(p) for p in relation.map(witness)] == [value_of(p) for p in relation.image()]
    for prove, verify in (
        (prove_batchable, verify_batchable),
        (prove_compact, verify_compact),
    ):
        verify(TAG, relation, prove(TAG, relation, witness, random_of(group)))
        other = [witness[0] + 1, *witness[1:]]
        with pytest.raises(VerificationError):
            verify(TAG, relation, prove(TAG, relation, other, random_of(group)))
