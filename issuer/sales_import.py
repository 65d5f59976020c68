"""Sales out of a shop's export: a plain CSV, or Shopify's order export. Nothing is sent here."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from commitments.currency import currency
from commitments.errors import FormatError
from issuer.cells import (
    ANY_AMOUNT,
    BadRow,
    BadRows,
    Row,
    ShopSale,
    parse_batch,
    parse_date,
    parse_price,
    parse_product,
    parse_unit,
)
from issuer.csv_table import CsvTable, read_table
from issuer.shopify_orders import ShopifyOrders, SkippedOrder, is_order_export

__all__ = ["COLUMNS", "BadRow", "BadRows", "SalesFile", "ShopSale", "SkippedOrder", "read_sales"]

COLUMNS = ("date", "product", "price", "currency", "batch", "unit")
"""Of the plain CSV, in any order."""


@dataclass(frozen=True)
class SalesFile:
    """What a file holds: ``sales``, orders that are none, and rows that cannot be read."""

    sales: list[ShopSale]
    skipped: list[SkippedOrder]
    bad: list[BadRow]


def read_sales(
    source: Path | bytes | str, *, today: date, skip_bad: bool = False, most: int | None = None
) -> SalesFile:
    """The sales in a file, or in its content as bytes or text.

    Raises
    ------
    BadRows
        naming every bad cell, unless ``skip_bad``: then ``bad`` lists them.
    FormatError
        the file as a whole cannot be read: encoding, CSV syntax or header.
    Refused
        it has more than ``most`` rows or sales.
    """
    table = read_table(source, most)
    shopify = is_order_export(table.columns)
    result = _shopify(table, today, most) if shopify else _plain(table, today)
    if result.bad and not skip_bad:
        raise BadRows(result.bad)
    return result


def _shopify(table: CsvTable, today: date, most: int | None) -> SalesFile:
    orders = ShopifyOrders(table, today, most)
    return SalesFile(orders.sales, orders.skipped, sorted(table.misshapen + orders.bad))


def _plain(table: CsvTable, today: date) -> SalesFile:
    if sorted(table.columns) != sorted(COLUMNS):
        raise FormatError(f"the columns must be {','.join(COLUMNS)}", "header")
    sales = [_sale(row, today) for row in table.rows]
    bad = sorted(table.misshapen + [bad for row in table.rows for bad in row.bad])
    return SalesFile([sale for sale in sales if sale], [], bad)


def _sale(row: Row, today: date) -> ShopSale | None:
    day = row.read("date", partial(parse_date, today=today), today)
    product = row.read("product", parse_product, "")
    money = row.read("currency", currency, ANY_AMOUNT)
    price = row.read("price", partial(parse_price, currency=money), 0)
    batch = row.read("batch", parse_batch, None)
    unit = row.read("unit", parse_unit, None)
    if row.bad:
        return None
    return ShopSale(day, product, price, money.alpha, batch, unit, row=row.number)
