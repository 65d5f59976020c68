"""What a proof must not say, as far as a test can see it; and where its randomness comes from."""

import inspect
import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.attributes import ATTRIBUTES
from commitments.group import Group
from commitments.p256 import P256
from tests.zk.claims import ENTROPY, EVERY_KIND, opening, ring, statement
from tests.zk.tiny_group import TINY, TOY
from zk.hedged import HedgedScalars
from zk.prove import prove
from zk.statement import Scope, Statement
from zk.verify import proof_tags, verify


def blocks(proof: bytes, size: int) -> set[bytes]:
    """Every run of ``size`` bytes."""
    return {proof[i : i + size] for i in range(1, len(proof) - size + 1)}


def test_two_members_proofs_of_one_statement_share_nothing() -> None:
    claim = statement(P256, 8, EVERY_KIND)
    proofs = [prove(claim, opening(P256, number)) for number in (1, 2)]
    for proof in proofs:
        verify(claim, proof)
    assert len(proofs[0]) == len(proofs[1])
    assert proofs[0][:1] == proofs[1][:1]  # the version
    assert not blocks(proofs[0], 8) & blocks(proofs[1], 8)


def blocks_beside_tags(claim: Statement, proof: bytes) -> set[bytes]:
    """Every run of 8 bytes that does not touch the tags."""
    start = 1 + 33 * (1 + len(claim.committed))
    end = start + 33 * len(claim.scopes)
    return blocks(proof[:start], 8) | blocks(b"\1" + proof[end:], 8)


def test_one_members_proofs_share_their_tags_and_nothing_else() -> None:
    claim = statement(P256, 8, EVERY_KIND)
    one, two = (prove(claim, opening(P256, 2)) for _ in range(2))
    assert proof_tags(claim, one) == proof_tags(claim, two)
    assert not blocks_beside_tags(claim, one) & blocks_beside_tags(claim, two)


def test_two_scopes_of_one_purchase_have_unrelated_tags() -> None:
    claims = [statement(P256, 8, EVERY_KIND, [Scope("serial", text)]) for text in ("a", "b")]
    one, two = (prove(claim, opening(P256, 2)) for claim in claims)
    assert not blocks(one, 8) & blocks(two, 8)


def test_no_secret_and_no_ring_member_stands_in_the_proof() -> None:
    claim = statement(P256, 8, EVERY_KIND)
    mine = opening(P256, 2)
    proof = prove(claim, mine)
    secrets = {P256.encode_scalar(value) for value in (mine.serial, mine.secret, mine.blinding)}
    assert not secrets & blocks(proof, 32)
    assert not set(ring(P256, 8).members) & blocks(proof, 33)


def scalars_of(claim: Statement, proof: bytes) -> list[bytes]:
    """All scalars, by reading the proof's parts (every kind of predicate, a ring of 8)."""
    found, position = [], 1
    committed, tags = len(claim.committed), len(claim.scopes)
    for points, scalars in [
        (1 + committed + tags, 0),
        (2 + 2, 3 * 2 + 2),  # ring of 8: two digits
        (2 + 1, 3 * 1 + 2),  # set of 3
        (2 + 1, 3 * 1 + 2),  # set of 1
        (3 + 2 * 3, 3),  # 4 + 3 digits, padded to 8
        (1 + committed + tags, len(ATTRIBUTES) - 1 + 2 + 1 + committed),
    ]:
        position += points * 33
        found += [proof[position + 32 * i : position + 32 * i + 32] for i in range(scalars)]
        position += scalars * 32
    assert position == len(proof)
    return found


def test_no_response_occurs_twice() -> None:
    claim = statement(P256, 8, EVERY_KIND)
    proofs = [prove(claim, opening(P256, number), entropy=ENTROPY) for number in (1, 2, 3)]
    responses = [s for proof in proofs for s in scalars_of(claim, proof)]
    assert len(set(responses)) == len(responses)


def drawn(
    witness: list[int], public: bytes, entropy: bytes | None = ENTROPY, group: Group = P256
) -> list[int]:
    return HedgedScalars(group, witness, public, entropy).scalars(20)


def test_one_broken_generator_repeats_nothing_across_witnesses_and_statements() -> None:
    """The same "randomness" every time: only the very same proof may come out again."""
    streams = [
        drawn([1, 2], b"statement"),
        drawn([1, 3], b"statement"),
        drawn([2, 1], b"statement"),
        drawn([1, 2, 0], b"statement"),
        drawn([1, 2], b"other"),
        drawn([1, 2], b""),
        drawn([1], P256.encode_scalar(2) + b"statement"),
        drawn([1, 2], b"statement", b"\1" * 32),
    ]
    assert streams[0] == drawn([1, 2], b"statement")
    (most, count) = Counter(s for stream in streams for s in stream).most_common(1)[0]
    assert count == 1, most


def test_a_reused_generator_state_does_not_reveal_the_secret() -> None:
    """With one nonce for two statements, two responses would give the secret."""
    mine = opening(P256, 2)
    claims = [statement(P256, 8, EVERY_KIND, context=bytes([n]) * 32) for n in (1, 2)]
    proofs = [prove(claim, mine, entropy=ENTROPY) for claim in claims]
    beside = [blocks_beside_tags(c, p) for c, p in zip(claims, proofs, strict=True)]
    assert proof_tags(claims[0], proofs[0]) == proof_tags(claims[1], proofs[1])
    assert not beside[0] & beside[1]


def test_operating_system_randomness_is_drawn_for_each_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def urandom(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    real = drawn([1], b"", None)
    assert real != drawn([1], b"", None)
    monkeypatch.setattr(os, "urandom", urandom)
    assert drawn([1], b"", None) == drawn([1], b"", None)
    assert asked == [32, 32]
    drawn([1], b"")
    assert asked == [32, 32]  # entropy that is given replaces it


@given(st.lists(st.integers(0, 12)), st.binary(max_size=20))
def test_scalars_are_never_zero_and_below_the_order(witness: list[int], public: bytes) -> None:
    for group in (TINY, TOY, P256):
        assert all(0 < s < group.order for s in drawn(witness, public, None, group))


def test_every_scalar_comes_up_about_as_often() -> None:
    counts = Counter(HedgedScalars(TINY, [], b"", ENTROPY).scalars(12_000))
    assert set(counts) == set(range(1, 13))
    assert all(800 < count < 1200 for count in counts.values())


def test_entropy_can_only_be_given_by_name() -> None:
    parameters = inspect.signature(prove).parameters
    assert parameters["entropy"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["entropy"].default is None
    with pytest.raises(TypeError):
        prove(statement(TOY), opening(TOY, 2), ENTROPY)  # type: ignore[call-arg, arg-type]


def test_with_entropy_the_proof_is_a_function_of_its_inputs() -> None:
    claim = statement(P256, 5, EVERY_KIND)
    mine = opening(P256, 2)
    assert prove(claim, mine, entropy=ENTROPY) == prove(claim, mine, entropy=ENTROPY)
    assert prove(claim, mine, entropy=ENTROPY) != prove(claim, mine, entropy=b"\1" * 32)
    assert prove(claim, mine) != prove(claim, mine)


@pytest.mark.parametrize("number", [0, 2])
def test_secrets_are_not_printed(number: int) -> None:
    mine = opening(P256, number)
    for text in (repr(mine), str(mine), f"{[mine]}"):
        for value in (mine.serial, mine.secret, mine.blinding):
            assert str(value) not in text
            assert f"{value:x}" not in text
