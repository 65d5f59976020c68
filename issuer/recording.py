"""The merchant's writing side: purchases, sales without a buyer, redemptions, voids, closes.

Arithmetic happens before the transaction, so that the log is only locked for writing rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
)

from commitments.clock import Clocks
from commitments.errors import FormatError, Refused, VerificationError
from commitments.group import Group, Point
from commitments.purchase import complete, serial_shift
from commitments.sale import Sale, check_code, parse_sale
from issuer.merchants import Merchant
from issuer.slips import Slip, code_hash, new_code, slip_keys
from ledger.entries import Purchase, Void
from ledger.entries import Sale as SaleEntry
from ledger.log import Log
from ledger.once import Once, unless_done
from ledger.schema import metadata
from ledger.store import DuplicateCommitment, Store, Transaction
from zk.issuance import BuyerRequest, RequestCheck

__all__ = ["Issuer", "Order"]

T = TypeVar("T")
R = TypeVar("R")

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

slips = Table(
    "slips",
    metadata,
    Column("origin", String, primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("sale", JSON, nullable=False),
    Column("redeem_by", Date),
)
"""Sales without a buyer, by the hash of their one-time code, which is their order reference."""


@dataclass(frozen=True)
class Order:
    """One unit sold to a buyer who is there: the shop's reference, the sale, the request."""

    reference: str
    sale: Sale
    request: BuyerRequest


Prepared = tuple[Order, bytes]
"""An order and its entry for the log."""


class Issuer:
    """Everything a merchant writes into its purchase log."""

    def __init__(self, store: Store, group: Group, clocks: Clocks) -> None:
        self._store = store
        self._group = group
        self._clocks = clocks

    def record(
        self, merchant: Merchant, orders: Sequence[Order], once: Once | None = None
    ) -> list[dict[str, Any]]:
        """Append a purchase for each order, all or none, and return their receipts in order.

        An order that was recorded before, to the letter, is not recorded again: its receipt is
        made again, for whoever has lost the answer.

        Errors name the order as ``purchases[i]``. ``FormatError`` for a request that cannot be
        read, ``VerificationError`` for a false proof in one, ``Refused`` for a date in the
        future, or an order or a request that was used for something else.
        """
        prepared = self._prepare(merchant.origin, orders)
        positions = self._write(
            merchant.origin, lambda tx: self._append(tx, merchant.origin, prepared), once
        )
        return self._receipts(merchant.origin, orders, positions)

    def record_sales(
        self,
        merchant: Merchant,
        sales: Sequence[Sale],
        once: Once | None = None,
        *,
        redeem_by: date | None = None,
    ) -> list[Slip]:
        """Append a dated record for each sale whose buyer is absent, and return their codes.

        ``redeem_by`` is the last day on which the codes can be redeemed, None for any day.
        Nothing tells one such sale from another: without ``once``, sent again it is recorded
        again. Errors name the sale as ``sales[i]``.
        """
        codes = [new_code() for _ in sales]
        pairs = list(zip(sales, codes, strict=True))
        entries = _each(pairs, lambda pair: self._slip_entry(merchant.origin, *pair), "sales")

        def unit(transaction: Transaction) -> list[tuple[int, str]]:
            # Not before: a day that has passed since is no reason not to repeat an answer.
            if redeem_by is not None and self._is_over(merchant.origin, redeem_by):
                raise Refused("past-date", "the codes would have expired already", "redeem_by")
            positions = transaction.append(merchant.origin, entries)
            transaction.connection.execute(
                insert(slips),
                [
                    {
                        "origin": merchant.origin,
                        "code_hash": code_hash(code),
                        "sale": sale.document(),
                        "redeem_by": redeem_by,
                    }
                    for sale, code in zip(sales, codes, strict=True)
                ],
            )
            return list(zip(positions, codes, strict=True))

        recorded = self._write(merchant.origin, unit, once) if sales else []
        return [Slip(position, code) for position, code in recorded]

    def redeem(self, merchant: Merchant, code: str, request: BuyerRequest) -> dict[str, Any]:
        """Turn a slip into an ordinary purchase, once; the code is the order's reference.

        The same request again gets the receipt again, whether the code has expired since or not.
        ``Refused`` for a code that is unknown, has expired or was redeemed with another request;
        otherwise as :meth:`record`.
        """
        known = select(slips.c.sale, slips.c.redeem_by).where(
            slips.c.origin == merchant.origin, slips.c.code_hash == code_hash(code)
        )
        redeemed = select(issued.c.position).where(
            issued.c.origin == merchant.origin, issued.c.order_reference == code
        )
        with self._store.read() as connection:
            slip = connection.execute(known).first()
            is_new = connection.scalar(redeemed) is None
        if slip is None:
            raise Refused("unknown-code", "no slip has this code", "code")
        if is_new and slip.redeem_by is not None and self._is_over(merchant.origin, slip.redeem_by):
            message = f"this code could be redeemed until {slip.redeem_by}"
            raise Refused("expired-code", message, "code")
        try:
            (receipt,) = self.record(merchant, [Order(code, parse_sale(slip.sale), request)])
        except Refused as refused:
            if refused.code != "duplicate-order":
                raise
            raise Refused("already-redeemed", "this code has been redeemed", "code") from None
        return receipt

    def void(self, merchant: Merchant, index: int, once: Once | None = None) -> int:
        """Append a void of entry ``index``; its own index.

        ``Refused`` unless that entry is a purchase that has not been voided. Whether a void
        comes in time to count is for readers to judge (docs/protocol.md 4).
        """

        def unit(transaction: Transaction) -> int:
            log = Log(transaction.connection, merchant.origin)
            if index >= log.size:
                raise Refused("unknown-entry", "the log has no such entry", "index")
            if log.entry(index)[0] != 1 or log.voids_of([index]):
                raise Refused("not-voidable", "not a purchase, or void already", "index")
            (position,) = transaction.append(merchant.origin, [Void(index).encode()])
            return position

        return self._write(merchant.origin, unit, once)

    def _write(self, origin: str, unit: Callable[[Transaction], T], once: Once | None) -> T:
        """The result of ``unit``, which is JSON, or of the same write when it was done."""
        return self._store.write(unless_done(unit, once), origin)

    def _prepare(self, origin: str, orders: Sequence[Order]) -> list[Prepared]:
        """Check each order and make its entry; the checks of all are multiplied out together."""
        checks = _each(orders, lambda order: self._check(origin, order))
        sums = self._group.sums_of_products(check.sum() for check in checks)
        blinded = _each(list(zip(checks, sums, strict=True)), lambda pair: pair[0].finish(pair[1]))
        pairs = list(zip(orders, blinded, strict=True))
        return _each(pairs, lambda pair: self._complete(origin, *pair))

    def _check(self, origin: str, order: Order) -> RequestCheck:
        check_code(order.reference, "order")
        self._check_date(origin, order.sale, "sale.date")
        return RequestCheck(self._group, origin, order.reference, order.request)

    def _complete(self, origin: str, order: Order, blinded: Point) -> Prepared:
        shift = serial_shift(self._group, origin, order.reference, order.request.commitment)
        attributes = order.sale.attributes(self._group)
        commitment = complete(self._group, blinded, attributes, shift)
        return order, Purchase(self._group.encode(commitment)).encode()

    def _slip_entry(self, origin: str, sale: Sale, code: str) -> bytes:
        self._check_date(origin, sale, "date")
        blinded = slip_keys(self._group, origin, code).commit(self._group)
        commitment = complete(self._group, blinded, sale.attributes(self._group), 0)
        return SaleEntry(self._group.encode(commitment)).encode()

    def _check_date(self, origin: str, sale: Sale, field: str) -> None:
        # A shop east of Greenwich is a day ahead of UTC for part of the day.
        if sale.date > (self._clocks.at(origin) + timedelta(hours=14)).date():
            raise Refused("future-date", "the sale is in the future", field)

    def _is_over(self, origin: str, day: date) -> bool:
        """Whether ``day`` has ended, also in the last place on earth where it ends."""
        return (self._clocks.at(origin) - timedelta(hours=12)).date() > day

    def _append(
        self, transaction: Transaction, origin: str, prepared: Sequence[Prepared]
    ) -> list[int]:
        """Append what is new; the position of each order."""
        known = _known_positions(transaction, origin, prepared)
        new = [item for place, item in enumerate(prepared) if place not in known]
        try:
            positions = transaction.append(origin, [entry for _, entry in new])
        except DuplicateCommitment:
            raise Refused("duplicate-commitment", "the commitment is in the log") from None
        rows = [
            {
                "origin": origin,
                "order_reference": order.reference,
                "request": order.request.commitment,
                "position": position,
            }
            for (order, _), position in zip(new, positions, strict=True)
        ]
        if rows:
            transaction.connection.execute(insert(issued), rows)
        fresh = iter(positions)
        return [known[place] if place in known else next(fresh) for place in range(len(prepared))]

    def _receipts(
        self, origin: str, orders: Sequence[Order], positions: Sequence[int]
    ) -> list[dict[str, Any]]:
        with self._store.read() as connection:
            log = Log.published(connection, origin, max(positions, default=-1))
            return [
                {
                    "type": "receipt",
                    "origin": origin,
                    "order": order.reference,
                    "sale": order.sale.document(),
                    "index": position,
                    "proof": log.tlog_proof(position).serialise().decode("utf-8"),
                }
                for order, position in zip(orders, positions, strict=True)
            ]


def _known_positions(
    transaction: Transaction, origin: str, prepared: Sequence[Prepared]
) -> dict[int, int]:
    """The positions of the orders that have been recorded before, to the letter, by their place.

    ``Refused`` naming the first order whose reference or request was used for something else.
    """
    references = [order.reference for order, _ in prepared]
    requests = [order.request.commitment for order, _ in prepared]
    query = select(issued).where(
        issued.c.origin == origin,
        issued.c.order_reference.in_(references) | issued.c.request.in_(requests),
    )
    rows = transaction.connection.execute(query).all()
    entries = transaction.log(origin).entries_at([row.position for row in rows])
    recorded = {
        row.order_reference: (row.request, entry, row.position)
        for row, entry in zip(rows, entries, strict=True)
    }
    seen_references: set[str] = set()
    seen_requests = {row.request for row in rows}
    known = {}
    for place, (order, entry) in enumerate(prepared):
        request, field = order.request.commitment, f"purchases[{place}]"
        earlier = recorded.get(order.reference)
        if order.reference in seen_references or (earlier and earlier[:2] != (request, entry)):
            message = "this order has been recorded with something else"
            raise Refused("duplicate-order", message, f"{field}.order")
        if earlier:
            known[place] = earlier[2]
        elif request in seen_requests:
            message = "this request has been accepted for another order"
            raise Refused("duplicate-request", message, f"{field}.request")
        seen_references.add(order.reference)
        seen_requests.add(request)
    return known


def _each(items: Sequence[T], prepare: Callable[[T], R], field: str = "purchases") -> list[R]:
    """``prepare`` for each item; an error names the item's place."""
    prepared = []
    for index, item in enumerate(items):
        try:
            prepared.append(prepare(item))
        except (FormatError, Refused, VerificationError) as error:
            place = f"{field}[{index}]"
            error.field = f"{place}.{error.field}" if error.field else place
            raise
    return prepared
