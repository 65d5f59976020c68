"""Where merchants want their events sent, and what became of that."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "webhook_endpoints",
        Column("id", String, primary_key=True),
        Column("merchant", String, nullable=False),
        Column("origin", String, nullable=False),
        Column("url", String, nullable=False),
        Column("types", String),
        Column("description", String, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("cursor", BigInteger, nullable=False),
        Column("disabled", String),
        Column("failures", Integer, nullable=False),
        Column("failing_since", BigInteger),
        Column("rests_until", BigInteger, nullable=False),
    )
    op.create_index("webhook_endpoints_by_merchant", "webhook_endpoints", ["merchant"])
    op.create_table(
        "webhook_keys",
        Column("endpoint", String, primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("public_key", String, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("until", BigInteger),
    )
    op.create_table(
        "webhook_deliveries",
        Column("endpoint", String, primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("state", String, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("due", BigInteger, nullable=False),
        Column("tried", BigInteger),
        Column("status", Integer),
        Column("error", String),
        sqlite_with_rowid=False,
    )
    op.create_index("webhook_deliveries_by_due", "webhook_deliveries", ["state", "due"])
    by_state = ["endpoint", "state", "position"]
    op.create_index("webhook_deliveries_by_state", "webhook_deliveries", by_state)
    op.create_table(
        "webhook_lease",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("holder", String, nullable=False),
        Column("until", BigInteger, nullable=False),
    )
