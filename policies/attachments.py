"""Attachments: what buyer and merchant write to each other, encrypted and kept off the log.

HPKE (RFC 9180) in base mode with X25519, HKDF-SHA256 and ChaCha20-Poly1305: the encapsulated key,
then the ciphertext. The context string binds an attachment to its claim and its reader, so that
none can be shown in another place. The log has the SHA-256 of the attachment only.
"""

from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from commitments.errors import FormatError, VerificationError
from commitments.wire import lp, parse_hex

__all__ = [
    "LARGEST_ATTACHMENT",
    "SMALLEST_ATTACHMENT",
    "attachment_digest",
    "open_attachment",
    "parse_contact_key",
    "seal_attachment",
]

LARGEST_ATTACHMENT = 1 << 21
"""Bytes of an attachment: a photograph of four megapixels."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_DOMAIN = b"kvitto-attachment/v1"
_KEY_SIZE = 32
_P = 2**255 - 19
_ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
_SMALL_ORDER = {0, 1, _P - 1, *_ORDER_8}
"""u of the points of small order, of the curve and its twist: all secrets are 0 (RFC 7748, 6.1)."""
_OVERHEAD = _KEY_SIZE + 16  # the encapsulated key and the tag of Poly1305
SMALLEST_ATTACHMENT = _OVERHEAD + 1
"""Bytes of an attachment that says one byte."""


def parse_contact_key(text: str, field: str) -> X25519PublicKey:
    """An X25519 public key in hex; ``FormatError`` for one under which nothing is secret."""
    encoded = parse_hex(text, field, _KEY_SIZE)
    if int.from_bytes(encoded, "little") % 2**255 % _P in _SMALL_ORDER:
        raise FormatError("not a key that can keep a secret", field)
    return X25519PublicKey.from_public_bytes(encoded)


def seal_attachment(content: bytes, claim_id: str, reader: str) -> bytes:
    """Encrypt ``content`` about a claim to the X25519 key ``reader``, in hex.

    ``FormatError`` for a key that is none, or for content that is empty or makes more than
    :data:`LARGEST_ATTACHMENT` bytes.
    """
    if not 0 < len(content) <= LARGEST_ATTACHMENT - _OVERHEAD:
        raise FormatError("empty, or too large", "attachment")
    key = parse_contact_key(reader, "contact_key")
    return _SUITE.encrypt(content, key, _info(claim_id, reader))


def open_attachment(attachment: bytes, claim_id: str, key: X25519PrivateKey) -> bytes:
    """What an attachment says to who has ``key``.

    ``VerificationError`` for one that was encrypted to another key, that is about another claim,
    or that has been changed.
    """
    reader = key.public_key().public_bytes_raw().hex()
    try:
        return _SUITE.decrypt(attachment, key, _info(claim_id, reader))
    except (InvalidTag, ValueError):
        raise VerificationError("the attachment does not open", "attachment") from None


def attachment_digest(attachment: bytes) -> str:
    """What the log says of an attachment: its SHA-256, in hex."""
    return sha256(attachment).hexdigest()


def _info(claim_id: str, reader: str) -> bytes:
    return lp(_DOMAIN) + lp(claim_id.encode("ascii")) + lp(bytes.fromhex(reader))
