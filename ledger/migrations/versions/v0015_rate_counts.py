"""How often addresses and keys have asked, each process for itself."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, String

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "rate_counts",
        Column("id", String, primary_key=True),
        Column("process", LargeBinary, primary_key=True),
        Column("until", BigInteger, nullable=False),
        Column("count", BigInteger, nullable=False),
    )
