"""Why purchases were declared void: events beside the void entries, in the database."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, String, Table, insert, select

from commitments.errors import FormatError
from ledger.event_log import append_events, events_of, last_events
from ledger.schema import logs, metadata, voids
from ledger.store import Transaction
from ledger.voided import VOIDED, Voided

__all__ = [
    "append_voided",
    "note_voided",
    "void_faults",
    "void_reasons",
]

void_reasons = Table(
    "void_reasons",
    metadata,
    Column("origin", String, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String, nullable=False),
)
"""The reasons by the place of the void entry in the purchase log."""


def append_voided(transaction: Transaction, origin: str, made: Sequence[Voided], time: str) -> None:
    """Log the reasons of at least one void, in the order of their entries."""
    last = last_events(transaction.connection, origin, VOIDED, 1)
    first = last[0][1]["number"] + 1 if last else 0
    events = [
        {"type": VOIDED, "time": time, "number": number, **voided.document()}
        for number, voided in enumerate(made, first)
    ]
    positions = append_events(transaction, origin, events)
    note_voided(transaction.connection, origin, list(zip(positions, events, strict=True)))


def note_voided(
    connection: Connection, origin: str, events: Sequence[tuple[int, Mapping[str, Any]]]
) -> None:
    """Enter at least one reason into the table."""
    rows = [
        {"origin": origin, "position": event["index"], "reason": event["reason"]}
        for _, event in events
    ]
    connection.execute(insert(void_reasons), rows)


def void_faults(connection: Connection, origin: str) -> Iterator[str]:
    """Where the event log gives reasons for voids that the purchase log has not."""
    events = [event for _, event in events_of(connection, origin, [VOIDED])]
    try:
        told = [Voided.from_event(event) for event in events]
    except FormatError:
        yield "the event log's reasons for voids cannot be read"
        return
    if [event["number"] for event in events] != list(range(len(events))):
        yield "the event log's reasons for voids are not numbered without gaps"
    query = select(voids.c.position, voids.c.voided).join(logs).where(logs.c.origin == origin)
    made = {(row.position, row.voided) for row in connection.execute(query)}
    named = [(one.index, one.voided) for one in told]
    if len(set(named)) < len(named) or not set(named) <= made:
        yield "the event log gives reasons for voids that the purchase log has not"
