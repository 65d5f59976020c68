"""Approved claims and used tags: written with their events, read for later claims."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import Row

from commitments.wire import parse_hex
from ledger.event_log import append_events
from ledger.store import Transaction
from policies.claim import claim_scopes, parse_claim
from verifier.approvals import CLAIM, approvals, read_receipts, status_at
from verifier.decision import Decision
from verifier.schema import approved, tags

__all__ = [
    "claims_with_tags",
    "find_decisions",
    "note_approvals",
    "read_decisions",
    "record_approvals",
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
    used, rows = [], []
    for position, event in events:
        identifier = event["claim_id"]
        body = parse_claim(event["claim"])
        scope = claim_scopes(origin, body.policy, body.number)[0].text
        serial_tag, secret_tag = (parse_hex(tag, "tags") for tag in event["tags"])
        used.append({"origin": origin, "scope": scope, "tag": serial_tag, "claim_id": identifier})
        rows.append(
            {
                "origin": origin,
                "identifier": identifier,
                "kind": CLAIM,
                "position": position,
                "scope": scope,
                "secret_tag": secret_tag,
                "retire_by": event["retire_by"],
            }
        )
    connection.execute(insert(tags), used)
    connection.execute(insert(approved), rows)


def claims_with_tags(
    connection: Connection, origin: str, scope: str, serial_tags: Collection[bytes]
) -> dict[bytes, str]:
    """Those of the serial tags that are used under this scope, with the approved claims."""
    query = select(tags.c.tag, tags.c.claim_id).where(
        tags.c.origin == origin, tags.c.scope == scope, tags.c.tag.in_(serial_tags)
    )
    return {row.tag: row.claim_id for row in connection.execute(query)}


def read_decisions(
    connection: Connection, origin: str, rows: Sequence[Row[Any]], now: str
) -> list[Decision]:
    """Approved claims with their receipts; see :func:`verifier.approvals.read_receipts`."""
    receipts = read_receipts(connection, origin, [row.position for row in rows])
    return [
        Decision(
            row.identifier,
            status_at(row, now),
            retire_by=row.retire_by,
            receipt=receipt.document(),
        )
        for row, receipt in zip(rows, receipts, strict=True)
    ]


def find_decisions(
    connection: Connection, origin: str, identifiers: Collection[str], now: str
) -> dict[str, Decision]:
    """Those of the claims that are approved, with their receipts."""
    rows = list(approvals(connection, origin, CLAIM, identifiers).values())
    found = read_decisions(connection, origin, rows, now)
    return {decision.claim_id: decision for decision in found}
