"""Reasons of voids, and what the closes of each month cover first."""

import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, String, Table, text

revision = "0014"
down_revision = "0013"

_EPOCH = date(1970, 1, 1)
_KINDS = {1: "purchases", 2: "voids", 3: "transfers", 4: "sales"}


def upgrade() -> None:
    """Make the tables, and count what the logs have; no void has a reason yet."""
    op.create_table(
        "void_reasons",
        Column("origin", String, primary_key=True),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("reason", String, nullable=False),
    )
    counts = op.create_table(
        "month_counts",
        Column("origin", String, primary_key=True),
        Column("month", String, primary_key=True),
        Column("what", String, primary_key=True),
        Column("amount", BigInteger, nullable=False),
    )
    op.execute("DELETE FROM answers")  # those of an earlier version have another form
    for row in op.get_bind().execute(text("SELECT id, origin FROM logs")).all():
        if not row.origin.endswith("/events"):
            _count(counts, row.id, row.origin)


def _count(counts: Table, log_id: int, origin: str) -> None:
    found: Counter[tuple[str, str]] = Counter()
    covered, kind = 0, "substr(data, 1, 1)"
    query = text(
        f"SELECT {kind} AS kind, count(*) AS amount FROM log_entries"  # noqa: S608 - no input
        f" WHERE log_id = :log_id AND position >= :start AND position < :stop GROUP BY {kind}"
    )
    for month, size in _closes(origin):
        span = {"log_id": log_id, "start": covered, "stop": size}
        for row in op.get_bind().execute(query, span):
            found[month, _KINDS[bytes(row.kind)[0]]] += row.amount
        covered = size
    rows = [
        {"origin": origin, "month": month, "what": what, "amount": amount}
        for (month, what), amount in found.items()
    ]
    op.bulk_insert(counts, rows)


def _closes(origin: str) -> list[tuple[str, int]]:
    """Month and size of each close, in their order."""
    query = text(
        "SELECT data FROM event_kinds JOIN logs ON logs.origin = :events"
        " JOIN log_entries ON log_id = logs.id AND log_entries.position = event_kinds.position"
        " WHERE event_kinds.origin = :origin AND type IN ('log.declared', 'log.closed')"
        " ORDER BY event_kinds.position"
    )
    names = {"events": f"{origin}/events", "origin": origin}
    rows = op.get_bind().execute(query, names).all()
    if not rows:
        return []
    declared, *closes = (json.loads(bytes(row.data)) for row in rows)
    return [(_month(close, declared["period"]), close["size"]) for close in closes]


def _month(close: dict[str, Any], period: str) -> str:
    if period != "P1D":
        month: str = close["time"][:7]
        return month
    return (_EPOCH + timedelta(days=close["period"])).isoformat()[:7]
