"""Checking what the verifier answers: an approval counts only as an event of the event log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json, encode_base64
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import check_event, event_time
from sdk.state import Claim, Merchant

__all__ = ["Answer", "check_approval", "parse_answer", "verify_approval"]

_MEMBERS = {"claim_id", "decision", "reason", "status", "retire_by", "earlier", "receipt"}
_DECIDED = "claim.decided"
_EVENT_FIELDS = ("claim_id", "decision", "claim", "proof", "tags", "retire_by")
_REASONS = ("proof_invalid", "already_claimed", "ownership_ended")
_LATEST = 2  # days; a verifier takes claims of today and yesterday, and may decide at midnight
_STATUSES = ("approved", "awaiting_secret", "completed", "lapsed")


@dataclass(frozen=True)
class Answer:
    """A decision as the service words it; only ``receipt`` can be verified."""

    claim_id: str
    approved: bool
    status: str
    reason: str | None
    retire_by: str | None
    earlier: str | None
    receipt: Mapping[str, Any] | None


def parse_answer(document: Any, claim: Claim) -> Answer:
    """The answer to ``claim``; ``FormatError`` for what is none, or one to another claim."""
    if not isinstance(document, dict) or document.keys() != _MEMBERS:
        raise FormatError("not the members of a decision", "decision")
    if document["claim_id"] != claim.claim_id:
        raise FormatError("a decision on another claim", "claim_id")
    approved = document["decision"] == "approved"
    if not approved and document["decision"] != "declined":
        raise FormatError("neither approved nor declined", "decision")
    status, reason, receipt = document["status"], document["reason"], document["receipt"]
    if status not in (_STATUSES if approved else ("declined",)):
        raise FormatError("not a status of that decision", "status")
    if (reason is not None) if approved else (reason not in _REASONS):
        raise FormatError("not a reason of that decision", "reason")
    if isinstance(receipt, dict) is not approved:
        raise FormatError("an approval has a receipt, a decline has none", "receipt")
    for name in ("retire_by", "earlier"):
        if not isinstance(document[name], str | None):
            raise FormatError("not text", name)
    return Answer(
        claim_id=claim.claim_id,
        approved=approved,
        status=status,
        reason=reason,
        retire_by=document["retire_by"],
        earlier=document["earlier"],
        receipt=receipt,
    )


def verify_approval(receipt: Any, claim: Claim, merchant: Merchant) -> EventReceipt:
    """The receipt by which ``claim`` is approved in the event log.

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
    """``VerificationError`` unless this is the event by which a verifier approves ``claim``."""
    # 2. It approves this claim: the same body, proof and tags.
    check_event(event, _DECIDED, _EVENT_FIELDS)
    said = {
        "claim_id": claim.claim_id,
        "decision": "approved",
        "claim": claim.body.document(),
        "proof": encode_base64(claim.proof),
        "tags": [tag.hex() for tag in claim.tags],
    }
    for name, value in said.items():
        if canonical_json(event[name]) != canonical_json(value):  # to Python, True is 1
            raise VerificationError(f"decision: the logged event has another {name}")
    # 3. It was made when the claim was: on its date, or soon after where days end elsewhere.
    decided = datetime.fromisoformat(event["time"])
    if not 0 <= (decided.date() - claim.body.day).days <= _LATEST:
        raise VerificationError("decision: the logged event has another day than the claim")
    # 4. It asks for a secret only where the policy ends the ownership, and for as long as it says.
    lapses = claim.policy.lapses(decided)
    if event["retire_by"] != (event_time(lapses) if lapses else None):
        raise VerificationError("decision: the logged event has another deadline than the policy")
