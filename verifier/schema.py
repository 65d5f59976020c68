"""The verifier's tables: projections of the event log, all of them (docs/protocol.md 8).

Nothing here says more than the events do; dropping the tables and replaying the log gives the
same rows.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from ledger.schema import metadata

__all__ = ["approved", "case_events", "cases", "retired", "tags"]

tags = Table(
    "tags",
    metadata,
    Column("origin", String, primary_key=True),
    Column("scope", String, primary_key=True),
    Column("tag", LargeBinary, primary_key=True),
    Column("claim_id", String, nullable=False),
)
"""Serial tags that are used up, once per scope: the primary key is what stops a second claim.

A claim that came to nothing has none here.
"""

approved = Table(
    "approved",
    metadata,
    Column("origin", String, primary_key=True),
    Column("identifier", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("scope", String, nullable=False),
    Column("secret_tag", LargeBinary, nullable=False),
    Column("retire_by", String),
    Column("retired_at", BigInteger),
    Column("canceled_at", BigInteger),
)
"""Recorded claims and approved transfers (``kind``), with where their events stand in the log.

Of those that end the ownership: by when the owner has to show its secret, and where the event
stands by which it has. Of claims that were withdrawn, where that was.
"""
Index("approved_by_position", approved.c.origin, approved.c.kind, approved.c.position)
Index("approved_by_scope", approved.c.origin, approved.c.kind, approved.c.scope)
Index("approved_by_deadline", approved.c.origin, approved.c.kind, approved.c.retire_by)
Index("approved_by_owner", approved.c.origin, approved.c.secret_tag)

cases = Table(
    "cases",
    metadata,
    Column("origin", String, primary_key=True),
    Column("claim_id", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("opened", String, nullable=False),
    Column("moved", String, nullable=False),
    Column("due", String),
    Column("number", Integer, nullable=False),
)
"""Recorded claims as they stand now: what lists need of :class:`aftersales.claims.Case`."""
Index("cases_by_position", cases.c.origin, cases.c.position)
Index("cases_by_state", cases.c.origin, cases.c.state, cases.c.position)
Index("cases_by_due", cases.c.origin, cases.c.due)

case_events = Table(
    "case_events",
    metadata,
    Column("origin", String, primary_key=True),
    Column("claim_id", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
)
"""Where the events of each claim stand, from its decision on."""

retired = Table(
    "retired",
    metadata,
    Column("origin", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)
"""Z of docs/protocol.md 8: secrets of ended ownerships, in the order of their events."""
Index("retired_by_secret", retired.c.origin, retired.c.secret)
