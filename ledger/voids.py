"""The table of voids: by the entry that each of them names, what purchase logs say anyway."""

from sqlalchemy import delete, insert, select

from ledger.entries import Void, parse_entry
from ledger.schema import entries, voids
from ledger.transaction import Transaction

__all__ = ["remake_voids"]

_CHUNK = 1000  # rows in memory at a time


def remake_voids(transaction: Transaction, origin: str) -> None:
    """Empty the table for the purchase log ``origin`` and fill it again from its entries."""
    connection, log_id = transaction.connection, transaction.log(origin).id
    connection.execute(delete(voids).where(voids.c.log_id == log_id))
    query = select(entries.c.position, entries.c.data).where(
        entries.c.log_id == log_id, entries.c.commitment.is_(None)
    )
    result = connection.execute(
        query.order_by(entries.c.position), execution_options={"yield_per": _CHUNK}
    )
    for part in result.partitions():
        rows = [
            {"log_id": log_id, "voided": entry.index, "position": position}
            for position, data in part
            if isinstance(entry := parse_entry(data), Void)
        ]
        if rows:
            connection.execute(insert(voids), rows)
