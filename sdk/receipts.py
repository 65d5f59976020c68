"""Checking a purchase's receipt: the log's word, not the shop's (docs/protocol.md 3, step 3)."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.purchase import BuyerKeys
from commitments.sale import check_code, parse_sale
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.monitor import Head
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from sdk.seed import Place, Seed
from sdk.state import GROUP, Merchant, Pending, Purchase

__all__ = ["find_place", "is_of", "receipt_order", "verify_receipt"]

_MEMBERS = {"type", "origin", "order", "sale", "index", "proof"}


def receipt_order(document: Any) -> tuple[str, str]:
    """Origin and order reference that a receipt names; ``FormatError`` where it names none."""
    if not isinstance(document, dict) or document.keys() != _MEMBERS:
        raise FormatError("not the members of a receipt", "receipt")
    if document["type"] != "receipt":
        raise FormatError('not "receipt"', "receipt.type")
    for name in ("origin", "order", "proof"):
        if not isinstance(document[name], str):
            raise FormatError("not text", f"receipt.{name}")
    if type(document["index"]) is not int or document["index"] < 0:
        raise FormatError("not an index", "receipt.index")
    return document["origin"], document["order"]


def verify_receipt(document: Any, pending: Pending, merchant: Merchant) -> tuple[Purchase, bytes]:
    """The purchase that a receipt speaks of, and the signed checkpoint it was found under.

    ``pending`` is the wallet's own request for this order, ``merchant`` the one whose keys were
    pinned. ``FormatError`` for what is no receipt; ``VerificationError`` naming what does not
    hold.
    """
    # 1. It answers this request.
    if receipt_order(document) != (pending.origin, pending.order):
        raise VerificationError("receipt: it is for another order")
    # 2. With these attributes and the wallet's own keys, the purchase has a serial.
    purchase = Purchase(
        origin=pending.origin,
        order=pending.order,
        sale=parse_sale(document["sale"]),
        index=document["index"],
        keys=pending.keys,
        proof=document["proof"],
        place=pending.place,
    )
    if purchase.opening.serial == 0:
        raise VerificationError("receipt: the purchase has no serial; ask for it anew")
    # 3. The commitment recomputed from both is in the log, at the place the receipt names.
    proof = TlogProof.parse(purchase.proof.encode("utf-8"))
    if proof.index != purchase.index:
        raise VerificationError("receipt: its proof is of another entry")
    try:
        verify_tlog_proof(proof, purchase.entry, *merchant.purchases_keys, policy=merchant.quorum)
    except VerificationError as error:
        raise VerificationError(
            "receipt: the log does not hold this sale under the wallet's keys"
            f" as the receipt describes it ({error})"
        ) from None
    return purchase, proof.checkpoint


def find_place(document: Any, seed: Seed, places: Iterable[Place]) -> Place | None:
    """Which of the seed's keys the purchase in a receipt has, where its request was lost.

    Those of ``places`` are tried. Errors as :func:`is_of`.
    """
    origin, order = receipt_order(document)
    check_code(order, "receipt.order")
    made_with = _recogniser(document)
    return next((p for p in places if made_with(seed.keys(GROUP, origin, p, order))), None)


def is_of(document: Any, keys: BuyerKeys) -> bool:
    """Whether the entry that a receipt speaks of was made with these keys.

    Whether it is in the log is not looked into: that is :func:`verify_receipt`'s. ``FormatError``
    for what is no receipt.
    """
    return _recogniser(document)(keys)


def _recogniser(document: Any) -> Callable[[BuyerKeys], bool]:
    """Tells the keys that a receipt's entry was made with, which is read once."""
    origin, order = receipt_order(document)
    sale, index = parse_sale(document["sale"]), document["index"]
    proof = TlogProof.parse(document["proof"].encode("utf-8"))
    head = Head.of(proof.checkpoint)

    def made_with(keys: BuyerKeys) -> bool:
        purchase = Purchase(origin, order, sale, index, keys, document["proof"], None)
        with suppress(VerificationError):
            verify_inclusion(leaf_hash(purchase.entry), index, head.size, proof.hashes, head.root)
            return True
        return False

    return made_with
