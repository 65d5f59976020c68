"""Of a remembered answer, also what the clock of its merchant showed."""

from alembic import op
from sqlalchemy import BigInteger, Column, text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column; no clock has shown anything but the time yet."""
    op.add_column("answers", Column("shown", BigInteger, nullable=False, server_default=text("0")))
    op.execute("UPDATE answers SET shown = written")
