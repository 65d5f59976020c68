"""Catalogues of products."""

from alembic import op
from sqlalchemy import Boolean, Column, String

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "products",
        Column("origin", String, primary_key=True),
        Column("normalised", String, primary_key=True),
        Column("code", String, nullable=False),
        Column("name", String, nullable=False),
        Column("product_group", String),
    )
    op.create_table(
        "catalogues",
        Column("origin", String, primary_key=True),
        Column("only_listed", Boolean, nullable=False),
    )
