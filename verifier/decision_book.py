"""Approved claims and used tags: written with their events, read for later claims."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.engine import Row

from commitments.errors import Refused
from ledger.event_log import append_event
from ledger.event_receipt import EventReceipt
from ledger.events import parse_event
from ledger.log import Log
from ledger.store import Transaction
from ledger.tlog_proof import TlogProof
from verifier.decision import APPROVED, AWAITING_SECRET, COMPLETED, LAPSED, Decision
from verifier.schema import decisions, tags

__all__ = [
    "approval",
    "claim_with_tag",
    "complete",
    "find_approval",
    "read_decision",
    "record_approval",
    "status_at",
]


def record_approval(
    transaction: Transaction, origin: str, scope: str, event: dict[str, Any], shown: Sequence[bytes]
) -> Decision:
    """Append the event of an approval, and use up its serial tag, in one transaction.

    ``shown`` are the proof's two tags, serial and secret, under ``scope``. That the serial tag is
    new has been checked in this transaction; the primary key of ``tags`` would not let it pass.
    """
    identifier, retire_by = event["claim_id"], event["retire_by"]
    position = append_event(transaction, origin, event)
    serial_tag, secret_tag = shown
    status = APPROVED if retire_by is None else AWAITING_SECRET
    used = {"origin": origin, "scope": scope, "tag": serial_tag, "claim_id": identifier}
    approved = {
        "origin": origin,
        "claim_id": identifier,
        "position": position,
        "scope": scope,
        "secret_tag": secret_tag,
        "status": status,
        "retire_by": retire_by,
    }
    transaction.connection.execute(insert(tags), used)
    transaction.connection.execute(insert(decisions), approved)
    return Decision(identifier, status, retire_by=retire_by, new=True)


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
