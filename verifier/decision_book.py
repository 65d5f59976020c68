"""Approved claims and used tags: written with their events, read for later claims."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.engine import Row

from commitments.errors import Refused
from commitments.wire import parse_hex
from ledger.event_log import append_events
from ledger.event_receipt import EventReceipt
from ledger.events import events_origin, parse_event
from ledger.log import Log
from ledger.store import Transaction
from ledger.tlog_proof import TlogProof
from policies.claim import claim_scopes, parse_claim
from verifier.decision import APPROVED, AWAITING_SECRET, COMPLETED, LAPSED, Decision
from verifier.schema import decisions, tags

__all__ = [
    "approval",
    "approvals",
    "claims_with_tags",
    "complete",
    "find_decisions",
    "note_approvals",
    "read_decisions",
    "record_approvals",
    "status_at",
]


def record_approvals(
    transaction: Transaction, origin: str, events: Sequence[dict[str, Any]]
) -> None:
    """Append the events of approvals, and use up their serial tags, in one transaction.

    That the serial tags are new has been checked in this transaction; the primary key of ``tags``
    would not let one pass twice.
    """
    positions = append_events(transaction, origin, events)
    note_approvals(transaction.connection, origin, list(zip(positions, events, strict=True)))


def note_approvals(
    connection: Connection, origin: str, events: Sequence[tuple[int, Mapping[str, Any]]]
) -> None:
    """Enter approvals and their used tags into the tables, from their numbered events alone."""
    used, approved = [], []
    for position, event in events:
        identifier = event["claim_id"]
        body = parse_claim(event["claim"])
        scope = claim_scopes(origin, body.policy, body.number)[0].text
        serial_tag, secret_tag = (parse_hex(tag, "tags") for tag in event["tags"])
        used.append({"origin": origin, "scope": scope, "tag": serial_tag, "claim_id": identifier})
        approved.append(
            {
                "origin": origin,
                "claim_id": identifier,
                "position": position,
                "scope": scope,
                "secret_tag": secret_tag,
                "status": APPROVED if event["retire_by"] is None else AWAITING_SECRET,
                "retire_by": event["retire_by"],
            }
        )
    connection.execute(insert(tags), used)
    connection.execute(insert(decisions), approved)


def complete(connection: Connection, origin: str, identifier: str) -> None:
    """Note that the owner has shown its secret."""
    chosen = decisions.c.origin == origin, decisions.c.claim_id == identifier
    connection.execute(update(decisions).where(*chosen).values(status=COMPLETED))


def claims_with_tags(
    connection: Connection, origin: str, scope: str, serial_tags: Collection[bytes]
) -> dict[bytes, str]:
    """Those of the serial tags that are used under this scope, with the approved claims."""
    query = select(tags.c.tag, tags.c.claim_id).where(
        tags.c.origin == origin, tags.c.scope == scope, tags.c.tag.in_(serial_tags)
    )
    return {row.tag: row.claim_id for row in connection.execute(query)}


def approvals(
    connection: Connection, origin: str, identifiers: Collection[str]
) -> dict[str, Row[Any]]:
    """The rows of those of the claims that are approved."""
    chosen = decisions.c.origin == origin, decisions.c.claim_id.in_(identifiers)
    return {row.claim_id: row for row in connection.execute(select(decisions).where(*chosen))}


def approval(connection: Connection, origin: str, identifier: str) -> Row[Any]:
    """The row of an approved claim; ``Refused`` where there is none."""
    row = approvals(connection, origin, [identifier]).get(identifier)
    if row is None:
        raise Refused("unknown-claim", "no approved claim has this id", "claim_id")
    return row


def status_at(row: Row[Any], now: str) -> str:
    """The status of an approval at the event time ``now``; event times compare as text."""
    overdue = row.status == AWAITING_SECRET and row.retire_by < now
    return LAPSED if overdue else str(row.status)


def read_decisions(
    connection: Connection, origin: str, rows: Sequence[Row[Any]], now: str
) -> list[Decision]:
    """Approvals with their receipts: their events and the proofs that those are in the log.

    Those that witnesses have been asked about get what they have signed, whatever the others get.
    """
    if not rows:
        return []
    positions, log_origin = [row.position for row in rows], events_origin(origin)
    early = late = Log.published(connection, log_origin, min(positions))
    if max(positions) >= early.size:
        late = Log.published(connection, log_origin, max(positions))
    events = map(parse_event, late.entries_at(positions))
    return [
        _decision(early if row.position < early.size else late, row, event, now)
        for row, event in zip(rows, events, strict=True)
    ]


def find_decisions(
    connection: Connection, origin: str, identifiers: Collection[str], now: str
) -> dict[str, Decision]:
    """Those of the claims that are approved, with their receipts."""
    rows = list(approvals(connection, origin, identifiers).values())
    found = read_decisions(connection, origin, rows, now)
    return {decision.claim_id: decision for decision in found}


def _decision(log: Log, row: Row[Any], event: dict[str, Any], now: str) -> Decision:
    hashes = log.inclusion(row.position, log.size)
    proof = TlogProof(row.position, tuple(hashes), log.checkpoint())
    receipt = EventReceipt(event, proof).document()
    return Decision(row.claim_id, status_at(row, now), retire_by=row.retire_by, receipt=receipt)
