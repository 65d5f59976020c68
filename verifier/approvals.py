"""What recorded claims and approved transfers have in common: a row, a status and a receipt.

Both stand in one table, since an owner's next claim, refund or transfer decides what becomes of an
earlier one (docs/protocol.md 8, *Retiring*).
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.engine import Row

from aftersales.claims import APPROVED, CANCELED
from commitments.errors import Refused
from ledger.event_receipt import EventReceipt
from ledger.events import events_origin, parse_event
from ledger.log import Log
from verifier.decision import AWAITING_SECRET, COMPLETED, LAPSED
from verifier.schema import approved

__all__ = [
    "CLAIM",
    "TRANSFER",
    "approval",
    "approvals",
    "complete",
    "read_receipts",
    "status_at",
]

CLAIM = "claim"
TRANSFER = "transfer"


def approvals(
    connection: Connection, origin: str, kind: str, identifiers: Collection[str]
) -> dict[str, Row[Any]]:
    """The rows of those of the claims, or of the transfers, that are in the event log."""
    query = select(approved).where(
        approved.c.origin == origin,
        approved.c.identifier.in_(identifiers),
        approved.c.kind == kind,
    )
    return {row.identifier: row for row in connection.execute(query)}


def approval(connection: Connection, origin: str, kind: str, identifier: str) -> Row[Any]:
    """The row of a claim or transfer in the event log; ``Refused`` where there is none."""
    row = approvals(connection, origin, kind, [identifier]).get(identifier)
    if row is None:
        raise Refused(f"unknown-{kind}", f"no {kind} in the log has this id", f"{kind}_id")
    return row


def complete(connection: Connection, origin: str, identifier: str, position: int) -> None:
    """Note the place of the event by which the owner has shown its secret."""
    chosen = approved.c.origin == origin, approved.c.identifier == identifier
    connection.execute(update(approved).where(*chosen).values(retired_at=position))


def status_at(row: Row[Any], now: str) -> str:
    """The status of an approval at the event time ``now``; event times compare as text."""
    if row.retire_by is None:
        return APPROVED
    if row.canceled_at is not None:
        return CANCELED
    if row.retired_at is not None:
        return COMPLETED
    return LAPSED if row.retire_by < now else AWAITING_SECRET


def read_receipts(
    connection: Connection, origin: str, positions: Sequence[int]
) -> list[EventReceipt]:
    """Events with the proofs that they are in the log.

    Those that witnesses have been asked about get what they have signed, whatever the others get.
    """
    if not positions:
        return []
    log_origin = events_origin(origin)
    early = late = Log.published(connection, log_origin, min(positions))
    if max(positions) >= early.size:
        late = Log.published(connection, log_origin, max(positions))
    events = map(parse_event, late.entries_at(positions))
    return [
        EventReceipt(event, (early if position < early.size else late).tlog_proof(position))
        for position, event in zip(positions, events, strict=True)
    ]
