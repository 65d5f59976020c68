"""Approvals of transfers beside those of claims, and where the events stand that complete them."""

import json

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, String, text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Move the approved claims into a table that has room for transfers."""
    op.create_table(
        "approved",
        Column("origin", String, primary_key=True),
        Column("identifier", String, primary_key=True),
        Column("kind", String, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("scope", String, nullable=False),
        Column("secret_tag", LargeBinary, nullable=False),
        Column("retire_by", String),
        Column("retired_at", BigInteger),
    )
    op.execute(
        "INSERT INTO approved (origin, identifier, kind, position, scope, secret_tag, retire_by)"
        " SELECT origin, claim_id, 'claim', position, scope, secret_tag, retire_by FROM decisions"
    )
    op.drop_table("decisions")
    op.create_index("approved_by_position", "approved", ["origin", "kind", "position"])
    op.create_index("approved_by_scope", "approved", ["origin", "kind", "scope"])
    op.create_index("approved_by_deadline", "approved", ["origin", "kind", "retire_by"])
    op.create_index("approved_by_owner", "approved", ["origin", "secret_tag"])
    op.create_index("retired_by_secret", "retired", ["origin", "secret"])
    _note_where_they_ended()


def _note_where_they_ended() -> None:
    connection = op.get_bind()
    events = text(
        "SELECT retired.origin, retired.position, data FROM retired"
        " JOIN logs ON logs.origin = retired.origin || '/events'"
        " JOIN log_entries ON log_id = logs.id AND log_entries.position = retired.position"
    )
    note = text(
        "UPDATE approved SET retired_at = :position"
        " WHERE origin = :origin AND identifier = :identifier"
    )
    for row in connection.execute(events).all():
        identifier = json.loads(bytes(row.data))["claim_id"]
        ended = {"origin": row.origin, "position": row.position, "identifier": identifier}
        connection.execute(note, ended)
