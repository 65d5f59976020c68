"""A purchase as it lies in a merchant's mailbox (docs/protocol.md 3, *Mailbox*).

A box holds what the wallet cannot make from its words or read in the log: which order, which sale,
and the place of its keys.
"""

from typing import Any

from cryptography.exceptions import InvalidTag

from commitments.errors import FormatError
from commitments.mailbox import BOX_BYTES
from commitments.wire import canonical_json, le, parse_json
from sdk.errors import WalletError
from sdk.seed import BoxKeys, Place, Seed
from sdk.state import GROUP, Purchase, keys_document

__all__ = ["open_box", "seal_box"]

_VERSION = 1
_TAG_BYTES = 16
_LENGTH_BYTES = 4
_ELSEWHERE = ("origin", "index", "proof", "box")  # the mailbox's, the log's, and the place's own


def seal_box(purchase: Purchase, keys: BoxKeys) -> bytes:
    """The box: the same purchase gives the same bytes. ``WalletError`` if it is too large."""
    document = {k: v for k, v in purchase.document().items() if k not in _ELSEWHERE}
    if purchase.place is not None:
        del document["keys"]
    content = canonical_json({**document, "version": _VERSION})
    padded = (le(len(content), _LENGTH_BYTES) + content).ljust(BOX_BYTES - _TAG_BYTES, b"\0")
    if len(padded) != BOX_BYTES - _TAG_BYTES:
        raise WalletError("the receipt is too long for the mailbox")
    return keys.cipher.encrypt(padded, [keys.address])


def open_box(box: bytes, seed: Seed, origin: str, number: int) -> Purchase:
    """The purchase in the mailbox's place ``number``, which the log has yet to confirm.

    Its index is 0 and its proof empty. ``FormatError`` for a box that was not filled with
    this seed, or by a later version of this software.
    """
    own = seed.box(origin, number)
    try:
        padded = own.cipher.decrypt(box, [own.address])
    except InvalidTag:
        raise FormatError("not a box of this wallet", "box") from None
    length = int.from_bytes(padded[:_LENGTH_BYTES], "little")
    content = padded[_LENGTH_BYTES : _LENGTH_BYTES + length]
    document: dict[str, Any] = parse_json(content, "box")
    try:
        if document.pop("version") != _VERSION:
            raise FormatError("a later version of this software has filled it", "box")
        if "keys" not in document:
            place = Place(*document["place"])
            keys = seed.keys(GROUP, origin, place, document["order"])
            document["keys"] = keys_document(keys)
        return Purchase.parse(
            {**document, "origin": origin, "index": 0, "proof": "", "box": number}
        )
    except (AttributeError, KeyError, TypeError):
        raise FormatError("not a box of this wallet", "box") from None
