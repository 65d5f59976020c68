"""What writes have led to, for those that are sent again."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "answers",
        Column("id", LargeBinary, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        Column("written", BigInteger, nullable=False),
    )
    op.create_index("answers_by_age", "answers", ["written"])
