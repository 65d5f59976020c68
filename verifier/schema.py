"""The verifier's tables: projections of the event log, all of them (docs/protocol.md 8).

Nothing here says more than the events do; dropping the tables and replaying the log gives the
same rows.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from ledger.schema import metadata

__all__ = ["decisions", "policies", "retired", "tags"]

policies = Table(
    "policies",
    metadata,
    Column("origin", String, primary_key=True),
    Column("policy", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("origin", String, primary_key=True),
    Column("scope", String, primary_key=True),
    Column("tag", LargeBinary, primary_key=True),
    Column("claim_id", String, nullable=False),
)
"""Serial tags that have been used, once per scope: the primary key is what stops a second claim."""

decisions = Table(
    "decisions",
    metadata,
    Column("origin", String, primary_key=True),
    Column("claim_id", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("scope", String, nullable=False),
    Column("secret_tag", LargeBinary, nullable=False),
    Column("status", String, nullable=False),
    Column("retire_by", String),
)
"""Approved claims, with where the decision stands in the event log."""
Index("decisions_by_position", decisions.c.origin, decisions.c.position)
Index("decisions_by_scope", decisions.c.origin, decisions.c.scope)
Index("decisions_by_owner", decisions.c.origin, decisions.c.secret_tag)

retired = Table(
    "retired",
    metadata,
    Column("origin", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)
"""Z of docs/protocol.md 8: secrets of ended ownerships, in the order of their events."""
