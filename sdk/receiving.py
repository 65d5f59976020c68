"""What a new owner checks before it pays (docs/protocol.md 8, *Transfer*, step 5)."""

from commitments.errors import VerificationError
from commitments.purchase import Opening
from ledger.event_receipt import EventReceipt
from ledger.monitor import Head, newest_head
from policies.claim import claim_scopes
from sdk.handover import Handover
from sdk.mirror import Progress, mirror
from sdk.shop import Shop
from sdk.state import GROUP, Merchant, Purchase
from sdk.transfer_answers import verify_entry, verify_retirement
from sdk.transfer_state import Accepted, Handed, Slot
from sdk.used_tags import EndedOwnership, UsedTags, used_tags
from zk.statement import tag_base
from zk.transfer import blind

__all__ = ["slots_used", "verify_handover"]


def verify_handover(
    handover: Handover, accepted: Accepted, merchant: Merchant
) -> tuple[Purchase, EventReceipt]:
    """The purchase that was handed over, and the event that ended the earlier ownership.

    Which claims are used up is not known yet: :func:`slots_used`. ``FormatError`` for what cannot
    be read, ``VerificationError`` naming what does not hold.
    """
    # 1. The event log has the approval of a transfer to this wallet's own keys, and its completion.
    body, retirement = verify_retirement(handover.approval, handover.retirement, merchant)
    own = (accepted.origin, accepted.blinded, accepted.acceptance)
    if (body.origin, body.blinded, body.acceptance) != own:
        raise VerificationError("handover: the approved transfer is not to this wallet's keys")
    # 2. The purchase log has the new entry.
    entry = verify_entry(handover.proof, accepted.acceptance.commitment, merchant)
    # 3. E is what the old owner says.
    attributes = handover.sale.attributes(GROUP)
    if handover.serial == 0 or handover.blinded != accepted.blinded:
        raise VerificationError("handover: it is of another offer, or has no serial")
    told = blind(GROUP, Opening(attributes, handover.serial, 0, 0), handover.beta)
    if not GROUP.equal(told, GROUP.decode(accepted.blinded)):
        raise VerificationError("handover: the offer was not of this sale")
    purchase = Purchase(
        origin=accepted.origin,
        order=accepted.order,
        sale=handover.sale,
        index=entry.index,
        keys=accepted.keys,
        proof=handover.proof,
        place=accepted.place,
        handed=Handed(handover.serial, handover.beta, ()),
    )
    if purchase.commitment != accepted.acceptance.commitment:
        raise VerificationError("handover: the purchase is not this wallet's")
    return purchase, retirement


def _as_shown(retirement: EventReceipt) -> EndedOwnership:
    event = retirement.event
    secret = bytes.fromhex(event["secret"])
    return EndedOwnership(retirement.proof.index, event["transfer_id"], secret, event)


def slots_used(
    shop: Shop, merchant: Merchant, serial: int, retirement: EventReceipt, progress: Progress
) -> tuple[Slot, ...]:
    """Which claims were made with the purchase of this serial, by whomever, sorted.

    All of the event log is read as far as it is known, and compared here. Errors as
    :func:`sdk.mirror.mirror`; ``VerificationError`` if ``retirement``, which ended the
    earlier ownership, is not in it: claims before it could be missing then.
    """
    tags: dict[Slot, bytes] = {}
    used = set()
    ended = False
    head = newest_head(merchant.events, Head.of(retirement.proof.checkpoint))
    for each in used_tags(merchant.origin, mirror(shop, "events", head, progress)):
        if isinstance(each, EndedOwnership):
            ended |= each == _as_shown(retirement)
        elif isinstance(each, UsedTags):
            slot = each.body.policy, each.body.number
            if slot not in tags:
                scope, _ = claim_scopes(merchant.origin, *slot)
                tags[slot] = GROUP.encode(GROUP.multiply(serial, tag_base(GROUP, scope)))
            if tags[slot] == each.serial_tag:
                used.add(slot)
    if not ended:
        raise VerificationError("event log: it does not hold the end of the earlier ownership")
    return tuple(sorted(used))
