"""A purchase as it lies in a merchant's mailbox (docs/protocol.md 3, *Mailbox*).

A box holds what a wallet cannot make from its words or read in the log: which order and sale it
was, the place of its keys, and the keys of the logs, so that a restored wallet believes no others.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cryptography.exceptions import InvalidTag

from commitments.errors import FormatError, Refused
from commitments.mailbox import BOX_BYTES, LOOKUP_BOXES
from commitments.wire import canonical_json, le, parse_json
from ledger.note import parse_vkey
from sdk.errors import BoxTooSmall, WalletError
from sdk.seed import BoxKeys, Place, Seed
from sdk.shop import Shop
from sdk.state import GROUP, Identity, Merchant, Purchase, keys_document

__all__ = ["Box", "find_boxes", "leave_box", "open_box", "seal_box"]

_VERSION = 1
_TAG_BYTES = 16
_LENGTH_BYTES = 4
_ELSEWHERE = ("origin", "index", "proof", "box")  # the mailbox's, the log's, and the place's own
_TAKEN = ("duplicate-box", "already-deleted")
_GAP = 2  # lookups without a box of this seed, after which there is none
# Places passed over for one box. A service that calls more taken would open a gap, and so hide
# what comes after.
_MOST_TAKEN = (_GAP - 1) * LOOKUP_BOXES


@dataclass(frozen=True)
class Box:
    """A purchase that the log has yet to confirm, and the keys that its logs had.

    The purchase's index is 0 and its proof empty; ``number`` is the box's place.
    """

    number: int
    purchase: Purchase
    purchases_vkeys: tuple[str, ...] = field(repr=False)
    events_vkeys: tuple[str, ...] = field(repr=False)


def leave_box(shop: Shop, identity: Identity, merchant: Merchant, purchase: Purchase) -> int:
    """Put a purchase into the first free place of the merchant's mailbox; the place's number.

    Once more, after a crash, it finds the place that it took. ``Refused`` while the mailbox is
    full; ``BoxTooSmall``; ``WalletError`` where the next places are taken.
    """
    first = identity.boxes.get(merchant.origin, 0)
    for number in range(first, first + _MOST_TAKEN):
        keys = identity.seed.box(merchant.origin, number)
        try:
            shop.deposit(keys.address, keys.delete_key, seal_box(purchase, merchant, keys))
        except Refused as refused:
            if refused.code not in _TAKEN:
                raise
        else:
            return number
    raise WalletError("other devices have left boxes in the shop's mailbox: restore from it first")


def find_boxes(shop: Shop, seed: Seed, origin: str) -> tuple[list[Box], int]:
    """All boxes of this seed in the merchant's mailbox, and the number of the place after them.

    Each lookup names as many places, whatever it finds. What does not open counts as nothing: a
    service can put no box there that does, but others, without end.
    """
    found: list[Box] = []
    empty = 0
    for start in count(0, LOOKUP_BOXES):
        numbers = range(start, start + LOOKUP_BOXES)
        contents = shop.fetch_boxes([seed.box(origin, number).address for number in numbers])
        opened = list(_open_all(contents, seed, origin, start))
        found += opened
        empty = 0 if opened else empty + 1
        if empty == _GAP:
            break
    return found, 1 + max((box.number for box in found), default=-1)


def seal_box(purchase: Purchase, merchant: Merchant, keys: BoxKeys) -> bytes:
    """The box: the same purchase gives the same bytes. ``BoxTooSmall``."""
    document = {k: v for k, v in purchase.document().items() if k not in _ELSEWHERE}
    if purchase.place is not None:
        del document["keys"]
    document |= {
        "version": _VERSION,
        "purchases_vkeys": list(merchant.purchases_vkeys),
        "events_vkeys": list(merchant.events_vkeys),
    }
    content = canonical_json(document)
    padded = (le(len(content), _LENGTH_BYTES) + content).ljust(BOX_BYTES - _TAG_BYTES, b"\0")
    if len(padded) != BOX_BYTES - _TAG_BYTES:
        raise BoxTooSmall
    return keys.cipher.encrypt(padded, [keys.address])


def open_box(content: bytes, seed: Seed, origin: str, number: int) -> Box:
    """What lies in the mailbox's place ``number``.

    ``FormatError`` unless it was filled with this seed, by no later version of this software.
    """
    own = seed.box(origin, number)
    try:
        padded = own.cipher.decrypt(content, [own.address])
    except InvalidTag:
        raise FormatError("not a box of this wallet", "box") from None
    length = int.from_bytes(padded[:_LENGTH_BYTES], "little")
    document: dict[str, Any] = parse_json(padded[_LENGTH_BYTES : _LENGTH_BYTES + length], "box")
    try:
        if document.pop("version") != _VERSION:
            raise FormatError("a later version of this software has filled it", "box")
        vkeys = [
            tuple(parse_vkey(vkey).vkey for vkey in document.pop(name))
            for name in ("purchases_vkeys", "events_vkeys")
        ]
        if "keys" not in document:
            place = Place(*document["place"])
            keys = seed.keys(GROUP, origin, place, document["order"])
            document["keys"] = keys_document(keys)
        elsewhere = {"origin": origin, "index": 0, "proof": "", "box": number}
        return Box(number, Purchase.parse({**document, **elsewhere}), *vkeys)
    except (AttributeError, KeyError, TypeError):
        raise FormatError("not a box of this wallet", "box") from None


def _open_all(
    contents: Sequence[bytes | None], seed: Seed, origin: str, start: int
) -> Iterator[Box]:
    for number, content in enumerate(contents, start):
        if content is not None:
            with suppress(FormatError):
                yield open_box(content, seed, origin, number)
