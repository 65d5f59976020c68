"""What wallet and service must agree on about boxes of the mailbox (docs/protocol.md 3, *Mailbox*).

A box lies under an address that nobody can guess, and belongs to whoever can sign its deletion.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from commitments.errors import FormatError, VerificationError
from commitments.wire import lp

__all__ = [
    "ADDRESS_BYTES",
    "BOX_BYTES",
    "DELETE_KEY_BYTES",
    "LOOKUP_BOXES",
    "SIGNATURE_BYTES",
    "check_delete_key",
    "sign_deletion",
    "verify_deletion",
]

ADDRESS_BYTES = 32
DELETE_KEY_BYTES = 32  # Ed25519 (RFC 8032), as its signatures
SIGNATURE_BYTES = 64
BOX_BYTES = 4096
"""The one size of a box, so that sizes tell nothing.

An order reference and the texts of a sale, 200 characters each, take at most 3,200 bytes.
"""
LOOKUP_BOXES = 32
"""How many addresses each lookup names, so that their number tells nothing."""

_DOMAIN = b"kvitto-mailbox-delete/v1"


def check_delete_key(public_key: bytes) -> None:
    """``FormatError`` unless these are the 32 bytes of an Ed25519 public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        raise FormatError("not an Ed25519 public key", "delete_key") from None


def sign_deletion(origin: str, address: bytes, private_key: bytes) -> bytes:
    """The signature (64 bytes) by which ``private_key`` (32 bytes) deletes the box."""
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    return key.sign(_deletion(origin, address))


def verify_deletion(origin: str, address: bytes, public_key: bytes, signature: bytes) -> None:
    """``VerificationError`` unless the box's key has signed its deletion."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(signature, _deletion(origin, address))
    except (InvalidSignature, ValueError):
        raise VerificationError("not signed by the key of this box", "signature") from None


def _deletion(origin: str, address: bytes) -> bytes:
    return _DOMAIN + lp(origin.encode("ascii")) + address
