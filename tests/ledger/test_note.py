import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64
from ledger.note import Note, Signature, Signer, Verifier, parse_vkey, verify_note

# The example of Go's golang.org/x/mod/sumdb/note.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
    "RZb6KE6RyyBwJnAM=\n"
)
KNOWN = f"{TEXT}\n{LINE}".encode()

ALICE = Signer("alice.example/key", b"a" * 32)
BOB = Signer("bob.example/key", b"b" * 32)

texts = st.text(
    st.characters(codec="utf-8", exclude_characters=[chr(n) for n in range(32) if n != 10])
).map(lambda text: text + "\n")
names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1).filter(
    lambda name: "+" not in name
)


def spliced(junk: tuple[int, str]) -> str:
    """The known key with junk in it; mostly in place of what was there."""
    place, text = junk
    return VKEY[:place] + text + VKEY[place + len(text) :]


def signed_by(text: str, *signers: Signer) -> Note:
    return Note(text, tuple(signer.sign_note(text).signatures[0] for signer in signers))


def test_a_note_made_elsewhere() -> None:
    verifier = parse_vkey(VKEY)
    assert verify_note(KNOWN, [verifier]) == (TEXT, [verifier])
    assert Note.parse(KNOWN).serialise() == KNOWN
    assert verifier.vkey == VKEY


@given(texts)
def test_what_is_signed_is_verified_and_written_as_read(text: str) -> None:
    data = signed_by(text, ALICE, BOB).serialise()
    assert Note.parse(data).serialise() == data
    assert verify_note(data, [BOB.verifier]) == (text, [BOB.verifier])
    both = [ALICE.verifier, BOB.verifier]
    assert verify_note(data, both) == (text, both)


@given(st.binary() | st.binary().map(lambda junk: KNOWN + junk))
def test_a_note_that_is_read_is_the_one_that_is_written(data: bytes) -> None:
    try:
        note = Note.parse(data)
    except FormatError:
        return
    assert note.serialise() == data


@given(st.integers(0, len(KNOWN) - 1), st.integers(0, 7))
def test_every_flipped_bit_is_noticed(place: int, bit: int) -> None:
    mutated = bytearray(KNOWN)
    mutated[place] ^= 1 << bit
    with pytest.raises((FormatError, VerificationError)):
        verify_note(bytes(mutated), [parse_vkey(VKEY)])


def test_unknown_keys_are_ignored_and_a_known_one_is_needed() -> None:
    data = signed_by(TEXT, ALICE, BOB).serialise()
    namesake = Verifier(ALICE.name, BOB.verifier.public_key)  # same name, another id
    assert verify_note(data, [namesake, BOB.verifier]) == (TEXT, [BOB.verifier])
    for unknown in ([], [namesake], [parse_vkey(VKEY)]):
        with pytest.raises(VerificationError, match="no known key"):
            verify_note(data, unknown)


def test_one_false_signature_of_a_known_key_rejects_the_note() -> None:
    good = signed_by(TEXT, ALICE, BOB)
    false = Signature(ALICE.name, ALICE.verifier.key_id, ALICE.sign(b"another text"))
    both = [ALICE.verifier, BOB.verifier]
    assert verify_note(good.serialise(), both)[0] == TEXT
    for signatures in ((false, good.signatures[1]), (*good.signatures, false)):
        mixed = Note(TEXT, signatures).serialise()
        assert verify_note(mixed, [BOB.verifier])[0] == TEXT  # there, Alice is unknown
        with pytest.raises(VerificationError, match="does not hold"):
            verify_note(mixed, both)


def test_sixteen_signatures_are_accepted_and_a_thousand_are_not() -> None:
    signers = [Signer(f"witness.example/{n}", bytes([n]) * 32) for n in range(16)]
    data = signed_by(TEXT, *signers).serialise()
    assert len(verify_note(data, [signer.verifier for signer in signers])[1]) == 16
    large = [Signature(f"w{n}.example", bytes(4), bytes(5_000)) for n in range(16)]
    post_quantum = Note(TEXT, tuple(large))  # "can be up to nearly 5kB in size"
    assert Note.parse(post_quantum.serialise()) == post_quantum
    with pytest.raises(FormatError, match="too many"):
        Note.parse(data + LINE.encode() * 100)
    with pytest.raises(FormatError, match="too long"):
        Note.parse(data + LINE.encode() * 2_000)


def test_the_last_empty_line_splits() -> None:
    text = "one\n\n— alice.example/key AAAA\n\n\n"
    data = signed_by(text, ALICE).serialise()
    assert verify_note(data, [ALICE.verifier])[0] == text


@pytest.mark.parametrize(
    "mutate",
    [
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("— ", "—  "),
        lambda note: note.replace("— ", "\u2014\u00a0"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.removesuffix("\n"),
        lambda note: note + "\n",
        lambda note: note + "— PeterNeumann\n",
        lambda note: note + "— PeterNeumann AAAA\n",  # an id without a signature
        lambda note: note + "— Peter+Neumann AAAAAAAA\n",
        lambda note: note + "— Peter\x01Neumann AAAAAAAA\n",
        lambda note: note + "— PeterNeumann AAAAAAB=\n",  # unused bits
        lambda note: note + "— PeterNeumann AAAAAAA\n",  # no padding
        lambda note: note + "— PeterNeumann AAAA-AAA\n",
        lambda note: note + "junk\n",
        lambda note: note.replace("problem", "prob\x00lem"),
        lambda note: note.replace("problem", "prob\tlem"),
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note[:0],
        lambda note: note[:0] + "\n\n",
    ],
)
def test_what_is_not_quite_a_note(mutate) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    assert Note.parse(KNOWN).text == TEXT
    with pytest.raises(FormatError):
        Note.parse(mutate(KNOWN.decode()).encode())


def test_a_note_is_utf8() -> None:
    assert Note.parse(KNOWN).text == TEXT
    with pytest.raises(FormatError, match="UTF-8"):
        Note.parse(b"\xff" + KNOWN)


@given(names, st.binary(min_size=32, max_size=32))
def test_verifier_keys_are_read_as_written(name: str, private_key: bytes) -> None:
    verifier = Signer(name, private_key).verifier
    assert parse_vkey(verifier.vkey) == verifier


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("c74f20a3", "C74F20A3"),
        VKEY.replace("Peter", "Pieter"),  # the id is of the name too
        VKEY.replace("Peter", "Peter "),
        VKEY.removesuffix("W"),
        VKEY + "=",
        VKEY + "\n",
        VKEY.replace("+ARp", "+BBp"),  # type 04
        "PeterNeumann+00000000+",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_not_quite_a_verifier_key(vkey: str) -> None:
    assert parse_vkey(VKEY).vkey == VKEY
    with pytest.raises(FormatError):
        parse_vkey(vkey)


@given(st.text() | st.tuples(st.integers(0, len(VKEY)), st.text(max_size=3)).map(spliced))
def test_a_verifier_key_that_is_read_is_the_one_that_is_written(vkey: str) -> None:
    try:
        verifier = parse_vkey(vkey)
    except FormatError:
        return
    assert verifier.vkey == vkey


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_private_key_has_32_bytes(size: int) -> None:
    assert Signer("name", bytes(32)).name == "name"
    with pytest.raises(FormatError):
        Signer("name", bytes(size))
    with pytest.raises(FormatError):
        parse_vkey("name+00000000+" + encode_base64(b"\x01" + bytes(size)))
