"""Which events somebody watches, and what has passed of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from aftersales.claims import DECIDED
from aftersales.steps import STEP
from commitments.errors import Refused
from ledger.event_log import event_kinds
from ledger.events import OWNERSHIP_RETIRED, events_origin, parse_event
from ledger.log import Log
from verifier.schema import case_events

__all__ = ["CLAIM_EVENTS", "Interest", "require_claim"]

CLAIM_EVENTS = (DECIDED, STEP, OWNERSHIP_RETIRED)
"""What follows a claim, with its decision."""

_PAGE = 100

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Interest:
    """Events of these types in the event log of ``origin``; of one claim, or all."""

    origin: str
    types: frozenset[str]
    claim_id: str | None = None

    def takes(self, event: Event) -> bool:
        """Whether it is one of them."""
        of_claim = self.claim_id is None or event.get("claim_id") == self.claim_id
        return of_claim and event["type"] in self.types

    def missed(
        self, connection: Connection, start: int, stop: int
    ) -> tuple[Sequence[tuple[int, Event]], int]:
        """A page of them between two places in the log, and the place that it reaches."""
        query = self._positions(start, stop).limit(_PAGE)
        positions = connection.scalars(query).all()
        entries = Log(connection, events_origin(self.origin)).entries_at(positions)
        events = list(zip(positions, map(parse_event, entries), strict=True))
        return events, positions[-1] + 1 if len(positions) == _PAGE else stop

    def _positions(self, start: int, stop: int) -> "Select[Any]":
        table = event_kinds if self.claim_id is None else case_events
        query = select(table.c.position).where(
            table.c.origin == self.origin, table.c.position >= start, table.c.position < stop
        )
        if self.claim_id is None:
            query = query.where(event_kinds.c.type.in_(self.types))
        else:
            query = query.where(case_events.c.claim_id == self.claim_id)
        return query.order_by(table.c.position)


def require_claim(connection: Connection, origin: str, claim_id: str) -> None:
    """``Refused`` unless the event log has a claim of this id."""
    query = select(case_events.c.position).where(
        case_events.c.origin == origin, case_events.c.claim_id == claim_id
    )
    if connection.execute(query).first() is None:
        raise Refused("unknown-claim", "no claim in the log has this id", "claim_id")
