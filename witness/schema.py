"""The witness's own database, apart from everything it watches.

What must never happen is refused by the database as well: that a head shrinks, forks or goes, or
that a signed period is forgotten, or that a key gets another successor.
"""

from sqlalchemy import DDL, BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, event

__all__ = ["forks", "handovers", "heads", "known_logs", "metadata", "seed_logs", "seeds"]

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

seed_logs = Table(
    "seed_logs",
    metadata,
    Column("origin", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("period", String, nullable=False),
)
"""The logs whose closes are signed, and what ends their periods: ``P1D`` or ``manual``."""

seeds = Table(
    "seeds",
    metadata,
    Column("origin", String, primary_key=True),
    Column("period", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""The one end of each period that was signed."""

forks = Table(
    "forks",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("proof", LargeBinary, nullable=False),
)
"""Of each origin that was seen to fork the first proof (ledger.fork)."""

handovers = Table(
    "handovers",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("vkey", String, nullable=False, unique=True),
    Column("next_vkey", String, nullable=False, unique=True),
    Column("signature", String, nullable=False),
    Column("next_signature", String, nullable=False),
)
"""Which key of the witness has followed which (ledger.handover), signed by both."""

# INSERT OR REPLACE deletes what is in its way, and no trigger for deletions hears of it.
_REFUSALS = {
    heads: {
        "head_shrinks": "BEFORE UPDATE ON heads WHEN NEW.size < OLD.size",
        "head_forks": "BEFORE UPDATE ON heads WHEN NEW.size = OLD.size AND NEW.root != OLD.root",
        "head_is_renamed": (
            "BEFORE UPDATE ON heads WHEN NEW.origin != OLD.origin OR NEW.digest != OLD.digest"
        ),
        "head_is_deleted": "BEFORE DELETE ON heads",
        "head_is_replaced": (
            "BEFORE INSERT ON heads"
            " WHEN EXISTS (SELECT 1 FROM heads WHERE origin = NEW.origin OR digest = NEW.digest)"
        ),
    },
    seed_logs: {
        "seed_log_changes": "BEFORE UPDATE ON seed_logs",
        "seed_log_is_deleted": "BEFORE DELETE ON seed_logs",
        "seed_log_is_replaced": (
            "BEFORE INSERT ON seed_logs WHEN EXISTS"
            " (SELECT 1 FROM seed_logs WHERE origin = NEW.origin OR digest = NEW.digest)"
        ),
    },
    seeds: {
        "seed_changes": "BEFORE UPDATE ON seeds",
        "seed_is_deleted": "BEFORE DELETE ON seeds",
        "seed_is_replaced": (
            "BEFORE INSERT ON seeds WHEN EXISTS"
            " (SELECT 1 FROM seeds WHERE origin = NEW.origin AND period = NEW.period)"
        ),
    },
    handovers: {
        "handover_changes": "BEFORE UPDATE ON handovers",
        "handover_is_deleted": "BEFORE DELETE ON handovers",
        "handover_is_replaced": (
            "BEFORE INSERT ON handovers WHEN EXISTS (SELECT 1 FROM handovers"
            " WHERE number = NEW.number OR vkey = NEW.vkey OR next_vkey = NEW.next_vkey)"
        ),
    },
}

for _table, _triggers in _REFUSALS.items():
    for _name, _when in _triggers.items():
        _trigger = DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER {_name} {_when} BEGIN SELECT RAISE(ABORT, '{_name}'); END"
        )
        event.listen(_table, "after_create", _trigger)
