from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import (
    Cosigner,
    Ed25519Cosigner,
    Ed25519CosignerKey,
    MlDsaCosigner,
    MlDsaCosignerKey,
    parse_cosigner,
)
from ledger.merkle import EMPTY_ROOT
from ledger.note import Note, NoteVerifier, Signature, Signer, parse_vkey, verify_note

LOG = Signer("ledger.example/acme", b"l" * 32)
CHECKPOINT = Checkpoint(LOG.name, 20852163, bytes(range(32)))
TEXT = CHECKPOINT.text()
TIME = 1679315147
NAME = "witness.example/w1"
ED25519 = Ed25519Cosigner(NAME, b"e" * 32)
ML_DSA = MlDsaCosigner(NAME, b"m" * 32)
BOTH: list[Cosigner] = [ED25519, ML_DSA]

# The example of c2sp tlog-cosignature; its key is given there by the key's id only.
EXAMPLE_LINE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2"
    "oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)


def cosigned(*cosigners: Cosigner, text: str = TEXT) -> bytes:
    note = LOG.sign_note(text)
    added = tuple(cosigner.cosign(text, TIME) for cosigner in cosigners)
    return Note(text, (*note.signatures, *added)).serialise()


@pytest.mark.parametrize("cosigner", BOTH)
@given(time=st.integers(0, 2**63 - 1), size=st.integers(0, 2**63 - 1))
def test_what_is_cosigned_is_verified(cosigner: Cosigner, time: int, size: int) -> None:
    text = Checkpoint(LOG.name, size, EMPTY_ROOT).text()
    signature = cosigner.cosign(text, time)
    note = Note(text, (signature,)).serialise()
    assert verify_note(note, [cosigner.verifier]) == (text, [cosigner.verifier])
    assert int.from_bytes(signature.signature[:8], "big") == time


def test_all_signatures_of_a_checkpoint_verify_together() -> None:
    known: list[NoteVerifier] = [LOG.verifier, ED25519.verifier, ML_DSA.verifier]
    assert verify_note(cosigned(ED25519, ML_DSA), known) == (TEXT, known)


def test_the_form_is_that_of_the_specification() -> None:
    example = Signature.parse(EXAMPLE_LINE)
    ours = ED25519.cosign(TEXT, TIME)
    assert len(example.signature) == len(ours.signature) == 8 + 64
    assert int.from_bytes(example.signature[:8], "big") == TIME
    assert ours.signature[:8] == example.signature[:8]
    message = f"cosignature/v1\ntime {TIME}\n{TEXT}".encode()
    Signer(NAME, b"e" * 32).verifier.verify(message, ours.signature[8:])
    assert len(ML_DSA.cosign(TEXT, TIME).signature) == 8 + 2420


@pytest.mark.parametrize("cosigner", BOTH)
def test_keys_are_read_as_written_and_are_no_keys_of_logs(cosigner: Cosigner) -> None:
    key = cosigner.verifier
    assert parse_cosigner(key.vkey) == key
    with pytest.raises(FormatError):
        parse_vkey(key.vkey)
    with pytest.raises(FormatError):
        parse_cosigner(LOG.verifier.vkey)


@given(st.text() | st.text().map(lambda junk: ED25519.verifier.vkey[:-3] + junk))
def test_a_key_that_is_read_is_the_one_that_is_written(text: str) -> None:
    try:
        key = parse_cosigner(text)
    except FormatError:
        return
    assert key.vkey == text


@pytest.mark.parametrize("cosigner", BOTH)
@given(data=st.data())
def test_every_flipped_bit_is_noticed(cosigner: Cosigner, data: st.DataObject) -> None:
    good = cosigner.cosign(TEXT, TIME)
    place = data.draw(st.integers(0, len(good.signature) - 1))
    mutated = bytearray(good.signature)
    mutated[place] ^= 1 << data.draw(st.integers(0, 7))
    cosigner.verifier.verify(TEXT.encode(), good.signature)
    with pytest.raises(VerificationError):
        cosigner.verifier.verify(TEXT.encode(), bytes(mutated))


@pytest.mark.parametrize("cosigner", BOTH)
def test_a_cosignature_is_of_one_checkpoint(cosigner: Cosigner) -> None:
    signature = cosigner.cosign(TEXT, TIME).signature
    cosigner.verifier.verify(TEXT.encode(), signature)
    for other in (
        replace(CHECKPOINT, size=CHECKPOINT.size - 1),
        replace(CHECKPOINT, root=EMPTY_ROOT),
        replace(CHECKPOINT, origin=LOG.name + "2"),
    ):
        with pytest.raises(VerificationError):
            cosigner.verifier.verify(other.text().encode(), signature)
    for cut in (b"", signature[:7], signature[:-1], signature + b"\0"):
        with pytest.raises(VerificationError):
            cosigner.verifier.verify(TEXT.encode(), cut)


def test_an_ml_dsa_cosignature_is_of_one_name_and_of_the_three_lines_alone() -> None:
    signature = ML_DSA.cosign(TEXT, TIME).signature
    extended = f"{TEXT}an extension line\n".encode()
    ML_DSA.verifier.verify(extended, signature)
    namesake = replace(ML_DSA.verifier, name="witness.example/w2")
    with pytest.raises(VerificationError):
        namesake.verify(TEXT.encode(), signature)
    with pytest.raises(VerificationError):  # while Ed25519 signs all of the note
        ED25519.verifier.verify(extended, ED25519.cosign(TEXT, TIME).signature)


@pytest.mark.parametrize(
    "text", ["", "three\nlines\nonly", "a\n1\n\n", "a\n01\n" + "A" * 43 + "=\n", TEXT + "\n"]
)
def test_nothing_but_a_checkpoint_is_cosigned_with_ml_dsa(text: str) -> None:
    with pytest.raises(FormatError):
        ML_DSA.cosign(text, TIME)


@pytest.mark.parametrize("cosigner", BOTH)
@given(junk=st.binary(), kept=st.integers(0, 2_428))
def test_other_bytes_are_no_cosignature(cosigner: Cosigner, junk: bytes, kept: int) -> None:
    good = cosigner.cosign(TEXT, TIME).signature
    for bad in (junk, good[:kept] + junk):
        if bad != good:
            with pytest.raises(VerificationError):
                cosigner.verifier.verify(TEXT.encode(), bad)


def test_a_time_of_a_future_too_far_is_refused() -> None:
    # A signature that holds over a time that no time can be.
    late = (1 << 63).to_bytes(8, "big")
    message = f"cosignature/v1\ntime {1 << 63}\n{TEXT}".encode()
    with pytest.raises(VerificationError, match="not a time"):
        ED25519.verifier.verify(TEXT.encode(), late + Signer(NAME, b"e" * 32).sign(message))


@pytest.mark.parametrize("key", [b"", b"k" * 31, b"k" * 33])
def test_keys_of_another_length_are_refused(key: bytes) -> None:
    for make in (Ed25519Cosigner, MlDsaCosigner, Ed25519CosignerKey, MlDsaCosignerKey):
        with pytest.raises(FormatError):
            make(NAME, key)


def test_a_name_that_no_signed_message_can_hold_is_refused() -> None:
    MlDsaCosigner("n" * 255, b"m" * 32)
    with pytest.raises(FormatError):
        MlDsaCosigner("n" * 256, b"m" * 32)


def test_a_witness_does_not_speak_for_the_log() -> None:
    """Nor does the log for a witness, though both keys may be the same 32 bytes."""
    same = Ed25519Cosigner(LOG.name, b"l" * 32)
    note = Note(TEXT, (same.cosign(TEXT, TIME),)).serialise()
    with pytest.raises(VerificationError, match="no known key"):
        verify_note(note, [LOG.verifier])
    with pytest.raises(VerificationError, match="no known key"):
        verify_note(sign(CHECKPOINT, LOG), [same.verifier])
