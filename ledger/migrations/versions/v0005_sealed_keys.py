"""Several private keys for each log, and each of them sealed."""

from alembic import context, op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, text

from ledger.engines import overwrite_deleted
from ledger.sealing import NoSealingKey

revision = "0005"
down_revision = "0004"

_ID = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Seal the keys that are there; nothing of them stays as it was."""
    op.create_table(
        "log_private_keys",
        Column("log_id", _ID, ForeignKey("logs.id"), primary_key=True),
        Column("vkey", String, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "sealing_keys",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("key_id", LargeBinary, nullable=False),
    )
    op.create_table(
        "log_farewells",
        Column("log_id", _ID, ForeignKey("logs.id"), primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("evidence", LargeBinary, nullable=False),
    )
    _seal_keys()
    op.execute("ALTER TABLE logs RENAME COLUMN vkey TO vkeys")


def _seal_keys() -> None:
    connection = op.get_bind()
    overwrite_deleted(connection)
    plain = text("SELECT id, vkey, private_key FROM log_keys JOIN logs ON id = log_id")
    rows = connection.execute(plain).all()
    sealing = context.config.attributes["sealing"]
    if rows and sealing is None:
        raise NoSealingKey
    keep = text("INSERT INTO log_private_keys (log_id, vkey, sealed) VALUES (:id, :vkey, :sealed)")
    for row in rows:
        sealed = sealing.seal(row.vkey, bytes(row.private_key))
        connection.execute(keep, {"id": row.id, "vkey": row.vkey, "sealed": sealed})
    op.drop_table("log_keys")
