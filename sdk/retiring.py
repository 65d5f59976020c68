"""Whether a purchase's secret may be handed in: only for an approval that it completes.

The secret cannot be taken back. The rules are the verifier's (docs/protocol.md 8, *Retiring*), kept
here too: a service that takes a secret for an approval that has lapsed gives nothing for it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ledger.event_receipt import EventReceipt
from ledger.events import event_time
from sdk.errors import WalletError
from sdk.state import Proof

__all__ = ["require_retirable"]

_MARGIN = timedelta(minutes=10)  # for the way there, and a clock that differs


def require_retirable(claim: Proof, others: Sequence[Proof], now: datetime) -> None:
    """``WalletError`` unless the secret completes ``claim``, which may be a transfer.

    ``others`` are all else that was made with its purchase.
    """
    # 1. It is approved, in the log, under a policy that ends the ownership.
    if claim.outcome != "approved":
        raise WalletError("no approval of this claim has been proven")
    if not claim.ends_ownership:
        raise WalletError("this claim does not end the ownership: it needs no secret")
    if claim.secret_sent:
        return  # an answer was lost; nothing is left to protect
    # 2. Its time has not run out.
    if not _waits(claim, now + _MARGIN):
        raise WalletError("the approval has lapsed: the secret would be given away for nothing")
    # 3. What became of all other claims is known: an unknown approval could go before it.
    if any(other.outcome is None for other in others):
        raise WalletError("another claim with this purchase has no answer yet: send it again first")
    # 4. No ordinary claim came after it, by which it has lapsed.
    approved = [other for other in others if other.outcome == "approved"]
    last_ordinary = max((_position(o) for o in approved if not o.ends_ownership), default=-1)
    if last_ordinary > _position(claim):
        raise WalletError("the approval has lapsed: another claim was approved after it")
    # 5. No earlier approval that ends the ownership goes before it.
    before = [o for o in approved if o.ends_ownership and _position(o) < _position(claim)]
    alive = [o for o in before if _waits(o, now - _MARGIN) and _position(o) > last_ordinary]
    if alive or any(o.secret_sent for o in before):
        raise WalletError("an earlier approval that ends the ownership goes before this one")


def _waits(claim: Proof, now: datetime) -> bool:
    deadline: str = EventReceipt.parse(claim.receipt).event["retire_by"]
    return event_time(now) <= deadline  # event times compare as text


def _position(claim: Proof) -> int:
    """Where the approval stands in the event log, as its receipt has proven."""
    return EventReceipt.parse(claim.receipt).proof.index
