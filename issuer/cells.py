"""The strict reading of a shop export, cell by cell.

The values end up in a commitment (docs/protocol.md 3) that nobody can correct later, so a cell is
read in one spelling or not at all, and every bad one is reported, not only the first.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeVar

from commitments.currency import Currency
from commitments.errors import FormatError
from commitments.sale import PRICE_LIMIT, Sale, check_code, check_product, parse_day
from commitments.wire import nfc, parse_decimal

__all__ = [
    "ANY_AMOUNT",
    "BadRow",
    "BadRows",
    "Row",
    "ShopSale",
    "parse_batch",
    "parse_date",
    "parse_price",
    "parse_product",
    "parse_unit",
]

ANY_AMOUNT = Currency("", 0, 4)
"""Stands in for a currency that cannot be read, so that the price is not called bad as well."""

_T = TypeVar("_T")

_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_FORMULA = tuple("=+-@")
_SHORTENED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+", re.ASCII)


@dataclass(frozen=True)
class ShopSale(Sale):
    """A sale, its row, and the shop's own name for its order, where the export has one."""

    order: str | None = None
    row: int = field(default=0, compare=False)


class BadRow(NamedTuple):
    """One cell that cannot be read. ``row`` counts as a spreadsheet does: the header is row 1."""

    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.reason}"


class BadRows(FormatError):  # noqa: N818 - the name is what the caller is handed
    """Some rows cannot be read; ``rows`` and the message name every bad cell."""

    def __init__(self, rows: Sequence[BadRow]) -> None:
        super().__init__("\n".join(map(str, rows)), "rows")
        self.rows = tuple(rows)


@dataclass
class Row:
    """A row while it is read: what is wrong in it collects in ``bad``."""

    number: int
    cells: Mapping[str, str]
    bad: list[BadRow] = field(default_factory=list)

    def read(self, column: str, parse: Callable[[str], _T], otherwise: _T) -> _T:
        """What ``parse`` makes of a cell; ``otherwise`` only keeps the reading going."""
        try:
            return parse(self.cells[column])
        except FormatError as error:
            self.refuse(column, str(error))
            return otherwise

    def refuse(self, column: str, reason: str) -> None:
        """Note that a cell cannot be used."""
        self.bad.append(BadRow(self.number, column, reason))


def parse_date(text: str, today: date) -> date:
    """A day as YYYY-MM-DD, neither before 1970 nor after ``today``."""
    day = parse_day(text)
    if day > today:
        raise FormatError("in the future", "date")
    return day


def parse_price(text: str, currency: Currency) -> int:
    """An amount in the major unit (``249.00``), as minor units (24900)."""
    amount = _AMOUNT.fullmatch(text)
    if amount is None:
        raise FormatError("not an amount like 249.00", "price")
    whole, fraction = amount[1], amount[2] or ""
    if len(fraction) > currency.minor_digits:
        raise FormatError(f"more than {currency.minor_digits} decimals", "price")
    minor = (whole + fraction.ljust(currency.minor_digits, "0")).lstrip("0")
    if len(minor) > len(str(PRICE_LIMIT)):
        raise FormatError("number out of range", "price")
    return parse_decimal(minor or "0", "price", PRICE_LIMIT - 1)


def parse_product(text: str) -> str:
    """A GTIN with a right check digit, or a merchant's own code; in NFC."""
    if _SHORTENED.fullmatch(text):
        raise FormatError("a number that a spreadsheet shortened", "product")
    _check_harmless(text, "product")
    code = nfc(text)
    check_product(code)
    return code


def parse_batch(text: str) -> str | None:
    """A batch code in NFC; None for an empty cell."""
    return _optional(text, "batch")


def parse_unit(text: str) -> str | None:
    """A serial number in NFC; None for an empty cell."""
    return _optional(text, "unit")


def _optional(text: str, name: str) -> str | None:
    if not text:
        return None
    _check_harmless(text, name)
    code = nfc(text)
    check_code(code, name)
    return code


def _check_harmless(text: str, name: str) -> None:
    """The file of codes repeats the cell, and whoever opens it there would run a formula."""
    if text.startswith(_FORMULA):
        raise FormatError("begins as a formula does", name)
