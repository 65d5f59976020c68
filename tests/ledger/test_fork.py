from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint, sign
from ledger.fork import Fork, verify_fork
from ledger.merkle import EMPTY_ROOT, build_consistency
from ledger.note import Note, Signer
from tests.ledger.memory_log import ORIGIN
from tests.ledger.served import LOG, History

HONEST = History(40)
FORK = History(40, fork_at=5)
OTHER_KEY = Signer(ORIGIN, b"2" * 32)
STRANGER = Signer("ledger.example/other", b"o" * 32)


def fork_of(small: int, large: int, small_log: History = HONEST, large_log: History = FORK) -> Fork:
    return Fork(
        small_log.note(small),
        large_log.note(large),
        large_log.checkpoint(small).root,
        tuple(build_consistency(large_log.reader, small, large)),
    )


GOOD = fork_of(12, 20)
TEXT = GOOD.serialise()
SIZES = [(12, 12), (12, 20), (8, 40), (6, 7), (40, 40)]


@pytest.mark.parametrize("sizes", SIZES)
def test_a_fork_is_proven(sizes: tuple[int, int]) -> None:
    small, large = sizes
    for logs in ((HONEST, FORK), (FORK, HONEST)):
        fork = fork_of(small, large, *logs)
        read = Fork.parse(fork.serialise())
        assert read == fork
        shown = verify_fork(read, [OTHER_KEY.verifier, LOG.verifier])
        assert shown == (logs[0].checkpoint(small), logs[1].checkpoint(large))


@pytest.mark.parametrize(
    "fork",
    [
        fork_of(12, 20, HONEST, HONEST),
        fork_of(12, 12, FORK, FORK),
        fork_of(5, 20),  # they part behind entry 5 only
        fork_of(0, 20),
        fork_of(0, 0),
    ],
)
def test_a_log_that_grows_is_not_accused(fork: Fork) -> None:
    with pytest.raises(VerificationError, match="do not contradict"):
        verify_fork(fork, [LOG.verifier])


@pytest.mark.parametrize(
    "fork",
    [
        replace(GOOD, root=HONEST.checkpoint(12).root),
        replace(GOOD, root=b"r" * 32),
        replace(GOOD, proof=GOOD.proof[1:]),
        replace(GOOD, proof=(*GOOD.proof, b"r" * 32)),
        replace(GOOD, proof=tuple(build_consistency(HONEST.reader, 12, 20))),
        replace(GOOD, small=HONEST.note(11)),
        replace(GOOD, large=HONEST.note(20)),
        replace(GOOD, small=GOOD.large, large=GOOD.small),
        replace(fork_of(12, 12), root=HONEST.checkpoint(12).root),
        replace(GOOD, small=sign(HONEST.checkpoint(12), OTHER_KEY)),
        replace(GOOD, large=sign(FORK.checkpoint(20), OTHER_KEY)),
        replace(GOOD, small=LOG.sign_note(f"other{HONEST.checkpoint(12).text()}").serialise()),
    ],
)
def test_a_false_accusation_is_refused(fork: Fork) -> None:
    assert verify_fork(GOOD, [LOG.verifier])
    with pytest.raises(VerificationError):
        verify_fork(fork, [LOG.verifier])


def test_two_logs_are_no_fork_of_one() -> None:
    root = HONEST.checkpoint(12).root
    other = sign(Checkpoint(STRANGER.name, 12, root), STRANGER)
    fork = Fork(other, FORK.note(12), FORK.checkpoint(12).root, ())
    with pytest.raises(VerificationError, match="of two logs"):
        verify_fork(fork, [LOG.verifier, STRANGER.verifier])


def test_keys_that_a_log_has_had_count_as_one() -> None:
    moved = replace(GOOD, large=sign(FORK.checkpoint(20), OTHER_KEY))
    assert verify_fork(moved, [LOG.verifier, OTHER_KEY.verifier])


def test_an_empty_log_with_a_root_accuses_nobody() -> None:
    impossible = sign(Checkpoint(ORIGIN, 0, b"r" * 32), LOG)
    with pytest.raises(VerificationError, match="no entries"):
        verify_fork(Fork(impossible, FORK.note(20), EMPTY_ROOT, ()), [LOG.verifier])


def test_extension_lines_do_not_hide_a_fork() -> None:
    extended = LOG.sign_note(FORK.checkpoint(20).text() + "more\n").serialise()
    fork = Fork.parse(replace(GOOD, large=extended).serialise())
    assert verify_fork(fork, [LOG.verifier]) == verify_fork(GOOD, [LOG.verifier])


def test_the_form_is_lines_and_two_notes() -> None:
    head, small_text, _, large_text, _ = TEXT.decode().split("\n\n")
    assert head.split("\n")[0] == "kvitto-fork/v1"
    assert head.split("\n")[1].startswith("root ")
    assert len(head.split("\n")) == 2 + len(GOOD.proof)
    assert (small_text + "\n", large_text + "\n") == (
        HONEST.checkpoint(12).text(),
        FORK.checkpoint(20).text(),
    )


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 7))
def test_every_flipped_bit_is_noticed(place: int, bit: int) -> None:
    mutated = bytearray(TEXT)
    mutated[place] ^= 1 << bit
    with pytest.raises((FormatError, VerificationError)):
        verify_fork(Fork.parse(bytes(mutated)), [LOG.verifier])


@given(st.integers(0, len(TEXT) - 1), st.integers(0, len(TEXT)), st.binary(max_size=40))
def test_every_exchanged_part_is_noticed(start: int, stop: int, part: bytes) -> None:
    mutated = TEXT[:start] + part + TEXT[max(start, stop) :]
    if mutated != TEXT:
        with pytest.raises((FormatError, VerificationError)):
            verify_fork(Fork.parse(mutated), [LOG.verifier])


hashes = st.binary(min_size=32, max_size=32)
notes = st.sampled_from([HONEST.note(12), FORK.note(20), HONEST.note(0)])


@given(notes, notes, hashes, st.lists(hashes, max_size=63))
def test_forks_are_read_as_written(
    small: bytes, large: bytes, root: bytes, proof: list[bytes]
) -> None:
    fork = Fork(small, large, root, tuple(proof))
    assert Fork.parse(fork.serialise()) == fork


@given(
    st.binary()
    | st.binary().map(lambda junk: TEXT[:60] + junk)
    | st.lists(st.sampled_from(TEXT.split(b"\n")), max_size=14).map(b"\n".join)
)
def test_a_fork_that_is_read_is_the_one_that_is_written(data: bytes) -> None:
    try:
        fork = Fork.parse(data)
    except FormatError:
        return
    assert fork.serialise() == data


ROOT = TEXT.split(b"\n")[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"fork/v1", b"fork/v2"),
        (b"root ", b"Root "),
        (b"root ", b"root  "),
        (b"root ", b""),
        (ROOT + b"\n", b""),
        (ROOT, ROOT + b"\n" + ROOT),
        (ROOT, ROOT + b" "),
        (ROOT, ROOT[:-1]),
        (ROOT, ROOT + b"\r"),
        (ROOT, b"root AAAA"),
        (ROOT, ROOT + b"\n" + b"\n".join([b"A" * 43 + b"="] * 64)),
        (b"\n\n", b"\n"),
        (b"\n\n", b"\n\n\n"),
    ],
)
def test_other_spellings_are_refused(old: bytes, new: bytes) -> None:
    assert old in TEXT
    with pytest.raises(FormatError):
        Fork.parse(TEXT.replace(old, new))


@pytest.mark.parametrize("more", [b"\n", b"\n\n", b"\nmore\n", b"\n" + GOOD.large, b"more"])
def test_nothing_may_follow(more: bytes) -> None:
    with pytest.raises(FormatError):
        Fork.parse(TEXT + more)


def test_two_of_the_longest_notes_fit() -> None:
    line = f"— {'w' * 100} {'A' * 1900}AAA=\n"
    long = HONEST.note(12) + line.encode() * 63
    assert len(long) > 100_000
    assert len(Note.parse(long).signatures) == 64
    fork = replace(GOOD, small=long, large=long)
    assert Fork.parse(fork.serialise()) == fork
    with pytest.raises(FormatError, match="too many signatures"):
        Fork.parse(fork.serialise() + line.encode())
