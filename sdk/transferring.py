"""From an acceptance to a transfer, everything checked before anything is said."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.rings import Ring
from policies.body import new_nonce
from policies.transfer import TransferBody, transfer_id, transfer_statement
from sdk.advice import Advice, advise_transfer
from sdk.claiming import require_ring, used_rings
from sdk.horizons import choose_transfer_ring, ring_like
from sdk.logs import MerchantView
from sdk.rings import fetch_ring
from sdk.shop import Shop
from sdk.state import GROUP, Merchant, Proof, Purchase, State
from sdk.transfer_state import Offer, Transfer
from zk.prove import Progress, prove
from zk.statement import Statement
from zk.transfer import Acceptance
from zk.verify import proof_tags

__all__ = ["PreparedTransfer", "TransferPreview", "prepare_transfer", "transfer_preview_of"]


@dataclass(frozen=True)
class PreparedTransfer:
    """A transfer that could be made: all that it would say, and nothing said yet.

    ``earlier`` is what was made with this purchase, in view of which it was prepared.
    """

    offer: Offer
    purchase: Purchase
    earlier: tuple[Proof, ...]
    body: TransferBody
    ring: Ring
    statement: Statement
    advice: tuple[Advice, ...]

    def prove(self, progress: Progress) -> Transfer:
        """The transfer with its proof."""
        opening, beta = self.purchase.opening, self.offer.beta
        proof = prove(self.statement, opening, beta=beta, progress=progress)
        (tag,) = proof_tags(self.statement, proof)
        return Transfer(
            transfer_id=transfer_id(self.body, proof),
            order=self.purchase.order,
            body=self.body,
            proof=proof,
            tag=tag,
            indices=self.ring.indices,
        )


@dataclass(frozen=True)
class TransferPreview:
    """What everybody learns from a transfer (``learns``), what stays hidden, what to be aware of.

    ``service_sees`` is what only whoever runs the service learns, from the way the transfer comes.
    ``prepared`` is that very transfer, for :meth:`sdk.wallet.Wallet.send_transfer`.
    """

    prepared: PreparedTransfer = field(repr=False)
    order: str
    ring_size: int
    learns: tuple[str, ...]
    service_sees: tuple[str, ...]
    hidden: tuple[str, ...]
    advice: tuple[Advice, ...]


def prepare_transfer(
    shop: Shop,
    view: MerchantView,
    state: State,
    offer: Offer,
    acceptance: Acceptance,
    now: datetime,
    smallest_ring: int,
) -> tuple[PreparedTransfer, Merchant]:
    """Everything of a transfer but its proof, and what to remember of the merchant.

    ``RingTooSmall`` where the ring, or what it has in common with the rings of all that was made
    with this purchase, is below ``smallest_ring``; ``NotProvableYet`` while the shop can still
    declare the purchase void; other errors as :func:`sdk.rings.fetch_ring`.
    """
    merchant = state.merchants[offer.origin]
    purchase = state.purchases[offer.origin, offer.order]
    earlier = state.proofs_of(purchase)
    settled = choose_transfer_ring(view, purchase.index)
    name = ring_like(view, settled, used_rings(earlier), purchase.index, settled.size)
    proven, merchant = fetch_ring(shop, merchant, view, name, purchase)
    require_ring(proven.ring, earlier, smallest_ring, smallest_ring)
    body = TransferBody(
        origin=offer.origin,
        date=now.astimezone(UTC).date().isoformat(),
        first=name.first,
        size=name.size,
        voided_at=name.voided_at,
        lane=name.lane,
        blinded=offer.blinded,
        acceptance=acceptance,
        nonce=new_nonce(),
    )
    statement = transfer_statement(GROUP, body, proven.ring.root, proven.members)
    advice = advise_transfer(view, merchant.seed_witnesses, proven.ring, earlier, now)
    ring = proven.ring
    made = PreparedTransfer(offer, purchase, tuple(earlier), body, ring, statement, advice)
    return made, merchant


def transfer_preview_of(prepared: PreparedTransfer) -> TransferPreview:
    """The preview of a prepared transfer."""
    size = len(prepared.ring.members)
    return TransferPreview(
        prepared=prepared,
        order=prepared.purchase.order,
        ring_size=size,
        learns=(
            f"one of {size} purchases of the merchant's log passes to a new owner",
            f"this was on {prepared.body.date}, and which entry of the log is the new owner's",
            "after the approval you hand in the purchase's secret, which becomes public",
            *_linked(prepared),
        ),
        service_sees=(
            "the network address that you come from, and the moment",
            "that somebody there has asked for this ring, and sells one of its purchases",
        ),
        hidden=(
            "which of the purchases it was, and who you are",
            "the product, the day, the price, the batch and the serial number of the device",
            "who the new owner is; it learns all of this from you, and which claims you have made",
        ),
        advice=prepared.advice,
    )


def _linked(prepared: PreparedTransfer) -> Iterator[str]:
    if prepared.earlier:
        yield "this secret links all claims and transfers that you have made with the purchase"
