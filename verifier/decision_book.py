"""Recorded claims and used tags: written with their events, read for later claims."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.engine import Row

from ledger.event_log import append_events
from ledger.store import Transaction
from policies.policy import Policy
from verifier.approvals import CLAIM, approvals, read_receipts, status_at
from verifier.case_book import CaseBook, CaseFile
from verifier.decision import Decision
from verifier.schema import approved, tags

__all__ = [
    "claims_with_tags",
    "count_claims_of",
    "find_decisions",
    "note_decisions",
    "read_decisions",
    "record_decisions",
]


def record_decisions(
    transaction: Transaction, origin: str, decided: Sequence[tuple[dict[str, Any], Policy]]
) -> None:
    """Append the events of claims, each with its policy, and use up their serial tags.

    In one transaction. That the serial tags are free has been checked in it; the primary key of
    ``tags`` would not let one pass twice.
    """
    events = [event for event, _ in decided]
    positions = append_events(transaction, origin, events)
    book = CaseBook(transaction.connection, origin)
    _note(book, [CaseFile.open(p, *each) for p, each in zip(positions, decided, strict=True)])


def note_decisions(book: CaseBook, events: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Enter recorded claims and their used tags into the tables, from their numbered events."""
    _note(book, [CaseFile.open(p, event, book.policy(event)) for p, event in events])


def _note(book: CaseBook, files: Sequence[CaseFile]) -> None:
    book.open(files)
    rows = [
        {
            "origin": book.origin,
            "identifier": file.case.claim_id,
            "kind": CLAIM,
            "position": file.position,
            "scope": file.scope,
            "secret_tag": file.secret_tag,
            "retire_by": file.events[0][1]["retire_by"],
        }
        for file in files
    ]
    book.connection.execute(insert(approved), rows)


def claims_with_tags(
    connection: Connection, origin: str, scope: str, serial_tags: Collection[bytes]
) -> dict[bytes, str]:
    """Those of the serial tags that are used up under this scope, with their claims."""
    query = select(tags.c.tag, tags.c.claim_id).where(
        tags.c.origin == origin, tags.c.scope == scope, tags.c.tag.in_(serial_tags)
    )
    return {row.tag: row.claim_id for row in connection.execute(query)}


def count_claims_of(
    connection: Connection, origin: str, secret_tags: Collection[bytes]
) -> dict[bytes, int]:
    """How many claims have been recorded with each of the secret tags: of one owner and slot."""
    of_claims = approved.c.origin == origin, approved.c.kind == CLAIM
    query = select(approved.c.secret_tag, func.count()).where(
        *of_claims, approved.c.secret_tag.in_(secret_tags)
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(approved.c.secret_tag))}


def read_decisions(
    connection: Connection, origin: str, rows: Sequence[Row[Any]], now: str
) -> list[Decision]:
    """Recorded claims with their receipts; see :func:`verifier.approvals.read_receipts`."""
    receipts = read_receipts(connection, origin, [row.position for row in rows])
    return [
        Decision(
            row.identifier,
            receipt.event["decision"] if row.retire_by is None else status_at(row, now),
            retire_by=row.retire_by,
            receipt=receipt.document(),
        )
        for row, receipt in zip(rows, receipts, strict=True)
    ]


def find_decisions(
    connection: Connection, origin: str, identifiers: Collection[str], now: str
) -> dict[str, Decision]:
    """Those of the claims that are recorded, with their receipts."""
    rows = list(approvals(connection, origin, CLAIM, identifiers).values())
    found = read_decisions(connection, origin, rows, now)
    return {decision.claim_id: decision for decision in found}
