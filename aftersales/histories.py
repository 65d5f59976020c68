"""What became of every claim of a log, move by move.

The fold that reports, overviews and audits share: the versions of the policies, the case of each
claim (:mod:`aftersales.claims`), and who moved when.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aftersales.claims import DECIDED, Case, advance, begin_case
from aftersales.steps import STEP
from aftersales.versions import VersionFold
from commitments.errors import FormatError, VerificationError
from commitments.wire import parse_base64
from ledger.events import OWNERSHIP_RETIRED
from policies.claim import ClaimBody, claim_id, parse_claim
from policies.versions import Version

__all__ = ["OWNER", "Histories", "History", "Move"]

OWNER = "owner"
"""Who ends an ownership, with the secret that only they knew."""


@dataclass(frozen=True)
class Move:
    """One event of a claim: at ``index`` of the event log, and how the case stands after it.

    ``step`` is the name of the step, or ``retire``; ``by`` is ``merchant``, ``buyer`` or
    :data:`OWNER`. ``due`` is until when the merchant has to move next, ``None`` while it has not;
    ``reason`` is that of a decline or dispute.
    """

    index: int
    time: str
    by: str
    step: str
    state: str
    due: str | None
    reason: str | None = None


@dataclass
class History:
    """A claim: where its ``claim.decided`` stands, its case as it is now, and its moves.

    ``version`` is that of its policy, as the events before the decision made it; ``first_due`` is
    until when the merchant had to move first, ``None`` where the owner had to leave before.
    ``tags`` are the two that its proof shows, in hex: of the slot, and of the owner for this slot.
    """

    index: int
    version: Version
    case: Case
    first_due: str | None
    tags: tuple[str, ...]
    moves: list[Move] = field(default_factory=list)


class Histories:
    """Reads the events of the event log that belongs to ``origin``, in their order.

    ``claims`` are by claim id, in the order of their decisions.
    """

    def __init__(self, origin: str) -> None:
        self.versions = VersionFold(origin)
        self.claims: dict[str, History] = {}

    def read(self, index: int, event: Mapping[str, Any]) -> None:
        """The next event; of other types than those of policies and claims nothing is kept.

        ``FormatError``, ``VerificationError`` or ``Refused`` for one that no service that keeps to
        the rules would log; nothing has changed then.
        """
        self.versions.read(event)
        if event["type"] == DECIDED:
            body = parse_claim(event["claim"])
            self.decide(index, event, body, claim_id(body, parse_base64(event["proof"], "proof")))
        elif event["type"] == STEP or (event["type"] == OWNERSHIP_RETIRED and "claim_id" in event):
            self._advance(index, event)

    def decide(
        self, index: int, event: Mapping[str, Any], body: ClaimBody, identifier: str
    ) -> None:
        """The same for a ``claim.decided`` that has been read: its claim, and the id of that."""
        version = self.versions.version(body.policy, body.version)
        if version is None:
            raise VerificationError("names a policy that is not published", "claim.policy")
        case = begin_case(event, body, version.policy)
        if case.claim_id != identifier:
            raise VerificationError("not the id of this claim", "claim_id")
        if case.claim_id in self.claims:
            raise VerificationError("decided a second time", "claim_id")
        self.claims[case.claim_id] = History(index, version, case, case.due, _tags(event))

    def _advance(self, index: int, event: Mapping[str, Any]) -> None:
        history = self.claims.get(event["claim_id"])
        if history is None:
            raise VerificationError("about a claim that was not decided", "claim_id")
        case = history.case = advance(history.case, event)
        by, step, reason = event.get("by", OWNER), event.get("step", "retire"), event.get("reason")
        history.moves.append(Move(index, event["time"], by, step, case.state, case.due, reason))


def _tags(event: Mapping[str, Any]) -> tuple[str, ...]:
    tags = event.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise FormatError("not a list of tags", "tags")
    return tuple(tags)
