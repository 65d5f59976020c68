"""API keys with an id, a label and scopes; those from before may do everything."""

from datetime import UTC, datetime

from alembic import op
from sqlalchemy import Column, Date, LargeBinary, String, text

revision = "0009"
down_revision = "0008"

_ID_BYTES = 6  # of the hash


def upgrade() -> None:
    """Move the keys into a table that says more of them; their days are not known."""
    made = op.create_table(
        "api_keys",
        Column("merchant", String, primary_key=True),
        Column("id", String, primary_key=True),
        Column("key_hash", LargeBinary, nullable=False),
        Column("label", String, nullable=False),
        Column("scopes", String, nullable=False),
        Column("created", Date, nullable=False),
        Column("last_used", Date),
        Column("expires", String),
    )
    known = op.get_bind().execute(text("SELECT merchant, key_hash FROM merchant_keys")).all()
    rows = [
        {
            "merchant": row.merchant,
            "id": bytes(row.key_hash)[:_ID_BYTES].hex(),
            "key_hash": bytes(row.key_hash),
            "label": "first key",
            "scopes": "all",
            "created": datetime.now(UTC).date(),
        }
        for row in known
    ]
    op.bulk_insert(made, rows)
    op.drop_table("merchant_keys")
