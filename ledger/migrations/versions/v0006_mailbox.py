"""Boxes that wallets leave for themselves."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, String

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "boxes",
        Column("origin", String, primary_key=True),
        Column("address", LargeBinary, primary_key=True),
        Column("delete_key", LargeBinary, nullable=False),
        Column("ciphertext", LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mailboxes",
        Column("origin", String, primary_key=True),
        Column("taken", BigInteger, nullable=False),
    )
