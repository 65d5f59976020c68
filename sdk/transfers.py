"""How a wallet hands purchases over, and receives them (docs/protocol.md 8, *Transfer*).

As in :mod:`sdk.wallet`, what the wallet must not forget is written before anyone else can know of
it: beta before the offer is handed out, keys before the acceptance, the transfer and its proof
before they are sent, the sending of the secret before the secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from commitments.errors import Refused, VerificationError
from ledger.event_receipt import EventReceipt
from ledger.events import event_time
from policies.transfer import parse_transfer
from sdk.advice import common_members
from sdk.errors import NeverJudged, RingTooSmall, StaleLog, WalletError
from sdk.handover import (
    Handover,
    acceptance_document,
    offer_document,
    parse_handover,
    parse_offer,
    parse_returned,
)
from sdk.lost_keys import (
    keys_of_acceptance,
    lost_acceptance,
    lost_beta,
    new_beta,
    order_of_offer,
)
from sdk.mirror import Progress as Reading
from sdk.open_wallet import OpenWallet
from sdk.receiving import slots_used, verify_handover
from sdk.retiring import require_retirable
from sdk.shop import Shop
from sdk.state import GROUP, Proof, Purchase
from sdk.transfer_answers import (
    TransferAnswer,
    parse_transfer_answer,
    verify_answer,
    with_heads,
)
from sdk.transfer_state import Accepted, Handed, Offer, Transfer
from sdk.transferring import TransferPreview, prepare_transfer, transfer_preview_of
from zk.hedged import HedgedScalars
from zk.prove import Progress, no_progress
from zk.transfer import blind, prove_acceptance, verify_acceptance

__all__ = ["TransferResult", "Transfers"]


@dataclass(frozen=True)
class TransferResult:
    """What became of a transfer.

    ``decision`` is ``approved`` or ``declined``, ``reason`` says why it was declined. ``status``
    ``awaiting_secret`` asks for :meth:`Transfers.complete_transfer` until ``retire_by``. An
    approval has been verified in the merchant's event log; a decline is the service's word.
    """

    transfer_id: str
    order: str
    decision: str
    status: str
    reason: str | None
    retire_by: str | None


class Transfers(OpenWallet):
    """The part of a wallet that is about transfers."""

    @property
    def transfers(self) -> Sequence[Transfer]:
        """All transfers whose proof was made, whatever became of them."""
        return tuple(self._state.transfers.values())

    def made_with(self, purchase: Purchase) -> Sequence[Proof]:
        """All claims and transfers that were made with this purchase, whatever became of them."""
        return tuple(self._state.proofs_of(purchase))

    # ---- the old owner

    def offer(self, purchase: Purchase) -> dict[str, Any]:
        """What to give to one person who is to have ``purchase``; it says nothing of it.

        Each offer is another: two people who compare theirs do not see that they are of one
        purchase. ``WalletError`` once the ownership has ended. Needs no connection.
        """
        self._require_owned(purchase)
        identity = self._state.identity
        place = identity.next_place(purchase.origin)
        beta = new_beta(identity.seed, purchase, place)
        blinded = GROUP.encode(blind(GROUP, purchase.opening, beta))
        offer = Offer(purchase.origin, purchase.order, blinded, beta)
        self._commit(self._state.with_offer(offer, place))
        return offer_document(offer)

    def preview_transfer(
        self, shop: Shop, returned: Any, *, accept_stale: bool = False
    ) -> TransferPreview:
        """What everybody would learn from the transfer to whom ``returned`` is from.

        ``returned`` is the JSON object that the new owner made of an offer. Nothing is sent but the
        request for the ring. Errors as :meth:`send_transfer`; ``VerificationError`` where it is not
        an acceptance of the offer.
        """
        origin, blinded, acceptance = parse_returned(returned)
        now = self._clock()
        offer = self._offer(blinded)
        if (self._at(shop).origin, origin) != (offer.origin, offer.origin):
            raise WalletError("the offer is of a purchase from another merchant")
        verify_acceptance(GROUP, origin, blinded, acceptance)
        purchase = self._state.purchases[offer.origin, offer.order]
        self._require_owned(purchase)
        if any(proof.outcome is None for proof in self._state.proofs_of(purchase)):
            raise WalletError("a claim or transfer with this purchase has no answer yet")
        view = self.look(shop)
        if view.is_stale(now) and not accept_stale:
            raise StaleLog(view.closes[-1].recorded)
        prepared, merchant = prepare_transfer(
            shop, view, self._state, offer, acceptance, now, self._smallest_ring
        )
        self._commit(self._state.with_merchant(merchant))
        return transfer_preview_of(prepared)

    def send_transfer(
        self,
        shop: Shop,
        preview: TransferPreview,
        *,
        progress: Progress = no_progress,
    ) -> TransferResult:
        """Make exactly the transfer that was previewed; the ownership does not end yet.

        Errors as :meth:`sdk.wallet.Wallet.send`.
        """
        prepared = preview.prepared
        if self._at(shop).origin != prepared.body.origin:
            raise WalletError("the transfer was prepared for another merchant")
        if self._clock().astimezone(UTC).date() != prepared.body.day:
            raise WalletError("the transfer was prepared on another day: preview it again")
        if tuple(self._state.proofs_of(prepared.purchase)) != prepared.earlier:
            raise WalletError("something was made with this purchase since: preview it again")
        transfer = prepared.prove(progress)
        self._commit(self._state.with_transfer(transfer))
        try:
            answer = parse_transfer_answer(shop.transfer(transfer.body, transfer.proof), transfer)
        except Refused:
            self._commit(self._state.with_transfer(replace(transfer, outcome="refused")))
            raise
        return self._conclude_transfer(shop, transfer, answer)

    def made_of(self, returned: Any) -> Transfer | None:
        """The transfer that was made of this acceptance, unless it has come to nothing."""
        _, blinded, acceptance = parse_returned(returned)
        now = event_time(self._clock())
        for transfer in self._state.transfers.values():
            same = (transfer.body.blinded, transfer.body.acceptance) == (blinded, acceptance)
            if same and _is_alive(transfer, now):
                return transfer
        return None

    def resend_transfer(self, shop: Shop, transfer: Transfer) -> TransferResult:
        """Ask again what became of a transfer: the same bytes, so the same answer.

        ``NeverJudged`` where there will be none.
        """
        stored = self._transfer(transfer)
        try:
            document = shop.transfer(stored.body, stored.proof)
        except Refused:  # too late to be judged now; it may have been judged then
            try:
                document = shop.transferred(stored.transfer_id)
            except Refused:
                if stored.outcome is not None:
                    raise
                self._commit(self._state.with_transfer(replace(stored, outcome="refused")))
                raise NeverJudged from None
        return self._conclude_transfer(shop, stored, parse_transfer_answer(document, stored))

    def complete_transfer(self, shop: Shop, transfer: TransferResult | Transfer) -> TransferResult:
        """Hand in the purchase's secret, which ends this ownership and begins the new one.

        Only for an approval that the event log has proven and that the secret completes:
        ``WalletError`` as :func:`sdk.retiring.require_retirable`. ``RingTooSmall`` as
        :meth:`sdk.wallet.Wallet.retire`.
        """
        stored = self._transfer(transfer)
        purchase = self._state.purchases[stored.body.origin, stored.order]
        made = self._state.proofs_of(purchase)
        others = [each for each in made if each is not stored]
        require_retirable(stored, others, self._clock())
        self._beta(stored, purchase)  # without it nobody could open what the new owner gets
        if self._at(shop).origin != stored.body.origin:
            raise WalletError("the transfer was approved by another merchant")
        common = common_members([each.indices for each in made])
        if common < self._smallest_ring:
            raise RingTooSmall(common, self._smallest_ring)
        sent = replace(stored, secret_sent=True)
        self._commit(self._state.with_transfer(sent))
        secret = GROUP.encode_scalar(purchase.keys.secret)
        answer = parse_transfer_answer(_hand_in(shop, sent, secret), sent)
        return self._conclude_transfer(shop, sent, answer)

    def handover(self, transfer: TransferResult | Transfer) -> dict[str, Any]:
        """What opens the purchase for its new owner, and for nobody else to see.

        ``WalletError`` before the transfer has been completed: until then it is this wallet's.
        """
        stored = self._transfer(transfer)
        if stored.completion is None or stored.receipt is None:
            raise WalletError("the transfer has not been completed")
        purchase = self._state.purchases[stored.body.origin, stored.order]
        return Handover(
            origin=purchase.origin,
            blinded=stored.body.blinded,
            sale=purchase.sale,
            serial=purchase.opening.serial,
            beta=self._beta(stored, purchase),
            approval=stored.receipt,
            retirement=stored.completion["retirement"],
            proof=stored.completion["proof"],
        ).document()

    # ---- the new owner

    def accept_offer(self, offer: Any) -> dict[str, Any]:
        """The acceptance of somebody's offer, a JSON object, to be given back.

        Its keys are fresh and stored before it is returned; the same offer has the same
        acceptance. It binds to nothing. Needs no connection.
        """
        origin, blinded = parse_offer(offer)
        self._require_kind(origin)
        accepted = self._state.acceptance_of(blinded)
        if accepted is None:
            accepted = self._new_keys(origin, blinded)
            self._commit(self._state.with_accepted(accepted))
        if accepted.origin != origin:
            raise WalletError("the same offer has come from another merchant")
        return acceptance_document(accepted)

    def receive(self, shop: Shop, handover: Any, *, progress: Reading = no_progress) -> Purchase:
        """Check what the old owner has handed over, and keep the purchase. Pay after that.

        All of the event log is read, to see which claims are used up: they are in
        ``Purchase.handed``. ``progress`` is told how many of its entries have come. No copy is left
        in the mailbox: the shop would see that whoever comes now has received a purchase. The same
        handover again changes nothing. Where the acceptance was lost with a device, its keys are
        found among those that the words give. ``VerificationError`` names what does not hold;
        ``WalletError`` when the wallet has accepted no such offer.
        """
        shown = parse_handover(handover)
        accepted = self._acceptance_for(shown)
        if accepted is None:
            raise WalletError("the wallet has accepted no such offer")
        known = self._state.purchases.get((accepted.origin, accepted.order))
        if known is not None:
            return known
        if self._at(shop).origin != accepted.origin:
            raise VerificationError("handover: it is of another merchant")
        self.look(shop)
        purchase, retirement = verify_handover(shown, accepted, self._at(shop))
        merchant = with_heads(self._at(shop), retirement, shown.proof)
        used = slots_used(shop, merchant, shown.serial, retirement, progress)
        purchase = replace(purchase, handed=Handed(shown.serial, shown.beta, used))
        state = self._state.with_merchant(merchant).with_accepted(accepted)
        self._commit(state.with_purchase(purchase))
        return purchase

    # ---- inside

    def _require_owned(self, purchase: Purchase) -> None:
        if (purchase.origin, purchase.order) not in self._state.purchases:
            raise WalletError("the wallet has no such purchase")
        if not self._state.is_owned(purchase):
            raise WalletError("the ownership has ended: the purchase's secret was handed in")

    def _offer(self, blinded: bytes) -> Offer:
        offer = self._state.offers.get(blinded)
        if offer is None:
            raise WalletError("the wallet has made no such offer")
        return offer

    def _beta(self, transfer: Transfer, purchase: Purchase) -> int:
        offer = self._state.offers.get(transfer.body.blinded)
        beta = offer.beta if offer else lost_beta(self._state, purchase, transfer.body.blinded)
        if beta is None:
            raise WalletError("the offer was made on a device that the wallet does not know of")
        return beta

    def _transfer(self, transfer: TransferResult | Transfer) -> Transfer:
        stored = self._state.transfers.get(transfer.transfer_id)
        if stored is None:
            raise WalletError("the wallet has made no such transfer")
        return stored

    def _acceptance_for(self, shown: Handover) -> Accepted | None:
        """That of the approved C_new, which is not verified yet; else any of the same offer."""
        event = EventReceipt.parse(shown.approval).event
        approved = parse_transfer(event.get("transfer"), GROUP).acceptance
        return (
            self._state.accepted.get(approved.commitment)
            or lost_acceptance(self._state, shown.origin, shown.blinded, approved)
            or self._state.acceptance_of(shown.blinded)
        )

    def _new_keys(self, origin: str, blinded: bytes) -> Accepted:
        identity = self._state.identity
        place = identity.next_place(origin)
        order = order_of_offer(blinded)
        if (origin, order) in self._state.purchases:
            raise WalletError("the wallet has another purchase of this name")
        keys = keys_of_acceptance(identity.seed, origin, blinded, place)
        random = HedgedScalars(GROUP, [keys.secret, keys.blinding], blinded)
        acceptance = prove_acceptance(GROUP, origin, blinded, keys, random.scalar)
        return Accepted(origin, order, blinded, keys, acceptance, place)

    def _conclude_transfer(
        self, shop: Shop, transfer: Transfer, answer: TransferAnswer
    ) -> TransferResult:
        """Verify and store an answer. An approval that is not proven is no answer."""
        state = self._state
        if answer.recorded:
            transfer, merchant = verify_answer(shop, self._at(shop), transfer, answer)
            state = state.with_merchant(merchant)
        elif transfer.outcome == "approved":
            raise VerificationError("transfer: an approval that is in the log is taken back")
        else:
            transfer = replace(transfer, outcome="declined", reason=answer.reason)
        self._commit(state.with_transfer(transfer))
        return TransferResult(
            transfer_id=transfer.transfer_id,
            order=transfer.order,
            decision=answer.decision,
            status=answer.status,
            reason=answer.reason,
            retire_by=transfer.retire_by,
        )


def _is_alive(transfer: Transfer, now: str) -> bool:
    """Whether it has no answer yet, or its approval has not lapsed at ``now``, an event time."""
    if transfer.outcome is None or transfer.secret_sent:
        return True
    return transfer.retire_by is not None and now <= transfer.retire_by  # they compare as text


def _hand_in(shop: Shop, transfer: Transfer, secret: bytes) -> Any:
    """Send the secret; a refusal is none when an answer was lost and the transfer is complete."""
    try:
        return shop.complete_transfer(transfer.transfer_id, secret)
    except Refused:
        document = shop.transferred(transfer.transfer_id)
        if parse_transfer_answer(document, transfer).status != "completed":
            raise
        return document
