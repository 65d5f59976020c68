"""Products out of a CSV file. Nothing is sent here."""

from pathlib import Path

from commitments.errors import FormatError
from commitments.wire import nfc
from issuer.catalogue import Product
from issuer.cells import BadRows, Row, parse_product
from issuer.csv_table import read_table

__all__ = ["COLUMNS", "read_products"]

COLUMNS = ("code", "name", "group")
"""Of the file, in any order; ``group`` may be empty."""


def read_products(source: Path | bytes | str) -> list[Product]:
    """The products in a file, or in its content.

    :class:`issuer.cells.BadRows` naming every bad cell; ``FormatError`` for a file that cannot be
    read as a whole.
    """
    table = read_table(source)
    if sorted(table.columns) != sorted(COLUMNS):
        raise FormatError(f"the columns must be {','.join(COLUMNS)}", "header")
    products = [_product(row) for row in table.rows]
    bad = sorted(table.misshapen + [bad for row in table.rows for bad in row.bad])
    if bad:
        raise BadRows(bad)
    return [product for product in products if product]


def _product(row: Row) -> Product | None:
    code = row.read("code", parse_product, "")
    name, group = nfc(row.cells["name"]), nfc(row.cells["group"]) or None
    if row.bad:
        return None
    try:
        return Product(code, name, group)
    except FormatError as error:
        row.refuse(error.field or "all", str(error))
        return None
