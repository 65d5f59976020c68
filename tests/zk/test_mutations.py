"""Proofs that were changed on the way: each bit, the length, and parts of other proofs."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from commitments.p256 import P256
from tests.zk.claims import (
    BOTH_KEYS,
    ENTROPY,
    EVERY_KIND,
    WARRANTY,
    opening,
    ring_of,
    shown,
    statement,
)
from tests.zk.tiny_group import TOY
from zk.prove import prove
from zk.statement import Statement
from zk.verify import proof_size, proof_tags, verify

REJECTED = (FormatError, VerificationError)
MINE = 2


def cheapest(group: Group) -> Statement:
    """A ring of one, everything shown, no tag: parts 0, 1 and 4 as small as they get."""
    mine = opening(group, MINE)
    return statement(group, ring_of(group, [mine]), shown(mine), [])


def flips(proof: bytes) -> Iterator[bytes]:
    for bit in range(8 * len(proof)):
        changed = bytearray(proof)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def is_refused(claim: Statement, proof: bytes) -> None:
    with pytest.raises(REJECTED):
        verify(claim, proof)


@pytest.mark.parametrize(
    "claim",
    [cheapest(P256), cheapest(TOY), statement(TOY, 5, EVERY_KIND), statement(TOY, 17, WARRANTY)],
    ids=["p256 cheapest", "toy cheapest", "toy every kind", "toy warranty"],
)
def test_every_flipped_bit_is_noticed(claim: Statement) -> None:
    proof = prove(claim, opening(claim.group, MINE))
    verify(claim, proof)
    for changed in flips(proof):
        is_refused(claim, changed)


P256_CLAIM = statement(P256, 5, EVERY_KIND)
P256_PROOF = prove(P256_CLAIM, opening(P256, MINE), entropy=ENTROPY)


@given(st.integers(0, 8 * len(P256_PROOF) - 1))
@example(0)
@example(8 * len(P256_PROOF) - 1)
def test_any_flipped_bit_of_a_large_proof_is_noticed(bit: int) -> None:
    changed = bytearray(P256_PROOF)
    changed[bit // 8] ^= 1 << bit % 8
    verify(P256_CLAIM, P256_PROOF)
    is_refused(P256_CLAIM, bytes(changed))


@pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])
def test_truncated_and_extended_proofs_are_refused_for_their_length(group: Group) -> None:
    claim = statement(group, 5, EVERY_KIND)
    proof = prove(claim, opening(group, MINE))
    verify(claim, proof)
    for wrong in [*(proof[:n] for n in range(len(proof))), proof + b"\0", proof + proof]:
        with pytest.raises(FormatError, match="length"):
            verify(claim, wrong)
        with pytest.raises(FormatError, match="length"):
            proof_tags(claim, wrong)


@pytest.mark.parametrize("version", [0, 2, 0x81, 0xFF])
def test_another_version_is_refused(version: int) -> None:
    claim = cheapest(P256)
    proof = prove(claim, opening(P256, MINE))
    verify(claim, proof)
    with pytest.raises(FormatError, match="version"):
        verify(claim, bytes([version]) + proof[1:])


@pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])
def test_blocks_swapped_between_two_proofs_of_one_statement(group: Group) -> None:
    """Every block of points or scalars of one proof, put into another proof of the same claim."""
    claim = statement(group, 5, EVERY_KIND)
    one, two = (prove(claim, opening(group, MINE)) for _ in range(2))
    verify(claim, one)
    verify(claim, two)
    step = group.point_size
    for start in range(1, len(one) - step, step):
        mixed = one[:start] + two[start : start + step] + one[start + step :]
        for changed in {mixed, one[:start] + two[start:]} - {one, two}:
            is_refused(claim, changed)


def test_neighbouring_points_and_scalars_swapped_within_a_proof() -> None:
    claim = statement(TOY, 17, EVERY_KIND)
    proof = prove(claim, opening(TOY, MINE))
    blocks = [proof[i : i + 8] for i in range(1, len(proof), 8)]
    for i in range(len(blocks) - 1):
        swapped = [*blocks[:i], blocks[i + 1], blocks[i], *blocks[i + 2 :]]
        is_refused(claim, b"\1" + b"".join(swapped))


def test_proof_for_another_context_scope_ring_or_policy() -> None:
    claim = statement(P256, 5)
    proof = prove(claim, opening(P256, MINE))
    verify(claim, proof)
    others = [
        statement(P256, 5, context=b"\1" * 32),
        statement(P256, 5, scopes=BOTH_KEYS[::-1]),
        statement(P256, 6),
        statement(P256, ring_of(P256, [opening(P256, n) for n in (1, 0, 2, 3, 4)])),
        statement(P256, 5, EVERY_KIND[1:]),
    ]
    for other in others:
        is_refused(other, proof)


def test_negated_points_are_noticed() -> None:
    claim = statement(P256, 5)
    proof = prove(claim, opening(P256, MINE))
    verify(claim, proof)
    for start in range(1, 1 + 33 * 5, 33):
        negated = bytearray(proof)
        negated[start] ^= 1  # 02 and 03: the other square root
        is_refused(claim, bytes(negated))


@given(st.binary(max_size=2000))
def test_noise_is_refused(noise: bytes) -> None:
    is_refused(P256_CLAIM, noise)
    size = proof_size(P256_CLAIM)
    is_refused(P256_CLAIM, (b"\1" + noise + bytes(size))[:size])
