"""The checkpoints that readers see where there are witnesses."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary

revision = "0002"
down_revision = "0001"

_ID = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make the table; it stays empty until witnesses are asked."""
    op.create_table(
        "log_published",
        Column("log_id", _ID, ForeignKey("logs.id"), primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("checkpoint", LargeBinary, nullable=False),
    )
