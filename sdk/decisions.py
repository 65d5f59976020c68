"""Checking what the verifier answers: what is not declined counts as an event of the log only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aftersales.claims import APPROVED, CANCELED, DECIDED, UNDER_REVIEW
from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import check_event, event_time
from sdk.answers import Answer, Form, require_day, require_said
from sdk.state import Claim, Merchant

__all__ = ["Decision", "check_approval", "parse_decision", "verify_approval"]

_EVENT_FIELDS = ("claim_id", "decision", "claim", "proof", "tags", "retire_by")
_FORM = Form(
    identifier="claim_id",
    others=frozenset({"retire_by", "earlier"}),
    statuses={
        APPROVED: (APPROVED, "awaiting_secret", "completed", "lapsed", CANCELED),
        UNDER_REVIEW: (UNDER_REVIEW,),
    },
    reasons=("proof_invalid", "already_claimed", "ownership_ended"),
)


@dataclass(frozen=True)
class Decision(Answer):
    """The answer to a claim."""

    retire_by: str | None
    earlier: str | None


def parse_decision(document: Any, claim: Claim) -> Decision:
    """The answer to ``claim``; ``FormatError`` for what is none, or one to another claim."""
    answer = _FORM.parse(document, claim.claim_id)
    for name in _FORM.others:
        if not isinstance(document[name], str | None):
            raise FormatError("not text", name)
    return Decision(
        answer.decision,
        answer.status,
        answer.reason,
        answer.receipt,
        document["retire_by"],
        document["earlier"],
    )


def verify_approval(receipt: Any, claim: Claim, merchant: Merchant) -> EventReceipt:
    """The receipt by which ``claim`` is approved in the event log, or is to be looked at.

    It holds the decision's event and its tlog-proof: the event must say exactly what
    the wallet sent. ``VerificationError`` names what does not hold.
    """
    # 1. The event is in the log.
    shown = EventReceipt.parse(receipt)
    verify_event_receipt(shown, *merchant.events_keys, policy=merchant.quorum)
    # 2. to 4.
    check_approval(shown.event, claim)
    return shown


def check_approval(event: Mapping[str, Any], claim: Claim) -> None:
    """``VerificationError`` unless this is the event by which a verifier decides ``claim``."""
    # 2. It decides this claim, as its policy says: the same body, proof and tags.
    check_event(event, DECIDED, _EVENT_FIELDS)
    said = {
        "claim_id": claim.claim_id,
        "decision": UNDER_REVIEW if claim.policy.review else APPROVED,
        "claim": claim.body.document(),
        "proof": encode_base64(claim.proof),
        "tags": [tag.hex() for tag in claim.tags],
    }
    require_said(event, said, "decision")
    # 3. It was made when the claim was.
    decided = require_day(event, claim.body.day, "decision")
    # 4. It asks for a secret only where the policy ends the ownership, and for as long as it says.
    lapses = claim.policy.lapses(decided)
    if event["retire_by"] != (event_time(lapses) if lapses else None):
        raise VerificationError("decision: the logged event has another deadline than the policy")
