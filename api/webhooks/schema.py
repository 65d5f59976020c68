"""The tables of webhooks: where a merchant wants its events sent, and what became of that.

No event is in them: the event log is the outbox, and a delivery names a place there.
"""

from typing import Literal, get_args

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from ledger.schema import metadata

__all__ = [
    "DEAD",
    "DELIVERED",
    "PENDING",
    "DeliveryState",
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_keys",
    "webhook_lease",
]

DeliveryState = Literal["pending", "delivered", "dead"]
"""Of a delivery: still to be sent, answered with 2xx, or given up."""
PENDING, DELIVERED, DEAD = get_args(DeliveryState)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", String, primary_key=True),
    Column("merchant", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("url", String, nullable=False),
    Column("types", String),
    Column("description", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("cursor", BigInteger, nullable=False),
    Column("disabled", String),
    Column("failures", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("rests_until", BigInteger, nullable=False),
)
"""Where to send which types of events (all where it is null), separated by commas.

``cursor`` is the first index of the event log of which no deliveries were made yet. ``disabled``
says why nothing is sent. ``failures`` are those since the last success. Times are seconds since
1970.
"""
Index("webhook_endpoints_by_merchant", webhook_endpoints.c.merchant)

webhook_keys = Table(
    "webhook_keys",
    metadata,
    Column("endpoint", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("public_key", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("until", BigInteger),
)
"""The keys that sign what is sent, sealed (ledger/sealing.py); those being replaced, ``until``."""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("endpoint", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("tried", BigInteger),
    Column("status", Integer),
    Column("error", String),
    sqlite_with_rowid=False,
)
"""What becomes of the event at ``position``. ``status`` and ``error`` are of the last attempt."""
Index("webhook_deliveries_by_due", webhook_deliveries.c.state, webhook_deliveries.c.due)
Index(
    "webhook_deliveries_by_state",
    webhook_deliveries.c.endpoint,
    webhook_deliveries.c.state,
    webhook_deliveries.c.position,
)

webhook_lease = Table(
    "webhook_lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", String, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""One row at most: which of the processes on this database sends, and how long it may be silent."""
