"""What the verifier answers, and the events that record it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aftersales.claims import APPROVED, DECIDED, UNDER_REVIEW
from commitments.wire import encode_base64
from ledger.events import OWNERSHIP_RETIRED
from policies.claim import ClaimBody

__all__ = [
    "AWAITING_SECRET",
    "COMPLETED",
    "LAPSED",
    "Decision",
    "decided_event",
    "declined",
    "retired_event",
]

AWAITING_SECRET = "awaiting_secret"  # noqa: S105 - a status
COMPLETED = "completed"
LAPSED = "lapsed"
_DECLINED = "declined"


@dataclass(frozen=True)
class Decision:
    """The answer to a claim.

    ``reason`` of a decline: ``proof_invalid``, ``already_claimed`` (``earlier`` is that claim) or
    ``ownership_ended``. ``status`` of any other is what was decided, ``approved`` or
    ``under_review``; or where the claim ends the ownership ``awaiting_secret`` until ``retire_by``,
    then ``completed``, ``lapsed`` or ``canceled``. ``receipt`` is the decision's event with its
    proof of inclusion; it verifies offline. ``new`` tells the first answer from a repeated one.
    What follows is the case's to tell (:mod:`aftersales.claims`).
    """

    claim_id: str
    status: str
    reason: str | None = None
    retire_by: str | None = None
    earlier: str | None = None
    receipt: dict[str, Any] | None = None
    new: bool = False

    @property
    def recorded(self) -> bool:
        """Whether the claim is in the event log: approved, or to be looked at."""
        return self.status != _DECLINED

    @property
    def approved(self) -> bool:
        """Whether the claim was approved at once, whatever became of it later."""
        return self.status not in (UNDER_REVIEW, _DECLINED)

    def document(self) -> dict[str, Any]:
        """The decision as a JSON object."""
        return {
            "claim_id": self.claim_id,
            "decision": self._decision,
            "reason": self.reason,
            "status": self.status,
            "retire_by": self.retire_by,
            "earlier": self.earlier,
            "receipt": self.receipt,
        }

    @property
    def _decision(self) -> str:
        return APPROVED if self.approved else self.status


def declined(identifier: str, reason: str, earlier: str | None = None) -> Decision:
    """A decline. It leaves no trace: its reason can be checked against the public logs."""
    return Decision(identifier, _DECLINED, reason, earlier=earlier)


def decided_event(
    identifier: str,
    time: str,
    body: ClaimBody,
    proof: bytes,
    proof_tags: Sequence[bytes],
    *,
    retire_by: str | None,
    decision: str,
) -> dict[str, Any]:
    """The event of a claim that was not declined: all that anyone needs to check it again."""
    return {
        "type": DECIDED,
        "time": time,
        "claim_id": identifier,
        "decision": decision,
        "claim": body.document(),
        "proof": encode_base64(proof),
        "tags": [tag.hex() for tag in proof_tags],
        "retire_by": retire_by,
    }


def retired_event(kind: str, identifier: str, time: str, secret: bytes) -> dict[str, Any]:
    """The event that ends an ownership by a ``claim`` or a ``transfer``.

    From here on the secret is public.
    """
    return {
        "type": OWNERSHIP_RETIRED,
        "time": time,
        f"{kind}_id": identifier,
        "secret": secret.hex(),
    }
