"""Writing and reading a merchant's event log through the database.

``event_kinds`` repeats the type of each event, so that the closes of a log with a million claims
can be read without reading the claims. It is a projection: it says nothing the log does not say.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Select, String, Table, insert, select

from ledger.events import LogDeclaration, encode_event, events_origin, parse_event
from ledger.log import Log
from ledger.schema import metadata
from ledger.store import Transaction

__all__ = [
    "append_event",
    "append_events",
    "event_kinds",
    "events_of",
    "last_events",
    "note_kinds",
    "read_declaration",
]

event_kinds = Table(
    "event_kinds",
    metadata,
    Column("origin", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("type", String, nullable=False),
)
Index("event_kinds_by_type", event_kinds.c.origin, event_kinds.c.type, event_kinds.c.position)


def append_event(transaction: Transaction, origin: str, event: Mapping[str, Any]) -> int:
    """Append ``event`` to the event log of the purchase log ``origin``; its index there."""
    (position,) = append_events(transaction, origin, [event])
    return position


def append_events(
    transaction: Transaction, origin: str, events: Sequence[Mapping[str, Any]]
) -> range:
    """Append at least one event, all or none; their indices."""
    positions = transaction.append(events_origin(origin), [encode_event(e) for e in events])
    note_kinds(transaction.connection, origin, list(zip(positions, events, strict=True)))
    return positions


def note_kinds(
    connection: Connection, origin: str, events: Sequence[tuple[int, Mapping[str, Any]]]
) -> None:
    """Enter at least one event, with its index, into ``event_kinds``."""
    rows = [{"origin": origin, "position": p, "type": event["type"]} for p, event in events]
    connection.execute(insert(event_kinds), rows)


def events_of(
    connection: Connection, origin: str, types: Collection[str], start: int = 0
) -> list[tuple[int, dict[str, Any]]]:
    """Index and event of all events of these types, from ``start`` on."""
    query = _positions(origin, types).where(event_kinds.c.position >= start)
    ascending = query.order_by(event_kinds.c.position)
    return _read(connection, origin, list(connection.scalars(ascending)))


def last_events(
    connection: Connection, origin: str, kind: str, count: int
) -> list[tuple[int, dict[str, Any]]]:
    """Index and event of the last ``count`` events of a type, ascending."""
    query = _positions(origin, [kind]).order_by(event_kinds.c.position.desc()).limit(count)
    return _read(connection, origin, list(connection.scalars(query))[::-1])


def _positions(origin: str, types: Collection[str]) -> "Select[Any]":
    return select(event_kinds.c.position).where(
        event_kinds.c.origin == origin, event_kinds.c.type.in_(types)
    )


def _read(
    connection: Connection, origin: str, positions: Sequence[int]
) -> list[tuple[int, dict[str, Any]]]:
    if not positions:  # as in most rounds of claims
        return []
    entries = Log(connection, events_origin(origin)).entries_at(positions)
    return [(p, parse_event(entry)) for p, entry in zip(positions, entries, strict=True)]


def read_declaration(connection: Connection, origin: str) -> LogDeclaration:
    """What the merchant fixed for the life of the log ``origin``."""
    return LogDeclaration.from_event(parse_event(Log(connection, events_origin(origin)).entry(0)))
