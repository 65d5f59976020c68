from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import Ed25519Cosigner, MlDsaCosigner
from ledger.merkle import build_inclusion, leaf_hash, root_of
from ledger.note import Note, Signer
from ledger.quorum import parse_quorum
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from tests.ledger.memory_log import LeafReader

SIGNER = Signer("ledger.example/acme/events", b"k" * 32)
ENTRIES = [f"entry {n}".encode() for n in range(11)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
CHECKPOINT = Checkpoint(SIGNER.name, len(ENTRIES), root_of(LEAVES))


def proof_of(index: int, extra: bytes = b"") -> TlogProof:
    hashes = build_inclusion(LeafReader(LEAVES), index, len(LEAVES))
    return TlogProof(index, tuple(hashes), sign(CHECKPOINT, SIGNER), extra)


GOOD = proof_of(7, b"extra")
TEXT = GOOD.serialise().decode()


@pytest.mark.parametrize("index", range(len(ENTRIES)))
@pytest.mark.parametrize("extra", [b"", b"\x00\xff"])
def test_a_proof_that_was_sent_verifies(index: int, extra: bytes) -> None:
    proof = TlogProof.parse(proof_of(index, extra).serialise())
    assert proof == proof_of(index, extra)
    assert verify_tlog_proof(proof, ENTRIES[index], SIGNER.verifier) == CHECKPOINT


def test_the_form_is_that_of_the_specification() -> None:
    lines = TEXT.split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 7"]
    assert lines[3 : 3 + len(GOOD.hashes) + 2][-2:] == ["", SIGNER.name]


hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63)


@given(st.integers(0, 2**63 - 1), hashes, st.binary(), st.binary(max_size=50))
def test_proofs_are_read_as_written(
    index: int, path: list[bytes], checkpoint: bytes, extra: bytes
) -> None:
    proof = TlogProof(index, tuple(path), checkpoint, extra)
    assert TlogProof.parse(proof.serialise()) == proof


@given(st.binary() | st.binary().map(lambda junk: TEXT.encode()[:60] + junk))
def test_a_proof_that_is_read_is_the_one_that_is_written(data: bytes) -> None:
    try:
        proof = TlogProof.parse(data)
    except FormatError:
        return
    assert proof.serialise() == data


@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(0, 7))
def test_every_flipped_bit_is_noticed(place: int, bit: int) -> None:
    data = TEXT.encode()
    mutated = bytearray(data)
    mutated[place] ^= 1 << bit
    try:
        proof = TlogProof.parse(bytes(mutated))
        verify_tlog_proof(proof, ENTRIES[7], SIGNER.verifier)
    except (FormatError, VerificationError):
        return
    assert proof == replace(GOOD, extra=proof.extra)  # nothing authenticates extra data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("index 7", "index 07"),
        ("index 7", "index +7"),
        ("index 7", "index  7"),
        ("index 7", "index 7 "),
        ("index 7", "index 1_0"),
        ("index 7", "index \u0667"),
        ("index 7", "Index 7"),
        ("index 7\n", ""),
        ("index 7\n", "index 7\nindex 7\n"),
        ("extra ZXh0cmE=", "extra "),
        ("extra ZXh0cmE=", "extra ZXh0cmE"),
        ("extra ZXh0cmE=", "extra ZXh0cmF="),
        ("extra ZXh0cmE=", "extra ZXh0 cmE="),
        ("=\n\n", "=\r\n\r\n"),
        ("\n\n", "\n"),
    ],
)
def test_other_spellings_are_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(FormatError):
        TlogProof.parse(TEXT.replace(old, new).encode())


def test_the_entry_its_place_and_the_log_are_what_is_proven() -> None:
    assert verify_tlog_proof(GOOD, ENTRIES[7], SIGNER.verifier) == CHECKPOINT
    with pytest.raises(VerificationError, match="another root"):
        verify_tlog_proof(GOOD, ENTRIES[6], SIGNER.verifier)
    with pytest.raises(VerificationError):
        verify_tlog_proof(replace(GOOD, index=6), ENTRIES[7], SIGNER.verifier)
    stranger = Signer(SIGNER.name, b"s" * 32)
    with pytest.raises(VerificationError, match="no known key"):
        verify_tlog_proof(GOOD, ENTRIES[7], stranger.verifier)


@pytest.mark.parametrize("cosigner", [Ed25519Cosigner, MlDsaCosigner])
def test_a_policy_decides_about_the_checkpoint(
    cosigner: type[Ed25519Cosigner] | type[MlDsaCosigner],
) -> None:
    witness = cosigner("witness.example/w1", b"w" * 32)
    policy = parse_quorum(f"witness w {witness.verifier.vkey}\nquorum w\n".encode())
    note = Note.parse(GOOD.checkpoint)
    signatures = (*note.signatures, witness.cosign(note.text, 1_700_000_000))
    cosigned = replace(GOOD, checkpoint=Note(note.text, signatures).serialise())
    read = TlogProof.parse(cosigned.serialise())
    assert verify_tlog_proof(read, ENTRIES[7], SIGNER.verifier, policy=policy) == CHECKPOINT
    with pytest.raises(VerificationError, match="quorum"):
        verify_tlog_proof(GOOD, ENTRIES[7], SIGNER.verifier, policy=policy)
