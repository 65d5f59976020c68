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

__all__ = [
    "entries",
    "farewells",
    "logs",
    "metadata",
    "private_keys",
    "published",
    "sealing_keys",
    "tiles",
    "voids",
]

metadata = MetaData()

# SQLite hands out ids only to columns of its own type INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

logs = Table(
    "logs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("origin", String, nullable=False, unique=True),
    Column("vkeys", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
"""Each log with its newest checkpoint, whose size and root stand beside it.

``vkeys`` are the verifier keys that sign it, one a line: one, or two while the second takes over.
"""

published = Table(
    "log_published",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
"""The checkpoint that readers see where there are witnesses, with their cosignatures."""

private_keys = Table(
    "log_private_keys",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("vkey", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""The logs' Ed25519 private keys by their verifier keys, each sealed for it (ledger/sealing.py)."""

sealing_keys = Table(
    "sealing_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_id", LargeBinary, nullable=False),
)
"""One row: the id of the key under which all of them are sealed."""

farewells = Table(
    "log_farewells",
    metadata,
    Column("log_id", ForeignKey(logs.c.id), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("evidence", LargeBinary, nullable=False),
)
"""What each key that an event log has retired signed last: event evidence in canonical JSON.

By the place of the last event in it. The private key is gone, so nothing can make it again.
"""

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
