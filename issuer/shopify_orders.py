"""Sales from Shopify's order export (Orders, Export, CSV).

An order spans one row for each line item. Only its first row carries what belongs to the whole
order (currency, status, dates); the rows after it leave those cells blank.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

from commitments.currency import Currency, currency
from commitments.errors import FormatError, Refused
from commitments.wire import parse_decimal
from issuer.cells import ANY_AMOUNT, BadRow, Row, ShopSale, parse_date, parse_price, parse_product
from issuer.csv_table import CsvTable

__all__ = ["ShopifyOrders", "SkippedOrder", "is_order_export"]

_REQUIRED = (
    "Name",
    "Currency",
    "Lineitem quantity",
    "Lineitem name",
    "Lineitem price",
    "Lineitem sku",
)
_PAID, _CREATED = "Paid at", "Created at"
_NO_SALE = {
    "authorized",
    "expired",
    "partially_paid",
    "partially_refunded",  # the export does not say which of the items
    "pending",
    "refunded",
    "unpaid",
    "voided",
}
_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2} [+-][0-9]{4}", re.ASCII)
_MOST_UNITS = 10_000  # in one line: more is a mistake, or not retail


@dataclass(frozen=True)
class SkippedOrder:
    """An order that is no sale; ``reason`` is its status, or ``cancelled``."""

    order: str
    reason: str


def is_order_export(columns: Sequence[str]) -> bool:
    """Whether a file with these columns is meant to be Shopify's order export."""
    return any(column.startswith("Lineitem ") for column in columns)


class ShopifyOrders:
    """The ``sales`` of a table, its ``bad`` rows and the ``skipped`` orders.

    A line with quantity 3 gives three sales. The product is the SKU, or the line's name where
    there is no SKU; the price is the one before a discount on the order. The day is that of
    payment, in UTC (docs/protocol.md 3). ``FormatError`` when a column is missing, ``Refused`` for
    more than ``most`` sales.
    """

    def __init__(self, table: CsvTable, today: date, most: int | None = None) -> None:
        _check_columns(table.columns)
        self.sales: list[ShopSale] = []
        self.bad: list[BadRow] = []
        self.skipped: list[SkippedOrder] = []
        self._today = today
        self._most = most
        self._names: set[str] = set()
        for rows in _orders(table.rows):
            self._read_order(rows)

    def _read_order(self, rows: list[Row]) -> None:
        first = rows[0]
        name = first.read("Name", self._new_name, "")
        reason = _no_sale(first)
        if reason and not first.bad:
            self.skipped.append(SkippedOrder(name, reason))
            return
        money = first.read("Currency", currency, ANY_AMOUNT)
        paid = _PAID if first.cells.get(_PAID) else _CREATED
        day = first.read(paid, partial(_utc_day, today=self._today), self._today)
        if first.bad:
            for row in rows[1:]:
                row.refuse("Name", "belongs to an order that cannot be read")
        for row in rows:
            self.sales += _line(row, name, day, money)
            if self._most is not None and len(self.sales) > self._most:  # one line may say 10,000
                raise Refused("too-many", f"more than {self._most} sales", "file")
            self.bad += row.bad

    def _new_name(self, text: str) -> str:
        if not text:
            raise FormatError("empty", "Name")
        if text in self._names:
            raise FormatError("this order is in the file already", "Name")
        self._names.add(text)
        return text


def _check_columns(columns: Sequence[str]) -> None:
    missing = [column for column in _REQUIRED if column not in columns]
    if _CREATED not in columns and _PAID not in columns:
        missing.append(_PAID)
    if missing:
        raise FormatError(f"columns missing: {', '.join(missing)}", "header")


def _orders(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows by order. A currency begins one, and so does another name, should that row be lost."""
    order: list[Row] = []
    for row in rows:
        if order and (row.cells["Currency"] or row.cells["Name"] != order[0].cells["Name"]):
            yield order
            order = []
        order.append(row)
    if order:
        yield order


def _no_sale(first: Row) -> str:
    """Why an order is no sale, or nothing."""
    if first.cells.get("Cancelled at"):
        return "cancelled"
    if "Financial Status" in first.cells:
        return first.read("Financial Status", _unpaid, "")
    return "" if first.cells.get(_PAID, _PAID) else "unpaid"


def _unpaid(status: str) -> str:
    if status == "paid":
        return ""
    if status not in _NO_SALE:
        raise FormatError("not a status of Shopify's", "Financial Status")
    return status


def _utc_day(text: str, today: date) -> date:
    if not _TIME.fullmatch(text):
        raise FormatError("not a time like 2026-11-20 09:30:00 +0100", "date")
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        raise FormatError("no such time", "date") from None
    return parse_date(moment.date().isoformat(), today)


def _line(row: Row, order: str, day: date, money: Currency) -> list[ShopSale]:
    named = "Lineitem sku" if row.cells["Lineitem sku"] else "Lineitem name"
    product = row.read(named, parse_product, "")
    price = row.read("Lineitem price", partial(parse_price, currency=money), 0)
    count = row.read("Lineitem quantity", _quantity, 0)
    if row.bad:
        return []
    return [ShopSale(day, product, price, money.alpha, order=order, row=row.number)] * count


def _quantity(text: str) -> int:
    return parse_decimal(text, "quantity", _MOST_UNITS)
