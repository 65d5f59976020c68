"""The witness's own database, apart from everything it watches.

What must never happen is refused by the database as well: that a head shrinks, forks or goes.
"""

from sqlalchemy import DDL, BigInteger, Column, LargeBinary, MetaData, String, Table, event

__all__ = ["heads", "known_logs", "metadata"]

metadata = MetaData()

known_logs = Table(
    "known_logs",
    metadata,
    Column("origin", String, primary_key=True),
    Column("vkey", String, primary_key=True),
)
"""The keys that are trusted to sign for an origin; usually one."""

heads = Table(
    "heads",
    metadata,
    Column("origin", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
"""Of each origin the largest checkpoint cosigned, with our cosignatures; ``digest`` names it."""

_REFUSALS = {
    "head_shrinks": "BEFORE UPDATE ON heads WHEN NEW.size < OLD.size",
    "head_forks": "BEFORE UPDATE ON heads WHEN NEW.size = OLD.size AND NEW.root != OLD.root",
    "head_is_renamed": "BEFORE UPDATE ON heads WHEN NEW.origin != OLD.origin",
    "head_is_deleted": "BEFORE DELETE ON heads",
}

for _name, _when in _REFUSALS.items():
    _trigger = DDL(  # type: ignore[no-untyped-call]
        f"CREATE TRIGGER {_name} {_when} BEGIN SELECT RAISE(ABORT, '{_name}'); END"
    )
    event.listen(heads, "after_create", _trigger)
