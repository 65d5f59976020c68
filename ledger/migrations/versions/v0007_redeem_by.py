"""Until when a one-time code can be redeemed."""

from alembic import op
from sqlalchemy import Column, Date

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; codes from before never expire."""
    op.add_column("slips", Column("redeem_by", Date))
