"""How much a purchase log grows and how much of it is taken back, month by month.

An entry counts in the month of the first close that covers it: of the period that was closed where
periods are days, else of the moment of the close. So everybody who has both logs counts the same.
The table is a projection: it says nothing that the logs do not say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, String, Table, func, insert, select, update

from commitments.attributes import EPOCH
from commitments.errors import FormatError
from ledger.closes import CLOSED, Close
from ledger.event_log import event_kinds, last_events, read_declaration
from ledger.events import DAILY, events_origin, parse_event
from ledger.log import Log
from ledger.schema import entries, logs, metadata
from ledger.void_events import void_reasons
from ledger.voided import REASONS

__all__ = ["UNSTATED", "month_counts", "note_closes", "statistics"]

UNSTATED = "unstated"
"""The reason of voids from before reasons were logged."""

_KINDS = {b"\x01": "purchases", b"\x02": "voids", b"\x03": "transfers", b"\x04": "sales"}
_VOIDS, _VOIDS_FOR = "voids", "voids:"

month_counts = Table(
    "month_counts",
    metadata,
    Column("origin", String, primary_key=True),
    Column("month", String, primary_key=True),
    Column("what", String, primary_key=True),
    Column("amount", BigInteger, nullable=False),
)
"""How many entries of each kind, and voids for each reason, the closes of a month cover first."""


def note_closes(
    connection: Connection, origin: str, events: Sequence[tuple[int, Mapping[str, Any]]]
) -> None:
    """Count what at least one close covers first, given with their places, in their order.

    The reasons of the voids among it are in their table already.
    """
    daily = read_declaration(connection, origin).period == DAILY
    covered = _covered_before(connection, origin, events[0][0])
    for _, event in events:
        with suppress(FormatError):  # a log that is a copy may have closes that are none
            close = Close.from_event(event, origin)
            month = _month_of_day(close.period) if daily else event["time"][:7]
            _add(connection, origin, month, _counted(connection, origin, covered, close.size))
            covered = close.size


def statistics(connection: Connection, origin: str) -> dict[str, Any]:
    """The months with any entry, oldest first, and all of them together, as JSON."""
    query = select(month_counts).where(month_counts.c.origin == origin)
    months: dict[str, Counter[str]] = {}
    for row in connection.execute(query.order_by(month_counts.c.month)):
        months.setdefault(row.month, Counter())[row.what] = row.amount
    total: Counter[str] = sum(months.values(), Counter())
    last = last_events(connection, origin, CLOSED, 1)
    return {
        "origin": origin,
        "size": last[0][1]["size"] if last else 0,
        "total": _document(total),
        "months": [{"month": month, **_document(counts)} for month, counts in months.items()],
    }


def _document(counts: Counter[str]) -> dict[str, Any]:
    reasons = {reason: counts[_VOIDS_FOR + reason] for reason in REASONS}
    stated = sum(reasons.values())
    purchases, voided = counts["purchases"], counts[_VOIDS]
    return {
        "purchases": purchases,
        "sales": counts["sales"],
        "transfers": counts["transfers"],
        "voids": {**reasons, UNSTATED: voided - stated},
        "voids_per_thousand": 1000 * voided // purchases if purchases else None,
    }


def _covered_before(connection: Connection, origin: str, position: int) -> int:
    """The size of the last close before that place in the event log."""
    query = select(event_kinds.c.position).where(
        event_kinds.c.origin == origin,
        event_kinds.c.type == CLOSED,
        event_kinds.c.position < position,
    )
    earlier = connection.scalar(query.order_by(event_kinds.c.position.desc()).limit(1))
    if earlier is None:
        return 0
    event = parse_event(Log(connection, events_origin(origin)).entry(earlier))
    size: int = event["size"]
    return size


def _counted(connection: Connection, origin: str, start: int, stop: int) -> Counter[str]:
    """How many entries of each kind, and voids for each reason, there are from start to stop."""
    kind = func.substr(entries.c.data, 1, 1)
    by_kind = (
        select(kind, func.count())
        .join(logs, logs.c.id == entries.c.log_id)
        .where(logs.c.origin == origin, entries.c.position >= start, entries.c.position < stop)
        .group_by(kind)
    )
    by_reason = (
        select(void_reasons.c.reason, func.count())
        .where(
            void_reasons.c.origin == origin,
            void_reasons.c.position >= start,
            void_reasons.c.position < stop,
        )
        .group_by(void_reasons.c.reason)
    )
    return Counter(dict(_named(connection, by_kind, by_reason)))


def _named(connection: Connection, by_kind: Any, by_reason: Any) -> Iterator[tuple[str, int]]:
    for first, count in connection.execute(by_kind):
        if bytes(first) in _KINDS:
            yield _KINDS[bytes(first)], count
    for reason, count in connection.execute(by_reason):
        yield _VOIDS_FOR + reason, count


def _add(connection: Connection, origin: str, month: str, counts: Counter[str]) -> None:
    for what, amount in counts.items():
        row = {"origin": origin, "month": month, "what": what}
        chosen = [month_counts.c[name] == value for name, value in row.items()]
        more = update(month_counts).where(*chosen).values(amount=month_counts.c.amount + amount)
        if connection.execute(more).rowcount == 0:
            connection.execute(insert(month_counts).values(**row, amount=amount))


def _month_of_day(period: int) -> str:
    return (EPOCH + timedelta(days=period)).isoformat()[:7]
