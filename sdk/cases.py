"""Checking what the service shows of a case: only steps that are in the event log count."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aftersales.claims import Case
from commitments.errors import FormatError, KvittoError, VerificationError
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import event_time
from sdk.state import Claim, Merchant

__all__ = ["read_case", "require_case", "verify_case", "with_steps"]

_PROVEN = ("event", "proof")
_AHEAD = timedelta(days=1)  # clocks differ, and by less


def read_case(document: Any) -> list[EventReceipt]:
    """The events that a service shows of a case, the decision first; none of it is verified."""
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise FormatError("not a case", "case")
    shown = [document.get("decision"), *document["steps"]]
    return [_read_event(each) for each in shown]


def _read_event(document: Any) -> EventReceipt:
    if not isinstance(document, dict):
        raise FormatError("not an event with its proof", "case")
    return EventReceipt.parse({name: document.get(name) for name in _PROVEN})


def verify_case(
    shown: Sequence[EventReceipt], claim: Claim, merchant: Merchant, now: datetime
) -> Claim:
    """The claim with the steps of its case, each proven to be in the merchant's event log ``now``.

    ``VerificationError`` names what does not hold.
    """
    decision, *steps = shown
    for receipt in shown:
        verify_event_receipt(receipt, *merchant.events_keys, policy=merchant.quorum)
    if claim.receipt is None or decision.event != claim.receipt["event"]:
        raise VerificationError("case: it begins with another decision")
    places = [receipt.proof.index for receipt in shown]
    if places != sorted(set(places)):
        raise VerificationError("case: its events are not in the order of the log")
    return with_steps(claim, [receipt.event for receipt in steps], now)


def with_steps(claim: Claim, steps: Sequence[Mapping[str, Any]], now: datetime) -> Claim:
    """The claim with all the steps of its case, which are in the log ``now``.

    ``VerificationError`` when they leave out one that was seen before, or when one of them could
    not be taken: then the service breaks its own rules, or hides a part. Also for one that is
    dated in the future: it could end the time that the buyer has to answer.
    """
    if any(step["time"] > event_time(now + _AHEAD) for step in steps):
        raise VerificationError(
            "case: a step is dated in the future, if this computer's clock is right"
        )
    if list(steps[: len(claim.steps)]) != list(claim.steps):
        raise VerificationError("case: a step that was seen before is hidden")
    followed = replace(claim, steps=tuple(steps))
    require_case(followed)
    return followed


def require_case(claim: Claim) -> Case:
    """The case of a claim that is in the log; ``VerificationError`` where a step is not allowed."""
    try:
        case = claim.case
    except KvittoError as error:
        raise VerificationError(f"case: the log has a step that is not allowed ({error})") from None
    if case is None:
        raise VerificationError("case: the claim is not in the log")
    return case
