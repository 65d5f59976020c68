"""The versions of policies are folded from their events, and have no table."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Drop the table; the event logs say all that it said."""
    op.drop_table("policies")
