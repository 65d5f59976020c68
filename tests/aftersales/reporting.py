"""Claims as a report sees them, made without events and proofs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from aftersales.claims import open_case
from aftersales.histories import Histories, History, Move
from aftersales.months import Months
from aftersales.service_report import ReportFacts
from policies.policy import parse_policy
from policies.versions import Version
from tests.aftersales.cases import REVIEWED, decided
from tests.world import ORIGIN

OPENED = "2026-10-05T12:00:00Z"
MOVED = "2026-10-06T12:00:00Z"
AFTER = "2026-11-01T00:00:00Z"
MONTH = "2026-10"
STEPS: dict[str, list[tuple[str, str, str]]] = {
    "under_review": [],
    "approved": [("merchant", "approve", "approved")],
    "completed": [("merchant", "approve", "approved"), ("merchant", "complete", "completed")],
    "declined": [("merchant", "decline", "declined")],
    "canceled": [("buyer", "withdraw", "canceled")],
}
"""The moves that lead to an outcome: whose, which, and the state after it."""


@dataclass(frozen=True)
class Made:
    """A claim of October, and what has come of it by its end."""

    policy: str = REVIEWED["id"]
    remedy: str = "repair"
    outcome: str = "approved"
    reason: str | None = None
    number: int = 0
    opened: str = OPENED
    moved: str = MOVED

    def history(self, name: int, promise: dict[str, Any]) -> History:
        """As the log has it, but for the indices of its events."""
        policy = parse_policy({**promise, "id": self.policy})
        claim = decided(promise, time=self.opened)
        claim["claim"] |= {"policy": self.policy, "remedy": self.remedy, "number": self.number}
        case = replace(open_case(claim, policy), claim_id=f"{name:064x}")
        moves = [
            Move(0, self.moved, by, step, state, None, self.reason)
            for by, step, state in STEPS[self.outcome]
        ]
        return History(0, Version(policy, ""), case, case.due, ("", ""), moves)


def facts(
    claims: Sequence[Made], promise: dict[str, Any] = REVIEWED, voids: Sequence[str] = ()
) -> ReportFacts:
    """A log of these claims and of voids for these reasons in October, and one event after it."""
    histories = [claim.history(name, promise) for name, claim in enumerate(claims)]
    events: list[tuple[str, History | str, int]] = [(MOVED, reason, 0) for reason in voids]
    for history in histories:
        events.append((history.case.opened, history, -1))
        events += [(move.time, history, step) for step, move in enumerate(history.moves)]
    events.sort(key=itemgetter(0))
    voided: dict[int, str] = {}
    for index, (_, told, step) in enumerate(events):
        if isinstance(told, str):
            voided[index] = told
        elif step < 0:
            told.index = index
        else:
            told.moves[step] = replace(told.moves[step], index=index)
    seen = Histories(ORIGIN)
    seen.claims = {history.case.claim_id: history for history in histories}
    return ReportFacts(seen, Months([*(time for time, *_ in events), AFTER]), voided)
