"""One-time codes for sales whose buyer was not there to ask (docs/protocol.md 4, entry ``0x04``).

The sale is recorded at once, under keys derived from the code; whoever holds the slip with the
code redeems it later for an ordinary purchase of their own. Only the code's hash is stored, and the
sale, which the merchant knows anyway.
"""

import secrets
from base64 import b32encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from commitments.group import Group
from commitments.purchase import BuyerKeys
from commitments.wire import lp

__all__ = ["Slip", "code_hash", "new_code", "slip_keys"]

_CODE_BYTES = 15  # 120 bits; 24 letters and digits on paper
_GROUP = 4  # characters between hyphens
_WIDE_SCALAR = 48


@dataclass(frozen=True)
class Slip:
    """A recorded sale without a buyer: its index in the purchase log and the one-time code."""

    index: int
    code: str

    def __repr__(self) -> str:
        return f"Slip(index={self.index}, code=…)"


def new_code() -> str:
    """A fresh code such as ``ABCD-EFGH-…``, in the base32 alphabet."""
    text = b32encode(secrets.token_bytes(_CODE_BYTES)).decode("ascii")
    return "-".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP))


def code_hash(code: str) -> bytes:
    """What is stored of a code."""
    return sha256(b"kvitto-slip/v1" + code.encode("utf-8")).digest()


def slip_keys(group: Group, origin: str, code: str) -> BuyerKeys:
    """The keys inside the ``0x04`` commitment, so that the slip's holder can open it."""
    derived = HKDF(SHA256(), 3 * _WIDE_SCALAR, salt=None, info=b"kvitto-slip-keys/v1").derive(
        lp(origin.encode("ascii")) + lp(code.encode("ascii"))
    )
    parts = (derived[i : i + _WIDE_SCALAR] for i in range(0, len(derived), _WIDE_SCALAR))
    serial, secret, blinding = (int.from_bytes(part, "big") % group.order for part in parts)
    return BuyerKeys(serial, secret, blinding)
