import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.mailbox import check_delete_key, sign_deletion, verify_deletion

ORIGIN = "ledger.example/acme"
ADDRESS = bytes(range(32))
KEY = b"d" * 32
PUBLIC = Ed25519PrivateKey.from_private_bytes(KEY).public_key().public_bytes_raw()
SIGNATURE = sign_deletion(ORIGIN, ADDRESS, KEY)


def test_what_is_signed_is_what_the_protocol_says() -> None:
    message = b"kvitto-mailbox-delete/v1" + b"\x13\0\0\0" + b"ledger.example/acme" + ADDRESS
    assert Ed25519PrivateKey.from_private_bytes(KEY).sign(message) == SIGNATURE
    verify_deletion(ORIGIN, ADDRESS, PUBLIC, SIGNATURE)


@given(bit=st.integers(0, 8 * (64 + 32 + 32) - 1))
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    whole = bytearray(SIGNATURE + ADDRESS + PUBLIC)
    whole[bit // 8] ^= 1 << bit % 8
    signature, address, public = bytes(whole[:64]), bytes(whole[64:96]), bytes(whole[96:])
    with pytest.raises(VerificationError):
        verify_deletion(ORIGIN, address, public, signature)


@pytest.mark.parametrize("origin", ["ledger.example/acm", "ledger.example/acme/events", ""])
def test_a_deletion_is_for_one_log(origin: str) -> None:
    with pytest.raises(VerificationError):
        verify_deletion(origin, ADDRESS, PUBLIC, SIGNATURE)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_none(size: int) -> None:
    check_delete_key(bytes(32))
    with pytest.raises(FormatError):
        check_delete_key(bytes(size))
