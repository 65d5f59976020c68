"""The sponge and the challenges."""

from hashlib import shake_128

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.domain import claim_session
from commitments.errors import FormatError, VerificationError
from commitments.p256 import P256
from tests.zk.tiny_group import TINY, TOY
from zk.encoding import ProofReader, ProofWriter
from zk.transcript import DuplexSponge, Transcript, challenge_size, derive_session_id

SESSION = bytes(range(32))
pieces = st.lists(st.binary(max_size=200), max_size=5)


@given(pieces, st.integers(0, 400))
def test_the_state_is_the_hash_of_everything_absorbed(data: list[bytes], length: int) -> None:
    sponge = DuplexSponge(SESSION)
    for piece in data:
        sponge.absorb(piece)
    expected = shake_128(SESSION + bytes(136) + b"".join(data)).digest(length)
    assert sponge.squeeze(length) == expected


@given(st.lists(st.integers(0, 300), max_size=5))
def test_squeezes_continue_one_stream(lengths: list[int]) -> None:
    whole, parts = DuplexSponge(SESSION), DuplexSponge(SESSION)
    assert b"".join(map(parts.squeeze, lengths)) == whole.squeeze(sum(lengths))


@given(st.binary(min_size=1, max_size=50), st.integers(1, 50))
def test_squeezed_bytes_are_not_fed_back(data: bytes, length: int) -> None:
    one, two = DuplexSponge(SESSION), DuplexSponge(SESSION)
    one.squeeze(length)
    one.absorb(b"")
    one.absorb(data)
    two.absorb(data)
    assert one.squeeze(32) == two.squeeze(32)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_session_id_has_32_bytes(size: int) -> None:
    assert DuplexSponge(bytes(32)).squeeze(1)
    with pytest.raises(ValueError, match="32 bytes"):
        DuplexSponge(bytes(size))


def test_sessions_and_groups_have_challenges_of_their_own() -> None:
    transcripts = [Transcript(group, claim_session(group)) for group in (TINY, TOY, P256)]
    assert len({t.challenge() for t in transcripts[1:]}) == 2
    assert derive_session_id(b"a") != derive_session_id(b"b")
    assert [challenge_size(group) for group in (TINY, TOY, P256)] == [17, 24, 48]


def test_a_zero_challenge_is_refused() -> None:
    """It happens in a group of 13, and would make every equation of a proof trivial."""
    refused = 0
    for n in range(200):
        transcript = Transcript(TINY, b"test")
        transcript.absorb(bytes([n]))
        try:
            assert 0 < transcript.challenge() < TINY.order
        except VerificationError:
            refused += 1
    assert 0 < refused < 60


def test_writer_and_reader_draw_the_same_challenges() -> None:
    points = [P256.multiply(n, P256.generator) for n in (1, 2, 3)]
    writer = ProofWriter(P256, b"statement")
    writer.points(points[:2])
    challenges = [writer.challenge(), writer.challenge()]
    writer.scalars([5, -1])
    writer.points(points[2:])
    challenges.append(writer.challenge())
    proof = writer.proof()
    reader = ProofReader(P256, b"statement", proof, len(proof))
    read = reader.points(2)
    again = [reader.challenge(), reader.challenge()]
    assert reader.scalars(2) == [5, P256.order - 1]
    read += reader.points(1)
    again.append(reader.challenge())
    assert challenges == again
    assert all(map(P256.equal, points, read))
    other = ProofReader(P256, b"another", proof, len(proof))
    other.points(2)
    assert other.challenge() != challenges[0]


def test_the_identity_is_never_written() -> None:
    writer = ProofWriter(P256, b"")
    with pytest.raises(ValueError, match="identity"):
        writer.points([P256.subtract(P256.generator, P256.generator)])


def test_reading_past_the_end_is_refused() -> None:
    reader = ProofReader(P256, b"", b"\1", 1)
    with pytest.raises(FormatError):
        reader.points(1)
    with pytest.raises(FormatError):
        reader.scalars(1)
