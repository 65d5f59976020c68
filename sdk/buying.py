"""The part of a wallet that asks for purchases and accepts their receipts."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from commitments.errors import KvittoError, VerificationError
from commitments.sale import check_code, parse_sale
from commitments.wire import canonical_json, parse_identifier
from ledger.monitor import Head, newest_head
from ledger.tlog_proof import TlogProof
from sdk.backup import Backup
from sdk.errors import (
    WalletError,
)
from sdk.key_following import follow_signers
from sdk.receipts import find_place, is_of, receipt_order, verify_receipt
from sdk.seed import Place, Seed
from sdk.shop import Shop
from sdk.state import GROUP, Pending, Purchase
from zk.hedged import HedgedScalars
from zk.issuance import BuyerRequest, prove_request

__all__ = ["Buying"]


class Buying(Backup):
    """Requests and receipts."""

    @property
    def pending(self) -> Sequence[Pending]:
        """Requests whose receipt has not come yet."""
        return tuple(self._state.pending.values())

    def request(self, shop: Shop | str, order: str) -> BuyerRequest:
        """The request for one order, to be handed to the shop's cash desk.

        ``shop`` may be a merchant's origin, where there is no connection. Its keys are fresh and
        stored before it is returned; they serve this order only. Asking again while the receipt
        has not come gives the same request: a second one would be a second purchase.
        ``WalletError`` for an order whose receipt the wallet has.
        """
        origin = shop if isinstance(shop, str) else self._at(shop).origin
        self._require_kind(parse_identifier(origin, "origin"))
        check_code(order, "order")
        key = (origin, order)
        if key in self._state.purchases:
            raise WalletError("the wallet has the receipt of this order")
        if key not in self._state.pending:
            identity = self._state.identity
            pending = _new_request(identity.seed, identity.next_place(origin), origin, order)
            self._commit(self._state.with_pending(pending))
        return self._state.pending[key].request

    def accept(self, shop: Shop, receipt: Any) -> Purchase:
        """Check a receipt, the JSON object that the cash desk returned, and keep it.

        Kept only if the merchant's log holds exactly this sale under this wallet's own keys; the
        same receipt again changes nothing. Where the request was lost with a device, its keys are
        found among those that the words give. ``VerificationError`` names what does not hold;
        ``WalletError`` when the wallet has not asked for this order.
        """
        key = receipt_order(receipt)
        merchant = self._at(shop)
        if key[0] != merchant.origin:
            raise VerificationError("receipt: it is of another merchant")
        known = self._state.purchases.get(key)
        if known and (known.sale, known.index) == (parse_sale(receipt["sale"]), receipt["index"]):
            return known
        pending = self._state.pending.get(key)
        if known is None and not (pending and is_of(receipt, pending.keys)):
            pending = self._lost_request(receipt) or pending
        if pending is None:
            raise WalletError("the wallet has made no request for this order, or has its receipt")
        shown = TlogProof.parse(receipt["proof"].encode("utf-8")).checkpoint
        merchant = follow_signers(shop, merchant, shown, merchant.purchases_keys)
        purchase, note = verify_receipt(receipt, pending, merchant)
        head = newest_head(merchant.purchases, Head.of(note))
        state = self._state.with_pending(pending).with_merchant(replace(merchant, purchases=head))
        self._commit(state.with_purchase(purchase))
        with suppress(KvittoError):  # the purchase is kept; what has no copy yet is listed
            self.back_up(shop)
        return self._state.purchases[key]

    def _lost_request(self, receipt: Any) -> Pending | None:
        """The request that the receipt answers, of a device that the wallet knows of."""
        origin, order = receipt_order(receipt)
        seed = self._state.identity.seed
        place = find_place(receipt, seed, self._state.known_places())
        return None if place is None else _new_request(seed, place, origin, order)


def _new_request(seed: Seed, place: Place, origin: str, order: str) -> Pending:
    keys = seed.keys(GROUP, origin, place, order)
    witness = [keys.serial_0, keys.secret, keys.blinding]
    nonces = HedgedScalars(GROUP, witness, canonical_json(["request", origin, order]))
    request = prove_request(GROUP, origin, order, keys, nonces.scalar)
    return Pending(origin, order, keys, request, place)
