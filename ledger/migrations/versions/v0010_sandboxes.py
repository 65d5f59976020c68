"""Sandboxes, and how far their clocks are ahead."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, String

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sandboxes",
        Column("id", String, primary_key=True),
        Column("merchant", String, nullable=False),
        Column("origin", String, nullable=False, unique=True),
        Column("ahead", BigInteger, nullable=False),
        Column("thrown_away", Boolean, nullable=False),
    )
