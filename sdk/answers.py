"""What answers to claims and to transfers have in common: how they are worded, and how checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json

__all__ = ["Answer", "Form", "require_day", "require_said"]

_DECLINED = "declined"
_LATEST = 2  # days; a verifier takes requests of today and yesterday, and may decide at midnight


@dataclass(frozen=True)
class Answer:
    """A decision as the service words it; only ``receipt`` can be verified."""

    decision: str
    status: str
    reason: str | None
    receipt: Mapping[str, Any] | None

    @property
    def recorded(self) -> bool:
        """Whether the event log must have it: all but a decline."""
        return self.decision != _DECLINED


@dataclass(frozen=True)
class Form:
    """What answers to one kind of request look like.

    ``identifier`` is the member that names the request; ``others`` are those beside what all
    answers have; ``statuses`` those of each decision but declines, which have ``reasons``.
    """

    identifier: str
    others: frozenset[str]
    statuses: Mapping[str, tuple[str, ...]]
    reasons: tuple[str, ...]

    def parse(self, document: Any, identifier: str) -> Answer:
        """The answer to the request of this name; ``FormatError`` for any other."""
        members = {self.identifier, "decision", "reason", "status", "receipt", *self.others}
        if not isinstance(document, dict) or document.keys() != members:
            raise FormatError("not the members of an answer", "decision")
        if document[self.identifier] != identifier:
            raise FormatError("an answer to another request", self.identifier)
        decision, status = document["decision"], document["status"]
        reason, receipt = document["reason"], document["receipt"]
        statuses = {**self.statuses, _DECLINED: (_DECLINED,)}
        if not isinstance(decision, str) or decision not in statuses:
            raise FormatError("no such decision", "decision")
        if status not in statuses[decision]:
            raise FormatError("not a status of that decision", "status")
        answer = Answer(decision, status, reason, receipt)
        if (reason is not None) if answer.recorded else (reason not in self.reasons):
            raise FormatError("not a reason of that decision", "reason")
        if isinstance(receipt, dict) is not answer.recorded:
            raise FormatError("a decline has no receipt, all else has one", "receipt")
        return answer


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
