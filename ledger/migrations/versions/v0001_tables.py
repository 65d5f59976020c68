"""The first tables of all rooms.

Written out and not taken from the rooms: a migration stays what it was when databases went
through it.
"""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

_ID = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _logs()
    _issuer()
    _verifier()


def _logs() -> None:
    op.create_table(
        "logs",
        Column("id", _ID, primary_key=True),
        Column("origin", String, nullable=False, unique=True),
        Column("vkey", String, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("checkpoint", LargeBinary, nullable=False),
    )
    op.create_table(
        "log_keys",
        Column("log_id", _ID, ForeignKey("logs.id"), primary_key=True),
        Column("private_key", LargeBinary, nullable=False),
    )
    op.create_table(
        "log_entries",
        Column("log_id", _ID, ForeignKey("logs.id"), primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("data", LargeBinary, nullable=False),
        Column("commitment", LargeBinary),
        UniqueConstraint("commitment", "log_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_voids",
        Column("log_id", _ID, ForeignKey("logs.id"), primary_key=True),
        Column("voided", BigInteger, primary_key=True),
        Column("position", BigInteger, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_tiles",
        Column("log_id", _ID, ForeignKey("logs.id"), primary_key=True),
        Column("level", Integer, primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("hashes", LargeBinary, nullable=False),
    )
    op.create_table(
        "event_kinds",
        Column("origin", String, primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("type", String, nullable=False),
    )
    op.create_index("event_kinds_by_type", "event_kinds", ["origin", "type", "position"])


def _issuer() -> None:
    op.create_table(
        "merchants",
        Column("id", String, primary_key=True),
        Column("name", String, nullable=False),
        Column("origin", String, nullable=False, unique=True),
    )
    op.create_table(
        "merchant_keys",
        Column("merchant", String, primary_key=True),
        Column("key_hash", LargeBinary, primary_key=True),
    )
    op.create_table(
        "issued",
        Column("origin", String, primary_key=True),
        Column("order_reference", String, primary_key=True),
        Column("request", LargeBinary, nullable=False),
        Column("position", BigInteger, nullable=False),
        UniqueConstraint("origin", "request"),
    )
    op.create_table(
        "slips",
        Column("origin", String, primary_key=True),
        Column("code_hash", LargeBinary, primary_key=True),
        Column("sale", JSON, nullable=False),
    )


def _verifier() -> None:
    op.create_table(
        "policies",
        Column("origin", String, primary_key=True),
        Column("policy", String, primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("position", BigInteger, nullable=False),
    )
    op.create_table(
        "tags",
        Column("origin", String, primary_key=True),
        Column("scope", String, primary_key=True),
        Column("tag", LargeBinary, primary_key=True),
        Column("claim_id", String, nullable=False),
    )
    op.create_table(
        "decisions",
        Column("origin", String, primary_key=True),
        Column("claim_id", String, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("scope", String, nullable=False),
        Column("secret_tag", LargeBinary, nullable=False),
        Column("status", String, nullable=False),
        Column("retire_by", String),
    )
    op.create_index("decisions_by_position", "decisions", ["origin", "position"])
    op.create_index("decisions_by_scope", "decisions", ["origin", "scope"])
    op.create_index("decisions_by_owner", "decisions", ["origin", "secret_tag"])
    op.create_table(
        "retired",
        Column("origin", String, primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("secret", LargeBinary, nullable=False),
    )
