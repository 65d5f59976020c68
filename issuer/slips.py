"""One-time codes for sales whose buyer was not there to ask (docs/protocol.md 4, entry ``0x04``).

The sale is recorded at once, under keys derived from the code; whoever holds the slip with the
code redeems it later for an ordinary purchase of their own. Only the code's hash is stored, and the
sale, which the merchant knows anyway.
"""

import secrets
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import JSON, Column, Date, LargeBinary, String, Table, insert

from commitments.group import Group
from commitments.purchase import BuyerKeys, complete
from commitments.sale import Sale
from commitments.wire import lp
from issuer.rows import Done, Rejection, attempt
from ledger.entries import Sale as SaleEntry
from ledger.schema import metadata
from ledger.store import Transaction

__all__ = ["Slip", "append_slips", "code_hash", "make_slip", "new_code", "slip_keys", "slips"]

_CODE_BYTES = 15  # 120 bits; 24 letters and digits on paper
_GROUP = 4  # characters between hyphens
_WIDE_SCALAR = 48


slips = Table(
    "slips",
    metadata,
    Column("origin", String, primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("sale", JSON, nullable=False),
    Column("redeem_by", Date),
)
"""Sales without a buyer, by the hash of their one-time code, which is their order reference."""


@dataclass(frozen=True)
class Slip:
    """A sale without a buyer, with its one-time code and its entry for the log."""

    sale: Sale
    code: str = field(repr=False)
    entry: bytes


def make_slip(group: Group, origin: str, sale: Sale) -> Slip:
    """A fresh code for a sale, and the entry that its holder can open."""
    code = new_code()
    blinded = slip_keys(group, origin, code).commit(group)
    commitment = complete(group, blinded, sale.attributes(group), 0)
    return Slip(sale, code, SaleEntry(group.encode(commitment)).encode())


def append_slips(
    transaction: Transaction,
    origin: str,
    made: Sequence[Slip | Rejection],
    until: date | None,
    check: Callable[[Sale], None],
) -> list[Done[dict[str, Any]] | Rejection]:
    """Append the entries that pass ``check``; the index and the code of each.

    The codes are good ``until`` that day.
    """

    def checked(slip: Slip) -> Slip:
        check(slip.sale)
        return slip

    made = attempt(made, checked)
    good = [slip for slip in made if isinstance(slip, Slip)]
    positions = iter(transaction.append(origin, [slip.entry for slip in good]))
    rows = [
        {
            "origin": origin,
            "code_hash": code_hash(slip.code),
            "sale": slip.sale.document(),
            "redeem_by": until,
        }
        for slip in good
    ]
    if rows:
        transaction.connection.execute(insert(slips), rows)
    return attempt(made, lambda slip: Done({"index": next(positions), "code": slip.code}))


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
