"""Approved transfers: written with their events, and read with what has become of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import Row

from commitments.errors import Refused
from commitments.wire import parse_hex
from ledger.event_log import append_event
from ledger.events import events_origin, parse_event
from ledger.log import Log
from ledger.store import Transaction
from policies.transfer import transfer_scope
from verifier.approvals import TRANSFER, read_receipts, status_at
from verifier.schema import approved
from verifier.transfer import Transfer

__all__ = [
    "new_commitment",
    "note_transfers",
    "read_transfer",
    "record_transfer",
    "require_unused",
]


def record_transfer(transaction: Transaction, origin: str, event: dict[str, Any]) -> None:
    """Append the event of an approval, and enter it into the table."""
    position = append_event(transaction, origin, event)
    note_transfers(transaction.connection, origin, [(position, event)])


def note_transfers(
    connection: Connection, origin: str, events: Sequence[tuple[int, Mapping[str, Any]]]
) -> None:
    """Enter approved transfers into the table, from their numbered events alone."""
    rows = [
        {
            "origin": origin,
            "identifier": event["transfer_id"],
            "kind": TRANSFER,
            "position": position,
            "scope": transfer_scope(origin, _commitment(event)).text,
            "secret_tag": parse_hex(event["tag"], "tag"),
            "retire_by": event["retire_by"],
        }
        for position, event in events
    ]
    connection.execute(insert(approved), rows)


def require_unused(connection: Connection, origin: str, commitment: bytes, now: str) -> None:
    """``Refused`` for a C_new that is in the log, or that another transfer waits to put there."""
    field = "transfer.acceptance.commitment"
    if Log(connection, origin).index_of(commitment) is not None:
        raise Refused("duplicate-commitment", "the commitment is in the log", field)
    waiting = select(approved.c.position).where(
        approved.c.origin == origin,
        approved.c.kind == TRANSFER,
        approved.c.scope == transfer_scope(origin, commitment).text,
        approved.c.retire_by >= now,
    )
    if connection.execute(waiting).first() is not None:
        raise Refused("duplicate-transfer", "another transfer to it awaits its secret", field)


def new_commitment(connection: Connection, origin: str, row: Row[Any]) -> bytes:
    """C_new of an approved transfer."""
    return _commitment(parse_event(Log(connection, events_origin(origin)).entry(row.position)))


def read_transfer(connection: Connection, origin: str, row: Row[Any], now: str) -> Transfer:
    """An approved transfer with its receipts."""
    ended = row.retired_at
    positions = [row.position] if ended is None else [row.position, ended]
    receipt, *retirement = read_receipts(connection, origin, positions)
    index = None
    if ended is not None:
        index = Log(connection, origin).index_of(_commitment(receipt.event))
    return Transfer(
        row.identifier,
        status_at(row, now),
        retire_by=row.retire_by,
        receipt=receipt.document(),
        retirement=retirement[0].document() if retirement else None,
        index=index,
        proof=None if index is None else _inclusion(connection, origin, index),
    )


def _commitment(event: Mapping[str, Any]) -> bytes:
    return parse_hex(event["transfer"]["acceptance"]["commitment"], "commitment")


def _inclusion(connection: Connection, origin: str, index: int) -> str:
    proof = Log.published(connection, origin, index).tlog_proof(index)
    return proof.serialise().decode("utf-8")
