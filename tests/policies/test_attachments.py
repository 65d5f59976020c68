import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from policies.attachments import (
    LARGEST_ATTACHMENT,
    attachment_digest,
    open_attachment,
    parse_contact_key,
    seal_attachment,
)

CLAIM = "ab" * 32
KEY = X25519PrivateKey.from_private_bytes(b"k" * 32)
READER = KEY.public_key().public_bytes_raw().hex()
SEALED = seal_attachment(b"the handle came off", CLAIM, READER)
# RFC 7748, 6.1 asks to look for the result zero, which these points of low order give.
LOW_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def test_its_reader_opens_it() -> None:
    assert open_attachment(SEALED, CLAIM, KEY) == b"the handle came off"


def test_one_that_was_sealed_in_2026_opens() -> None:
    sealed = (
        "ba361ed72d336b0d616265b33ee6bbfbe0ae2619b7662cf805cfeeed82601538b28415dc7a4364bbfbd663c4"
        "19cfc21c00662aec3c62a636cfe9c06811b9fb2c6fa260"
    )
    assert open_attachment(bytes.fromhex(sealed), CLAIM, KEY) == b"the handle came off"


def test_two_of_the_same_content_look_different() -> None:
    again = seal_attachment(b"the handle came off", CLAIM, READER)
    assert attachment_digest(again) != attachment_digest(SEALED)


def test_it_does_not_open_as_one_of_another_claim() -> None:
    with pytest.raises(VerificationError):
        open_attachment(SEALED, "cd" * 32, KEY)


def test_nobody_else_opens_it() -> None:
    with pytest.raises(VerificationError):
        open_attachment(SEALED, CLAIM, X25519PrivateKey.generate())


@given(st.integers(0, 8 * len(SEALED) - 1))
def test_a_changed_one_does_not_open(bit: int) -> None:
    # The highest bit of an X25519 key is ignored (RFC 7748, 5); HPKE binds it by its context.
    changed = bytearray(SEALED)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VerificationError):
        open_attachment(bytes(changed), CLAIM, KEY)


@given(st.integers(0, len(SEALED) - 1))
def test_a_shortened_one_does_not_open(length: int) -> None:
    with pytest.raises(VerificationError):
        open_attachment(SEALED[:length], CLAIM, KEY)


@pytest.mark.parametrize("text", [*LOW_ORDER, "00" * 31, "AB" * 32, ""])
def test_refuses_a_key_that_keeps_no_secret(text: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_contact_key(text, "contact_key")
    assert refused.value.field == "contact_key"


def test_the_largest_is_bounded() -> None:
    largest = LARGEST_ATTACHMENT - 48
    assert len(seal_attachment(bytes(largest), CLAIM, READER)) == LARGEST_ATTACHMENT
    for size in (0, largest + 1):
        with pytest.raises(FormatError):
            seal_attachment(bytes(size), CLAIM, READER)
