"""The tables of the logs. Other rooms put their own tables into the same :data:`metadata`."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

__all__ = ["entries", "keys", "logs", "metadata", "published", "tiles", "voids"]

metadata = MetaData()

# SQLite hands out ids only to columns of its own type INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

logs = Table(
    "logs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("origin", String, nullable=False, unique=True),
    Column("vkey", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
"""Each log with its public key and its newest checkpoint, whose size and root stand beside it."""

published = Table(
    "log_published",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
"""The checkpoint that readers see where there are witnesses, with their cosignatures."""

keys = Table(
    "log_keys",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("private_key", LargeBinary, nullable=False),
)
"""The logs' Ed25519 private keys, unencrypted: whoever reads the file can sign for the logs."""

entries = Table(
    "log_entries",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("commitment", LargeBinary),
    # The commitment first: a planner without statistics would rather scan the whole log.
    UniqueConstraint("commitment", "log_id"),
    sqlite_with_rowid=False,
)
"""Entries by index; ``commitment`` repeats what the entry of a purchase log says."""

voids = Table(
    "log_voids",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("voided", BigInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)
"""The voids of purchase logs, by the entry that they name."""

tiles = Table(
    "log_tiles",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
)
"""Tiles with the hashes they have so far: a partial tile is a prefix of what it becomes."""
