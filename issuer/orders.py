"""Orders that were recorded: none counts twice, and no buyer's request serves two of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
)

from commitments.errors import Refused
from commitments.sale import Sale
from issuer.rows import Done, Rejection, attempt
from ledger.entries import Purchase
from ledger.schema import entries, logs, metadata
from ledger.store import Transaction
from zk.issuance import BuyerRequest

__all__ = ["Order", "Prepared", "append_orders", "issued"]

issued = Table(
    "issued",
    metadata,
    Column("origin", String, primary_key=True),
    Column("order_reference", String, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("position", BigInteger, nullable=False),
    UniqueConstraint("origin", "request"),
)
"""Which orders and which buyer requests have been accepted: none is accepted twice."""


@dataclass(frozen=True)
class Order:
    """One unit sold to a buyer who is there: the shop's reference, the sale, the request."""

    reference: str
    sale: Sale
    request: BuyerRequest


@dataclass(frozen=True)
class Prepared:
    """An order and the commitment of its entry in the log."""

    order: Order
    commitment: bytes


class _Recorded(NamedTuple):
    request: bytes
    commitment: bytes
    position: int


def append_orders(
    transaction: Transaction,
    origin: str,
    prepared: Sequence[Prepared | Rejection],
    check: Callable[[Sale], None],
) -> list[Done[int] | Rejection]:
    """Append what is new and passes ``check``; the position of each order, or why it has none.

    ``Refused`` for a reference or a request that was used for something else, here or before, and
    for a commitment that is in the log.
    """
    good = [row for row in prepared if isinstance(row, Prepared)]
    known = _recorded(transaction, origin, [row.order for row in good])
    requests = {earlier.request for earlier in known.values()}
    commitments = _in_log(transaction, origin, [row.commitment for row in good])
    size = transaction.size(origin)
    new: list[Prepared] = []

    def decide(row: Prepared) -> Done[int]:
        reference, request = row.order.reference, row.order.request.commitment
        earlier = known.get(reference)
        if earlier is not None:
            if earlier[:2] != (request, row.commitment):
                message = "this order has been recorded with something else"
                raise Refused("duplicate-order", message, "order")
            return Done(earlier.position, duplicate=True)
        if request in requests:
            message = "this request has been accepted for another order"
            raise Refused("duplicate-request", message, "request")
        if row.commitment in commitments:
            raise Refused("duplicate-commitment", "the commitment is in the log")
        check(row.order.sale)
        known[reference] = _Recorded(request, row.commitment, size + len(new))
        requests.add(request)
        commitments.add(row.commitment)
        new.append(row)
        return Done(known[reference].position)

    decided = attempt(prepared, decide)
    if new:
        _append(transaction, origin, new)
    return decided


def _append(transaction: Transaction, origin: str, new: Sequence[Prepared]) -> None:
    positions = transaction.append(origin, [Purchase(row.commitment).encode() for row in new])
    rows = [
        {
            "origin": origin,
            "order_reference": row.order.reference,
            "request": row.order.request.commitment,
            "position": position,
        }
        for row, position in zip(new, positions, strict=True)
    ]
    transaction.connection.execute(insert(issued), rows)


def _recorded(
    transaction: Transaction, origin: str, orders: Sequence[Order]
) -> dict[str, _Recorded]:
    """What was recorded under these references, or with these requests, by reference."""
    query = select(issued).where(
        issued.c.origin == origin,
        issued.c.order_reference.in_([order.reference for order in orders])
        | issued.c.request.in_([order.request.commitment for order in orders]),
    )
    rows = transaction.connection.execute(query).all()
    found = transaction.log(origin).entries_at([row.position for row in rows])
    return {
        row.order_reference: _Recorded(row.request, entry[1:], row.position)
        for row, entry in zip(rows, found, strict=True)
    }


def _in_log(transaction: Transaction, origin: str, commitments: Sequence[bytes]) -> set[bytes]:
    """Which of these the log has."""
    query = (
        select(entries.c.commitment)
        .join(logs, logs.c.id == entries.c.log_id)
        .where(logs.c.origin == origin, entries.c.commitment.in_(commitments))
    )
    return {bytes(commitment) for commitment in transaction.connection.scalars(query)}
