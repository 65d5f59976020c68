from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from commitments.errors import FormatError, Refused, VerificationError
from ledger.add_checkpoint import AddCheckpoint
from ledger.checkpoint import Checkpoint, sign
from ledger.fork import Fork, verify_fork
from ledger.merkle import EMPTY_ROOT
from ledger.note import Note, NoteVerifier, Signer, verify_note
from tests.witness.world import FORK, HONEST, KEYS, LOG, ORIGIN, SECONDS, open_witness
from witness.keys import WitnessKeys
from witness.service import StaleSize, UnknownLog, Untrusted, Witness

DIGEST = sha256(ORIGIN.encode()).digest()
KNOWN: list[NoteVerifier] = [LOG.verifier, *(key.verifier for key in KEYS.cosigners)]


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    with open_witness(tmp_path) as opened:
        yield opened


def seen(witness: Witness) -> tuple[str, list[NoteVerifier]]:
    return verify_note(witness.checkpoint(DIGEST), KNOWN)


def test_a_log_that_grows_is_cosigned_with_both_keys(witness: Witness) -> None:
    for old_size, size in pairwise((0, 0, 0, 3, 8, 8, 9, 40)):
        signatures = witness.add_checkpoint(HONEST.request(old_size, size))
        body = HONEST.checkpoint(size).text()
        note = Note(body, tuple(signatures)).serialise()
        assert verify_note(note, KNOWN) == (body, KNOWN[1:])
        assert all(s.signature[:8] == SECONDS.to_bytes(8, "big") for s in signatures)
        assert seen(witness) == (body, KNOWN)


def test_sandboxes_are_not_watched(witness: Witness) -> None:
    for origin in ("ledger.example/test/acme-test", "ledger.example/test/acme-test/events"):
        with pytest.raises(Refused, match=r"nothing .* has happened"):
            witness.watch(Signer(origin, b"k" * 32).verifier)


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_a_time_of_zero_which_says_nothing_is_never_signed(tmp_path: Path, seconds: float) -> None:
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    with open_witness(tmp_path, lambda: now) as early:
        with pytest.raises(RuntimeError, match="clock"):
            early.add_checkpoint(HONEST.request(0, 5))
        with pytest.raises(UnknownLog):
            early.checkpoint(DIGEST)
        now += timedelta(seconds=1)
        early.add_checkpoint(HONEST.request(0, 5))


def test_a_fork_is_never_signed(witness: Witness) -> None:
    witness.add_checkpoint(HONEST.request(0, 12))
    for forged in (
        FORK.request(12, 12),
        FORK.request(12, 20),
        AddCheckpoint(12, (), FORK.note(20)),
        AddCheckpoint(12, HONEST.proof(12, 20), FORK.note(20)),
    ):
        with pytest.raises(VerificationError):
            witness.add_checkpoint(forged)
    with pytest.raises(StaleSize) as stale:
        witness.add_checkpoint(FORK.request(5, 20))
    assert stale.value.size == 12
    assert witness.add_checkpoint(HONEST.request(12, 20))


def test_the_proof_of_a_fork_is_kept(tmp_path: Path) -> None:
    with open_witness(tmp_path) as witness:
        witness.add_checkpoint(HONEST.request(0, 12))
        for no_proof in (HONEST.request(12, 12), FORK.request(12, 20), FORK.request(5, 20)):
            with suppress(VerificationError, StaleSize):
                witness.add_checkpoint(no_proof)
        with pytest.raises(UnknownLog):
            witness.fork(DIGEST)
        with pytest.raises(VerificationError, match="another root"):
            witness.add_checkpoint(FORK.request(12, 12))
    with open_witness(tmp_path) as again:
        fork = Fork.parse(again.fork(DIGEST))
        assert verify_fork(fork, [LOG.verifier]) == (HONEST.checkpoint(12), FORK.checkpoint(12))
        assert verify_note(fork.small, KNOWN)[1] == KNOWN  # with our cosignatures, as it was seen
        assert fork.large == FORK.note(12)
        again.add_checkpoint(HONEST.request(12, 20))
        with pytest.raises(VerificationError):
            again.add_checkpoint(FORK.request(20, 20))
        assert Fork.parse(again.fork(DIGEST)) == fork  # the first one is enough


def test_a_fork_that_is_shown_as_if_nothing_were_known_is_kept_too(witness: Witness) -> None:
    witness.add_checkpoint(HONEST.request(0, 12))
    with pytest.raises(StaleSize):
        witness.add_checkpoint(FORK.request(0, 12))
    assert verify_fork(Fork.parse(witness.fork(DIGEST)), [LOG.verifier])


def test_only_the_log_can_convict_the_log(witness: Witness) -> None:
    witness.add_checkpoint(HONEST.request(0, 12))
    stranger = Signer(ORIGIN, b"s" * 32)
    with pytest.raises(Untrusted):
        witness.add_checkpoint(AddCheckpoint(12, (), FORK.note(12, stranger)))
    with pytest.raises(UnknownLog):
        witness.fork(DIGEST)
    witness.watch(stranger.verifier)  # a key that the log has had as well
    with pytest.raises(VerificationError):
        witness.add_checkpoint(AddCheckpoint(12, (), FORK.note(12, stranger)))
    keys = [stranger.verifier, LOG.verifier]
    assert verify_fork(Fork.parse(witness.fork(DIGEST)), keys)


def test_an_old_checkpoint_is_not_signed_again(witness: Witness) -> None:
    witness.add_checkpoint(HONEST.request(0, 12))
    for old_size, size in ((0, 5), (5, 5), (0, 12), (5, 12), (13, 14)):
        with pytest.raises(StaleSize):
            witness.add_checkpoint(HONEST.request(old_size, size))
    with pytest.raises(FormatError, match="above"):
        witness.add_checkpoint(AddCheckpoint(12, (), HONEST.note(5)))
    assert seen(witness)[0] == HONEST.checkpoint(12).text()


def test_a_first_checkpoint_needs_no_proof_and_may_have_none(witness: Witness) -> None:
    with pytest.raises(VerificationError):
        witness.add_checkpoint(AddCheckpoint(0, (EMPTY_ROOT,), HONEST.note(7)))
    full = sign(Checkpoint(ORIGIN, 0, b"r" * 32), LOG)
    with pytest.raises(VerificationError):
        witness.add_checkpoint(AddCheckpoint(0, (), full))
    assert witness.add_checkpoint(AddCheckpoint(0, (), HONEST.note(7)))


def test_only_the_log_speaks_for_the_log(witness: Witness) -> None:
    stranger = Signer(ORIGIN, b"s" * 32)
    with pytest.raises(Untrusted):
        witness.add_checkpoint(AddCheckpoint(0, (), HONEST.note(7, stranger)))
    forged = Note.parse(HONEST.note(7))
    other = replace(forged.signatures[0], signature=stranger.sign(forged.text.encode()))
    bad = replace(forged, signatures=(other,)).serialise()
    with pytest.raises(Untrusted):
        witness.add_checkpoint(AddCheckpoint(0, (), bad))
    unknown = Signer("ledger.example/other", b"o" * 32)
    note = sign(Checkpoint(unknown.name, 0, EMPTY_ROOT), unknown)
    with pytest.raises(UnknownLog):
        witness.add_checkpoint(AddCheckpoint(0, (), note))
    with pytest.raises(UnknownLog):
        witness.checkpoint(DIGEST)
    assert witness.add_checkpoint(HONEST.request(0, 7))


def test_signatures_of_others_are_left_out_and_a_second_key_may_be_trusted(
    witness: Witness,
) -> None:
    second = Signer(ORIGIN, b"2" * 32)
    note = Note.parse(HONEST.note(7))
    mine = note.signatures[0]
    other = Note.parse(HONEST.note(7, second)).signatures[0]
    both = replace(note, signatures=(other, mine, mine)).serialise()
    witness.add_checkpoint(AddCheckpoint(0, (), both))
    assert Note.parse(witness.checkpoint(DIGEST)).signatures[0] == mine
    assert len(Note.parse(witness.checkpoint(DIGEST)).signatures) == 3
    witness.watch(second.verifier)
    witness.watch(second.verifier)
    witness.add_checkpoint(AddCheckpoint(7, HONEST.proof(7, 9), HONEST.note(9, second)))


def test_extension_lines_of_another_log_are_cosigned(witness: Witness) -> None:
    body = HONEST.checkpoint(4).text() + "an extension\n"
    signed = witness.add_checkpoint(AddCheckpoint(0, (), LOG.sign_note(body).serialise()))
    note = Note(body, tuple(signed)).serialise()
    assert verify_note(note, KNOWN[1:]) == (body, KNOWN[1:])


def test_of_two_histories_at_once_one_is_signed(witness: Witness) -> None:
    """The race of c2sp tlog-witness: check and record are one."""

    def ask(log: Any) -> Any:
        try:
            return witness.add_checkpoint(log.request(0, 20))
        except StaleSize:
            return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [HONEST, FORK] * 8))
    assert sum(answer is not None for answer in answers) == 1


steps = st.tuples(st.sampled_from([HONEST, FORK]), st.integers(0, 40), st.integers(0, 40))


@given(st.lists(steps, max_size=12))
def test_whatever_is_asked_all_that_was_signed_is_one_history(requests: list[Any]) -> None:
    signed: list[Checkpoint] = []
    with TemporaryDirectory() as directory:
        for log, old_size, size in requests:
            low, high = sorted((old_size, size))
            with open_witness(Path(directory)) as witness:  # as after a crash, each time
                try:
                    witness.add_checkpoint(log.request(low, high))
                except (StaleSize, VerificationError):
                    continue
            signed.append(log.checkpoint(high))
    assert any(
        all(log.checkpoint(checkpoint.size) == checkpoint for checkpoint in signed)
        for log in (HONEST, FORK)
    )
    assert [c.size for c in signed] == sorted(c.size for c in signed)


def test_nothing_is_said_that_is_not_on_the_disk(witness: Witness, tmp_path: Path) -> None:
    witness.add_checkpoint(HONEST.request(0, 5))

    def fail(_connection: Any) -> None:
        raise OSError("disk full")

    event.listen(witness._writer, "commit", fail)
    with pytest.raises(OSError, match="disk full"):
        witness.add_checkpoint(HONEST.request(5, 12))
    event.remove(witness._writer, "commit", fail)
    with open_witness(tmp_path) as again:
        assert seen(again)[0] == HONEST.checkpoint(5).text()
        # So the log may still go another way: nobody has our word for the first.
        assert again.add_checkpoint(FORK.request(5, 12))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE heads SET size = 4",
        "UPDATE heads SET root = x'00'",
        "UPDATE heads SET origin = 'other'",
        "UPDATE heads SET digest = zeroblob(32)",
        "DELETE FROM heads",
        "REPLACE INTO heads SELECT origin, zeroblob(32), 0, root, checkpoint FROM heads",
        "REPLACE INTO heads SELECT 'x', digest, 0, root, checkpoint FROM heads",
    ],
)
def test_the_database_refuses_to_forget(witness: Witness, statement: str) -> None:
    witness.add_checkpoint(HONEST.request(0, 5))
    with witness._writer.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text(statement))
    assert witness.add_checkpoint(HONEST.request(5, 6))


def test_keys_are_read_as_written_and_not_shown() -> None:
    keys = WitnessKeys.create("witness.example/w1")
    assert WitnessKeys.parse(keys.document()) == keys
    assert WitnessKeys.create("witness.example/w1") != keys
    assert keys.ed25519.hex() not in repr(keys) + str(keys.public())
    for bad in (
        None,
        {},
        {**keys.document(), "more": 1},
        {**keys.document(), "name": 1},
        {**keys.document(), "name": "a b"},
        {**keys.document(), "ed25519": "00"},
    ):
        with pytest.raises(FormatError):
            WitnessKeys.parse(bad)
