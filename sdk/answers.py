"""What answers to claims and to transfers have in common: how they are worded, and how checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json

__all__ = ["Answer", "Form", "require_day", "require_said"]

_LATEST = 2  # days; a verifier takes requests of today and yesterday, and may decide at midnight


@dataclass(frozen=True)
class Answer:
    """A decision as the service words it; only ``receipt`` can be verified."""

    approved: bool
    status: str
    reason: str | None
    receipt: Mapping[str, Any] | None


@dataclass(frozen=True)
class Form:
    """What answers to one kind of request look like.

    ``identifier`` is the member that names the request; ``others`` are those beside what all
    answers have; ``statuses`` those of approvals, ``reasons`` those of declines.
    """

    identifier: str
    others: frozenset[str]
    statuses: tuple[str, ...]
    reasons: tuple[str, ...]

    def parse(self, document: Any, identifier: str) -> Answer:
        """The answer to the request of this name; ``FormatError`` for any other."""
        members = {self.identifier, "decision", "reason", "status", "receipt", *self.others}
        if not isinstance(document, dict) or document.keys() != members:
            raise FormatError("not the members of an answer", "decision")
        if document[self.identifier] != identifier:
            raise FormatError("an answer to another request", self.identifier)
        approved = document["decision"] == "approved"
        if not approved and document["decision"] != "declined":
            raise FormatError("neither approved nor declined", "decision")
        status, reason, receipt = document["status"], document["reason"], document["receipt"]
        if status not in (self.statuses if approved else ("declined",)):
            raise FormatError("not a status of that decision", "status")
        if (reason is not None) if approved else (reason not in self.reasons):
            raise FormatError("not a reason of that decision", "reason")
        if isinstance(receipt, dict) is not approved:
            raise FormatError("an approval has a receipt, a decline has none", "receipt")
        return Answer(approved, status, reason, receipt)


def require_said(event: Mapping[str, Any], said: Mapping[str, Any], what: str) -> None:
    """``VerificationError`` unless the logged event has exactly these members, among others."""
    for name, value in said.items():
        if canonical_json(event[name]) != canonical_json(value):  # to Python, True is 1
            raise VerificationError(f"{what}: the logged event has another {name}")


def require_day(event: Mapping[str, Any], day: date, what: str) -> datetime:
    """When the event was logged: on ``day``, or soon after where days end elsewhere.

    ``VerificationError`` for any other.
    """
    decided = datetime.fromisoformat(event["time"])
    if not 0 <= (decided.date() - day).days <= _LATEST:
        raise VerificationError(f"{what}: the logged event has another day than the request")
    return decided
