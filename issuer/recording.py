"""The merchant's writing side: purchases, sales without a buyer, redemptions, voids.

Arithmetic happens before the transaction, so that the log is only locked for writing rows. A row
that is bad spoils no other: each is recorded, was recorded before, or is rejected for a reason.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from commitments.clock import Clocks
from commitments.errors import Refused
from commitments.group import Group, Point
from commitments.purchase import complete, serial_shift
from commitments.sale import Sale, check_code, parse_sale
from issuer.catalogue import check_listed
from issuer.merchants import Merchant
from issuer.orders import Order, Prepared, append_orders, issued
from issuer.rows import REJECTED, Done, Rejection, attempt, rows_of, the_one
from issuer.slips import Slip, append_slips, code_hash, make_slip, slips
from issuer.voiding import VoidWanted, append_voids
from ledger.events import event_time, events_origin
from ledger.log import Log
from ledger.once import Once, unless_done
from ledger.store import Store, Transaction
from zk.issuance import BuyerRequest, RequestCheck

__all__ = ["Issuer"]

T = TypeVar("T")


class Issuer:
    """Everything a merchant writes into its purchase log.

    Rows are answered as :func:`issuer.rows.rows_of` has them, in their order; rows that could not
    be read are passed as the error that says why.
    """

    def __init__(self, store: Store, group: Group, clocks: Clocks) -> None:
        self._store = store
        self._group = group
        self._clocks = clocks

    def record(self, merchant: Merchant, order: Order, once: Once | None = None) -> dict[str, Any]:
        """Append a purchase, and return its receipt.

        An order that was recorded before, to the letter, is not recorded again: its receipt is
        made again, for whoever has lost the answer.

        ``FormatError`` for a request that cannot be read, ``VerificationError`` for a false proof
        in one, ``Refused`` for a date in the future, or an order or a request that was used for
        something else, or a product that is not listed and must be.
        """
        return self._record(merchant, order, once, listed=True)

    def _record(
        self, merchant: Merchant, order: Order, once: Once | None, *, listed: bool
    ) -> dict[str, Any]:
        origin = merchant.origin
        prepared = self._prepare(origin, [order])

        def unit(transaction: Transaction) -> int:
            check = _listed(transaction, origin, [order]) if listed else _any_product
            return the_one(append_orders(transaction, origin, prepared, check))

        position = self._write(origin, unit, once)
        (receipt,) = self._receipts(origin, [(order, position)])
        return receipt

    def record_many(
        self,
        merchant: Merchant,
        orders: Sequence[Order | Rejection],
        once: Once | None = None,
    ) -> list[dict[str, Any]]:
        """Append a purchase for each order that can be recorded; a row with a receipt for each.

        Reasons as :meth:`record` raises them.
        """
        origin = merchant.origin
        prepared = self._prepare(origin, orders)

        def unit(transaction: Transaction) -> list[dict[str, Any]]:
            check = _listed(transaction, origin, orders)
            return rows_of(append_orders(transaction, origin, prepared, check))

        rows = self._write(origin, unit, once)
        recorded = [
            (order, row["value"])
            for order, row in zip(orders, rows, strict=True)
            if row["status"] != REJECTED and isinstance(order, Order)
        ]
        receipts = iter(self._receipts(origin, recorded))
        return [
            row if row["status"] == REJECTED else {**row, "value": next(receipts)} for row in rows
        ]

    def record_sales(
        self,
        merchant: Merchant,
        sales: Sequence[Sale | Rejection],
        once: Once | None = None,
        *,
        redeem_by: date | None = None,
    ) -> list[dict[str, Any]]:
        """Append a dated record for each sale whose buyer is absent; a row with a slip for each.

        ``redeem_by`` is the last day on which the codes can be redeemed, None for any day.
        Nothing tells one such sale from another: without ``once``, sent again it is recorded
        again. ``Refused`` for a last day that is over.
        """
        origin = merchant.origin
        prepared = attempt(sales, lambda sale: self._slip(origin, sale))

        def unit(transaction: Transaction) -> list[dict[str, Any]]:
            # Not before: a day that has passed since is no reason not to repeat an answer.
            if redeem_by is not None and self._is_over(origin, redeem_by):
                raise Refused("past-date", "the codes would have expired already", "redeem_by")
            known = [sale for sale in sales if isinstance(sale, Sale)]
            check = check_listed(transaction.connection, origin, known, "product")
            return rows_of(append_slips(transaction, origin, prepared, redeem_by, check))

        return self._write(origin, unit, once)

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
            order = Order(code, parse_sale(slip.sale), request)
            return self._record(merchant, order, None, listed=False)
        except Refused as refused:
            if refused.code != "duplicate-order":
                raise
            raise Refused("already-redeemed", "this code has been redeemed", "code") from None

    def void(
        self, merchant: Merchant, index: int, reason: str, once: Once | None = None
    ) -> dict[str, Any]:
        """Declare the purchase at ``index`` void; the void's document.

        A void for the same reason that was recorded before is not recorded again. Errors as
        :func:`issuer.voiding.append_voids` and :class:`VoidWanted
        <issuer.voiding.VoidWanted>`.
        """
        return self._void(merchant, [VoidWanted(index, reason)], the_one, once)

    def void_many(
        self,
        merchant: Merchant,
        wanted: Sequence[VoidWanted | Rejection],
        once: Once | None = None,
    ) -> list[dict[str, Any]]:
        """Declare each of these purchases void that can be; a row with the void for each."""
        return self._void(merchant, wanted, rows_of, once)

    def _void(
        self,
        merchant: Merchant,
        wanted: Sequence[VoidWanted | Rejection],
        result: Callable[[list[Done[dict[str, Any]] | Rejection]], T],
        once: Once | None,
    ) -> T:
        origin = merchant.origin

        def unit(transaction: Transaction) -> T:
            time = event_time(self._clocks.at(origin))
            return result(append_voids(transaction, origin, wanted, time))

        return self._store.write(unless_done(unit, once), origin, events_origin(origin))

    def _write(self, origin: str, unit: Callable[[Transaction], T], once: Once | None) -> T:
        """The result of ``unit``, which is JSON, or of the same write when it was done."""
        return self._store.write(unless_done(unit, once), origin)

    def _prepare(
        self, origin: str, orders: Iterable[Order | Rejection]
    ) -> list[Prepared | Rejection]:
        """Check each order and make its entry; the checks of all are multiplied out together."""
        checked = attempt(orders, lambda order: (order, self._check(origin, order)))
        good = [check for _, check in (one for one in checked if isinstance(one, tuple))]
        sums = iter(self._group.sums_of_products(check.sum() for check in good))

        def finish(pair: tuple[Order, RequestCheck]) -> Prepared:
            order, check = pair
            return self._complete(origin, order, check.finish(next(sums)))

        return attempt(checked, finish)

    def _check(self, origin: str, order: Order) -> RequestCheck:
        check_code(order.reference, "order")
        self._check_date(origin, order.sale, "sale.date")
        return RequestCheck(self._group, origin, order.reference, order.request)

    def _complete(self, origin: str, order: Order, blinded: Point) -> Prepared:
        shift = serial_shift(self._group, origin, order.reference, order.request.commitment)
        attributes = order.sale.attributes(self._group)
        commitment = complete(self._group, blinded, attributes, shift)
        return Prepared(order, self._group.encode(commitment))

    def _slip(self, origin: str, sale: Sale) -> Slip:
        self._check_date(origin, sale, "date")
        return make_slip(self._group, origin, sale)

    def _check_date(self, origin: str, sale: Sale, field: str) -> None:
        # A shop east of Greenwich is a day ahead of UTC for part of the day.
        if sale.date > (self._clocks.at(origin) + timedelta(hours=14)).date():
            raise Refused("future-date", "the sale is in the future", field)

    def _is_over(self, origin: str, day: date) -> bool:
        """Whether ``day`` has ended, also in the last place on earth where it ends."""
        return (self._clocks.at(origin) - timedelta(hours=12)).date() > day

    def _receipts(self, origin: str, recorded: Sequence[tuple[Order, int]]) -> list[dict[str, Any]]:
        with self._store.read() as connection:
            newest = max((position for _, position in recorded), default=-1)
            log = Log.published(connection, origin, newest)
            return [
                {
                    "type": "receipt",
                    "origin": origin,
                    "order": order.reference,
                    "sale": order.sale.document(),
                    "index": position,
                    "proof": log.tlog_proof(position).serialise().decode("utf-8"),
                }
                for order, position in recorded
            ]


def _listed(
    transaction: Transaction, origin: str, orders: Iterable[Order | Rejection]
) -> Callable[[Sale], None]:
    sales = [order.sale for order in orders if isinstance(order, Order)]
    return check_listed(transaction.connection, origin, sales, "sale.product")


def _any_product(_sale: Sale) -> None:
    """A slip is redeemed for what was sold, whether it is still listed or not."""
