"""A witness changes its keys, whatever happens to it meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from commitments.errors import FormatError, Refused, VerificationError
from ledger.handover import NO_HANDOVERS
from ledger.note import Signature, Verifier, verify_note
from ledger.seeding import PeriodEnd, SignedEnd
from tests.witness.world import HONEST, KEYS, LOG, NOW, ORIGIN, open_witness
from witness.keys import WitnessKeys
from witness.service import KeysReplaced, Witness


class KeysFile:
    """Where the keys are kept; it may fail, before or after it has kept them."""

    def __init__(self) -> None:
        self.kept = KEYS
        self.fails: str | None = None

    def __call__(self, keys: WitnessKeys) -> None:
        if self.fails == "before":
            raise OSError("killed")
        self.kept = WitnessKeys.parse(keys.document())
        if self.fails == "after":
            raise OSError("killed")


def reopened(directory: Path, keys: WitnessKeys) -> Witness:
    witness = Witness(f"sqlite:///{directory}/witness.db", keys, lambda: NOW)
    witness.watch(LOG.verifier)
    witness.sign_seeds(ORIGIN, "manual")
    return witness


def cosigned(witness: Witness, old: int, new: int) -> list[Signature]:
    return witness.add_checkpoint(HONEST.request(old, new))


def by(keys: WitnessKeys, size: int, signatures: list[Signature]) -> bool:
    """Whether all newest keys of ``keys`` have signed, and rightly."""
    note = HONEST.note(size) + "".join(s.line() for s in signatures).encode()
    wanted = [cosigner.verifier for cosigner in keys.retired().cosigners]
    return verify_note(note, wanted)[1] == wanted


def signed_period(witness: Witness, period: int, size: int = 7) -> bytes:
    end = PeriodEnd(ORIGIN, period, size, b"r" * 32)
    return witness.sign_seed(LOG.sign_note(end.text()).serialise()).signature


def test_old_and_new_keys_cosign_until_the_old_ones_are_retired(tmp_path: Path) -> None:
    file = KeysFile()
    with reopened(tmp_path, KEYS) as witness:
        assert len(cosigned(witness, 0, 5)) == 2
        witness.rotate_keys(file)
        both = cosigned(witness, 5, 6)
        assert len(both) == 4
        assert by(KEYS, 6, both)
        assert by(file.kept, 6, both)
        assert witness.public() == file.kept.public() != KEYS.public()
        witness.retire_keys(file)
        assert by(file.kept, 7, cosigned(witness, 6, 7))
    with reopened(tmp_path, file.kept) as witness:  # and after a restart
        assert file.kept.older is None
        assert len(cosigned(witness, 7, 8)) == 2


def test_the_handovers_lead_from_every_key_to_the_present_one_for_ever(tmp_path: Path) -> None:
    file, generations = KeysFile(), [KEYS]
    for _ in range(3):
        with reopened(tmp_path, file.kept) as witness:
            witness.rotate_keys(file)
            witness.retire_keys(file)
            generations.append(file.kept)
    with reopened(tmp_path, file.kept) as witness:
        shown = witness.handovers()
    known = NO_HANDOVERS
    for handover in shown:
        known = known.after(handover)
    for kind in range(3):
        keys = [keys.signers[kind].verifier for keys in generations]
        assert known.chain(keys[0]) == tuple(keys)


def test_one_generation_waits_at_a_time(tmp_path: Path) -> None:
    file = KeysFile()
    with reopened(tmp_path, KEYS) as witness:
        with pytest.raises(Refused) as only:
            witness.retire_keys(file)
        witness.rotate_keys(file)
        with pytest.raises(Refused) as waits:
            witness.rotate_keys(file)
    assert (only.value.code, waits.value.code) == ("only-keys", "keys-not-retired")


# ---- seeds


def test_a_period_is_signed_once_whichever_key(tmp_path: Path) -> None:
    """Alternating the keys would give a merchant a second try."""
    file = KeysFile()
    old = KEYS.seed_signer.verifier
    with reopened(tmp_path, KEYS) as witness:
        first = signed_period(witness, 0)
        witness.rotate_keys(file)
        new = file.kept.seed_signer.verifier
        assert signed_period(witness, 0) == first == signed_period(witness, 0, 8)
        old.verify(PeriodEnd(ORIGIN, 0, 7, b"r" * 32).message(), first)
        second = signed_period(witness, 1)
        new.verify(PeriodEnd(ORIGIN, 1, 7, b"r" * 32).message(), second)
        with pytest.raises(VerificationError):
            old.verify(PeriodEnd(ORIGIN, 1, 7, b"r" * 32).message(), second)
        witness.retire_keys(file)
        assert [signed_period(witness, n) for n in (0, 1)] == [first, second]
        assert [s.signature for s in witness.seeds(sha256(ORIGIN.encode()).digest(), 0)] == [
            first,
            second,
        ]


def test_a_process_with_old_keys_signs_no_new_period(tmp_path: Path) -> None:
    """It was not restarted: readers would see the seeds go back to the old key."""
    file = KeysFile()
    with reopened(tmp_path, KEYS) as running:
        first = signed_period(running, 0)
        with reopened(tmp_path, KEYS) as command:
            command.rotate_keys(file)
        with pytest.raises(KeysReplaced):
            signed_period(running, 1)
        assert signed_period(running, 0) == first
        assert by(KEYS, 5, cosigned(running, 0, 5))
        with reopened(tmp_path, file.kept) as restarted:
            signed_period(restarted, 1)


def test_a_process_with_old_keys_does_not_show_who_follows_them(tmp_path: Path) -> None:
    """A log may ask at any time, and its readers would want the new keys from then on."""
    file = KeysFile()
    with reopened(tmp_path, KEYS) as running:
        with reopened(tmp_path, KEYS) as command:
            command.rotate_keys(file)
            assert len(command.handovers()) == 3
        assert running.handovers() == []
        assert by(KEYS, 5, cosigned(running, 0, 5))
    with reopened(tmp_path, file.kept) as restarted:
        assert [h.old.name for h in restarted.handovers()] == [KEYS.name] * 3
        assert by(file.kept, 6, cosigned(restarted, 5, 6))


STEPS = st.lists(
    st.sampled_from(["rotate", "crash", "retire", "restart"]) | st.integers(5, 9), max_size=20
)


@pytest.mark.hypothesis
@given(STEPS)
def test_whatever_happens_a_period_has_one_seed_and_keys_move_forward(
    steps: list[str | int],
) -> None:
    """A number asks for a close of that size, of the next period and of one before it."""
    file, periods, seen = KeysFile(), 0, dict[int, bytes]()
    with TemporaryDirectory() as home:
        witness = reopened(Path(home), KEYS)
        for step in steps:
            if isinstance(step, int):
                for period in (periods, periods // 2):
                    signed = signed_period(witness, period, step)
                    assert seen.setdefault(period, signed) == signed
                periods += 1
                continue
            file.fails = "after" if step == "crash" else None
            change = witness.retire_keys if step == "retire" else witness.rotate_keys
            with suppress(Refused, OSError):
                if step != "restart":
                    change(file)
            witness.close()
            witness = reopened(Path(home), file.kept)
        chain = NO_HANDOVERS
        for handover in witness.handovers():
            chain = chain.after(handover)
        keys = list(chain.chain(KEYS.seed_signer.verifier))
        for signed_end in witness.seeds(sha256(ORIGIN.encode()).digest(), 0):
            while not is_by(keys[0], signed_end):  # never back to one that was left
                keys.pop(0)
        witness.close()


def is_by(key: Verifier, signed: SignedEnd) -> bool:
    try:
        signed.verify(key)
    except VerificationError:
        return False
    return True


# ---- crashes, and two at once


@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_crash_between_the_new_keys_and_the_answer(tmp_path: Path, fails: str) -> None:
    file = KeysFile()
    file.fails = fails
    with reopened(tmp_path, KEYS) as witness, pytest.raises(OSError, match="killed"):
        witness.rotate_keys(file)
    with reopened(tmp_path, file.kept) as witness:
        handovers = witness.handovers()
        signatures = cosigned(witness, 0, 5)
        assert by(KEYS, 5, signatures)
    if fails == "before":
        assert (file.kept, handovers, len(signatures)) == (KEYS, [], 2)
    else:
        assert file.kept.older == KEYS
        assert by(file.kept, 5, signatures)
        assert [h.new for h in handovers] == [s.verifier for s in file.kept.signers]


def test_a_crash_that_lost_the_answer_leaves_no_second_successor(tmp_path: Path) -> None:
    """The command was killed, and is given again, while a service still has the old keys."""
    file, lost = KeysFile(), KeysFile()
    lost.fails = "after"
    with reopened(tmp_path, KEYS) as first, reopened(tmp_path, KEYS) as second:
        with pytest.raises(OSError, match="killed"):
            first.rotate_keys(lost)
        second.rotate_keys(file)  # in the place of what the first has written
        with pytest.raises(KeysReplaced):
            reopened(tmp_path, lost.kept)
        assert len(second.handovers()) == 3
    with reopened(tmp_path, file.kept) as witness:
        assert len(cosigned(witness, 0, 5)) == 4


def test_two_commands_at_once_make_one_successor(tmp_path: Path) -> None:
    file, late = KeysFile(), KeysFile()
    with reopened(tmp_path, KEYS) as first, reopened(tmp_path, KEYS) as second:
        first.rotate_keys(file)
        with pytest.raises(KeysReplaced):
            second.rotate_keys(late)
        first.retire_keys(file)
        first.rotate_keys(file)
    assert late.kept == KEYS
    with reopened(tmp_path, file.kept) as witness:
        assert len(witness.handovers()) == 6


def test_an_old_copy_of_the_keys_is_not_used(tmp_path: Path) -> None:
    """It could name a second successor of each."""
    file = KeysFile()
    with reopened(tmp_path, KEYS) as witness:
        witness.rotate_keys(file)
        both = file.kept
        witness.retire_keys(file)
        witness.rotate_keys(file)
    for old in (KEYS, both, both.retired(), KEYS.rotated()):
        with pytest.raises(KeysReplaced):
            reopened(tmp_path, old)
    reopened(tmp_path, file.kept).close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE handovers SET next_vkey = 'x'",
        "DELETE FROM handovers",
        "REPLACE INTO handovers SELECT number, 'x', 'y', 's', 't' FROM handovers LIMIT 1",
        "REPLACE INTO handovers SELECT 9, vkey, 'y', 's', 't' FROM handovers LIMIT 1",
        "REPLACE INTO handovers SELECT 9, 'x', next_vkey, 's', 't' FROM handovers LIMIT 1",
    ],
)
def test_the_database_refuses_another_successor(tmp_path: Path, statement: str) -> None:
    with open_witness(tmp_path) as witness:
        witness.rotate_keys(KeysFile())
        with witness._writer.begin() as connection, pytest.raises(IntegrityError):
            connection.execute(text(statement))
        assert len(witness.handovers()) == 3


def test_a_database_of_before_gets_what_is_missing(tmp_path: Path) -> None:
    with open_witness(tmp_path) as witness, witness._writer.begin() as connection:
        connection.execute(text("DROP TABLE handovers"))
    with open_witness(tmp_path) as witness:
        assert witness.handovers() == []


# ---- the file


def test_keys_of_before_are_read_and_both_generations_kept() -> None:
    before = KEYS.document()
    assert set(before) == {"name", "ed25519", "ml_dsa_44", "seeds"}
    rotated = KEYS.rotated()
    assert WitnessKeys.parse(before) == KEYS
    assert WitnessKeys.parse(rotated.document()) == rotated
    assert rotated.retired().older is None
    assert rotated.older == KEYS
    assert KEYS.seeds.hex() not in repr(rotated) + str(rotated.public())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: {**good, "older": None},
        lambda good: {**good, "older": {**good["older"], "older": good["older"]}},
        lambda good: {**good, "older": {**good["older"], "name": "another"}},
        lambda good: {**good, "older": {**good["older"], "seeds": "00"}},
        lambda good: {**good, "elder": 1},
    ],
)
def test_junk_instead_of_older_keys_is_refused(spoil: Callable[[Any], Any]) -> None:
    good = replace(KEYS, older=WitnessKeys.create(KEYS.name)).document()
    assert WitnessKeys.parse(good).document() == good
    with pytest.raises(FormatError):
        WitnessKeys.parse(spoil(good))
