"""Claims by where they stand: who has waited for too long is nobody's secret."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select
from sqlalchemy.engine import Row

from aftersales.claims import STATES
from verifier.approvals import CLAIM
from verifier.decision import Decision
from verifier.decision_book import read_decisions
from verifier.schema import approved, cases

__all__ = ["ListedClaim", "count_claims", "list_claims"]


@dataclass(frozen=True)
class ListedClaim:
    """A claim with its decision, and where its case stood at a moment."""

    decision: Decision
    row: Row[Any]
    now: str

    @property
    def position(self) -> int:
        """Where the decision stands in the event log."""
        position: int = self.row.position
        return position

    def document(self) -> dict[str, Any]:
        """The decision as a JSON object, with a member ``case``."""
        row = self.row
        case = {
            "state": row.state,
            "opened": row.opened,
            "moved": row.moved,
            "due": row.due,
            "overdue": row.due is not None and row.due < self.now,
            "number": row.number,
        }
        return {**self.decision.document(), "case": case}


def list_claims(
    connection: Connection,
    origin: str,
    now: str,
    after: int,
    limit: int,
    *,
    state: str | None = None,
    overdue: bool | None = None,
) -> list[ListedClaim]:
    """Claims in the order of the event log, from behind position ``after`` on.

    Those in a ``state``, and those that are overdue at the event time ``now``, or are not.
    """
    chosen = [cases.c.origin == origin, cases.c.position > after]
    if state is not None:
        chosen.append(cases.c.state == state)
    if overdue is not None:
        chosen.append(_is_overdue(now) if overdue else ~_is_overdue(now))
    of_claim = and_(
        approved.c.origin == cases.c.origin,
        approved.c.identifier == cases.c.claim_id,
        approved.c.kind == CLAIM,
    )
    decided = approved.c.identifier, approved.c.retire_by, approved.c.retired_at
    query = select(cases, *decided, approved.c.canceled_at).join(approved, of_claim)
    ordered = query.where(*chosen).order_by(cases.c.position).limit(limit)
    rows = connection.execute(ordered).all()
    decisions = read_decisions(connection, origin, rows, now)
    return [ListedClaim(*each, now) for each in zip(decisions, rows, strict=True)]


def count_claims(connection: Connection, origin: str, now: str) -> dict[str, Any]:
    """How many claims are in each state, and how many are overdue at the event time ``now``."""
    of_origin = cases.c.origin == origin
    query = select(cases.c.state, func.count()).where(of_origin).group_by(cases.c.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    overdue = select(func.count()).select_from(cases).where(of_origin, _is_overdue(now))
    return {
        "states": {state: found.get(state, 0) for state in STATES},
        "overdue": connection.execute(overdue).scalar_one(),
    }


def _is_overdue(now: str) -> ColumnElement[bool]:
    return and_(cases.c.due.is_not(None), cases.c.due < now)
