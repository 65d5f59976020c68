"""What follows claims: cases, and the attachments of their steps."""

import calendar
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, text

from commitments.wire import parse_decimal

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables, and enter the claims that have been approved so far."""
    op.add_column("approved", Column("canceled_at", BigInteger))
    op.create_table(
        "cases",
        Column("origin", String, primary_key=True),
        Column("claim_id", String, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("state", String, nullable=False),
        Column("opened", String, nullable=False),
        Column("moved", String, nullable=False),
        Column("due", String),
        Column("number", Integer, nullable=False),
    )
    op.create_index("cases_by_position", "cases", ["origin", "position"])
    op.create_index("cases_by_state", "cases", ["origin", "state", "position"])
    op.create_index("cases_by_due", "cases", ["origin", "due"])
    op.create_table(
        "case_events",
        Column("origin", String, primary_key=True),
        Column("claim_id", String, primary_key=True),
        Column("position", BigInteger, primary_key=True),
    )
    op.create_table(
        "attachments",
        Column("origin", String, primary_key=True),
        Column("claim_id", String, primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("digest", String, primary_key=True),
        Column("written_by", String, nullable=False),
        Column("size", Integer, nullable=False),
        Column("content", LargeBinary, nullable=False),
    )
    _enter_what_was_approved()


def _enter_what_was_approved() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        text("SELECT origin, identifier, position, retired_at FROM approved WHERE kind = 'claim'")
    ).all()
    policy_at = text(
        "SELECT position FROM policies"
        " WHERE origin = :origin AND policy = :policy AND version = :version"
    )
    enter = text(
        "INSERT INTO cases (origin, claim_id, position, state, opened, moved, due, number)"
        " VALUES (:origin, :claim_id, :position, 'approved', :opened, :moved, :due, 0)"
    )
    note = text("INSERT INTO case_events (origin, claim_id, position) VALUES (:o, :c, :p)")
    event = _event_reader(connection)
    for row in rows:
        decided = event(row.origin, row.position)
        claim, moved = decided["claim"], decided["time"]
        if row.retired_at is not None:
            moved = event(row.origin, row.retired_at)["time"]
        named = {"origin": row.origin, "policy": claim["policy"], "version": claim["version"]}
        policy = event(row.origin, connection.execute(policy_at, named).scalar_one())["policy"]
        waits = policy.get("ends_ownership", False) and row.retired_at is None
        entered = {
            "origin": row.origin,
            "claim_id": row.identifier,
            "position": row.position,
            "opened": decided["time"],
            "moved": moved,
            "due": None if waits else _after(policy["response_time"], moved),
        }
        connection.execute(enter, entered)
        for position in (row.position, row.retired_at):
            if position is not None:
                connection.execute(note, {"o": row.origin, "c": row.identifier, "p": position})


def _event_reader(connection: Any) -> Callable[[str, int], Any]:
    entry = text(
        "SELECT data FROM log_entries JOIN logs ON log_id = logs.id"
        " WHERE logs.origin = :log AND log_entries.position = :position"
    )

    def read(origin: str, position: int) -> Any:
        found = connection.execute(entry, {"log": f"{origin}/events", "position": position})
        return json.loads(bytes(found.scalar_one()))

    return read


def _after(response_time: str, moved: str) -> str:
    """What policies.durations computes today, which a migration must not depend on."""
    years, months, weeks, days = (
        sum(parse_decimal(n, "") for n in re.findall(rf"([0-9]+){unit}", response_time))
        for unit in "YMWD"
    )
    begin = datetime.fromisoformat(moved)
    count = begin.year * 12 + begin.month - 1 + 12 * years + months
    year, month = count // 12, count % 12 + 1
    day = min(begin.day, calendar.monthrange(year, month)[1])
    due = begin.replace(year=year, month=month, day=day) + timedelta(days=7 * weeks + days)
    return due.strftime("%Y-%m-%dT%H:%M:%SZ")
