"""Approved claims and used tags: written with their events, read for later claims."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.engine import Row

from commitments.errors import Refused
from commitments.wire import parse_hex
from ledger.event_log import append_event
from ledger.event_receipt import EventReceipt
from ledger.events import parse_event
from ledger.log import Log
from ledger.store import Transaction
from ledger.tlog_proof import TlogProof
from policies.claim import claim_scopes, parse_claim
from verifier.decision import APPROVED, AWAITING_SECRET, COMPLETED, LAPSED, Decision
from verifier.schema import decisions, tags

__all__ = [
    "approval",
    "claim_with_tag",
    "complete",
    "find_approval",
    "note_approval",
    "read_decision",
    "record_approval",
    "status_at",
]


def record_approval(transaction: Transaction, origin: str, event: dict[str, Any]) -> Decision:
    """Append the event of an approval, and use up its serial tag, in one transaction.

    That the serial tag is new has been checked in this transaction; the primary key of ``tags``
    would not let it pass.
    """
    position = append_event(transaction, origin, event)
    note_approval(transaction.connection, origin, position, event)
    return Decision(event["claim_id"], _status(event), retire_by=event["retire_by"], new=True)


def note_approval(
    connection: Connection, origin: str, position: int, event: Mapping[str, Any]
) -> None:
    """Enter an approval and its used tag into the tables, from its event alone."""
    identifier = event["claim_id"]
    body = parse_claim(event["claim"])
    scope = claim_scopes(origin, body.policy, body.number)[0].text
    serial_tag, secret_tag = (parse_hex(tag, "tags") for tag in event["tags"])
    used = {"origin": origin, "scope": scope, "tag": serial_tag, "claim_id": identifier}
    approved = {
        "origin": origin,
        "claim_id": identifier,
        "position": position,
        "scope": scope,
        "secret_tag": secret_tag,
        "status": _status(event),
        "retire_by": event["retire_by"],
    }
    connection.execute(insert(tags), used)
    connection.execute(insert(decisions), approved)


def _status(event: Mapping[str, Any]) -> str:
    """The status of an approval when it is given."""
    return APPROVED if event["retire_by"] is None else AWAITING_SECRET


def complete(connection: Connection, origin: str, identifier: str) -> None:
    """Note that the owner has shown its secret."""
    chosen = decisions.c.origin == origin, decisions.c.claim_id == identifier
    connection.execute(update(decisions).where(*chosen).values(status=COMPLETED))


def claim_with_tag(
    connection: Connection, origin: str, scope: str, serial_tag: bytes
) -> str | None:
    """The approved claim that has used this serial tag under this scope."""
    used = select(tags.c.claim_id).where(
        tags.c.origin == origin, tags.c.scope == scope, tags.c.tag == serial_tag
    )
    identifier: str | None = connection.scalar(used)
    return identifier


def find_approval(connection: Connection, origin: str, identifier: str) -> Row[Any] | None:
    """The row of an approved claim."""
    chosen = decisions.c.origin == origin, decisions.c.claim_id == identifier
    return connection.execute(select(decisions).where(*chosen)).first()


def approval(connection: Connection, origin: str, identifier: str) -> Row[Any]:
    """The row of an approved claim; ``Refused`` where there is none."""
    row = find_approval(connection, origin, identifier)
    if row is None:
        raise Refused("unknown-claim", "no approved claim has this id", "claim_id")
    return row


def status_at(row: Row[Any], now: str) -> str:
    """The status of an approval at the event time ``now``; event times compare as text."""
    overdue = row.status == AWAITING_SECRET and row.retire_by < now
    return LAPSED if overdue else str(row.status)


def read_decision(log: Log, row: Row[Any], now: str) -> Decision:
    """An approval with its receipt: its event and the proof that it is in the event log."""
    hashes = log.inclusion(row.position, log.size)
    proof = TlogProof(row.position, tuple(hashes), log.checkpoint())
    receipt = EventReceipt(parse_event(log.entry(row.position)), proof).document()
    return Decision(row.claim_id, status_at(row, now), retire_by=row.retire_by, receipt=receipt)
