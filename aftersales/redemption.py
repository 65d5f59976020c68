"""A redemption token: what a buyer hands to a cash desk or workshop (docs/protocol.md 8, *Cases*).

It has the receipt of the claim's decision, and the buyer's signature for one shop and one time. It
is checked without asking anybody; that it has not been used is for the log to say.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aftersales.claims import APPROVED, DECIDED, require_signed_lately
from aftersales.steps import BUYER, STEP, check_step, parse_shop, verify_step
from commitments.errors import FormatError, VerificationError
from commitments.wire import parse_base64
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import event_time
from ledger.note import Verifier
from ledger.quorum import NO_QUORUM, Quorum
from policies.claim import ClaimBody, claim_id, parse_claim

__all__ = ["RedemptionToken"]

_TYPE = "redemption-token"
_MEMBERS = {"type", "receipt", "shop", "signed", "signature"}


@dataclass(frozen=True)
class RedemptionToken:
    """The receipt of a decision, and the buyer's word that ``shop`` may redeem it."""

    receipt: EventReceipt
    shop: str
    signed: str
    signature: str

    @property
    def claim_id(self) -> str:
        """That of the claim; verified by :meth:`verify`."""
        return str(self.receipt.event.get("claim_id"))

    @property
    def shows_approval(self) -> bool:
        """Whether the decision is an approval by itself.

        A claim that was to be looked at may have been declined, and the owner whose approval ends
        the ownership may not have left: then only the log knows.
        """
        event = self.receipt.event
        return event.get("decision") == APPROVED and event.get("retire_by") is None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "type": _TYPE,
            "receipt": self.receipt.document(),
            "shop": self.shop,
            "signed": self.signed,
            "signature": self.signature,
        }

    @classmethod
    def parse(cls, document: Any) -> "RedemptionToken":
        """Read the JSON form; ``FormatError`` for anything else."""
        if not isinstance(document, dict) or document.keys() != _MEMBERS:
            raise FormatError("not a redemption token", "token")
        if document["type"] != _TYPE:
            raise FormatError("not a redemption token", "type")
        receipt = EventReceipt.parse(document["receipt"])
        return cls(receipt, *(document[name] for name in ("shop", "signed", "signature")))

    def step(self, number: int) -> dict[str, Any]:
        """The step by which it is recorded, as that of this number; without its time."""
        return {
            "type": STEP,
            "claim_id": self.claim_id,
            "number": number,
            "by": BUYER,
            "step": "redeem",
            "shop": self.shop,
            "signed": self.signed,
            "attachments": [],
            "signature": self.signature,
        }

    def verify(
        self, shop: str, now: datetime, *events_keys: Verifier, quorum: Quorum = NO_QUORUM
    ) -> ClaimBody:
        """The claim whose buyer says that ``shop`` may redeem its approval now.

        ``events_keys`` are those of the merchant's event log, ``quorum`` who must have cosigned.
        Whether the approval stands and has not been redeemed is not known offline: record the step.

        Raises
        ------
        FormatError
            no signature, no time, or not a claim.
        VerificationError
            the decision is not in that log, the claim is not the one it names, or its buyer has
            signed for another shop or not at all.
        Refused
            ``wrong-time`` when it was not signed within the last day.
        """
        # 1. The decision is in the log.
        verify_event_receipt(self.receipt, *events_keys, policy=quorum)
        # 2. It is about this claim, which has a buyer.
        body = _claimed(self.receipt.event)
        if body.buyer is None:
            raise VerificationError("the claim has no keys of its buyer", "receipt")
        # 3. Its buyer has signed for this shop, lately.
        if self.shop != parse_shop(shop):
            raise VerificationError("it is for another shop", "shop")
        step = {**self.step(0), "time": event_time(now)}
        check_step(step)
        verify_step(step, body.buyer)
        require_signed_lately(step)
        return body


def _claimed(event: dict[str, Any]) -> ClaimBody:
    try:
        if event["type"] != DECIDED:
            raise FormatError("not the receipt of a claim's decision", "receipt")
        body = parse_claim(event["claim"])
        named = claim_id(body, parse_base64(event["proof"], "proof"))
    except KeyError:
        raise FormatError("not the receipt of a claim's decision", "receipt") from None
    if event["claim_id"] != named:
        raise VerificationError("not the name of its claim", "claim_id")
    return body
