"""A sale in words: what is printed on a receipt, and what the commitment's attributes come from."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from commitments.attributes import (
    EPOCH,
    Attributes,
    batch_scalar,
    day_number,
    product_scalar,
    unit_scalar,
)
from commitments.currency import currency
from commitments.errors import FormatError
from commitments.group import Group
from commitments.gtin import is_gtin, looks_like_gtin
from commitments.wire import nfc

__all__ = ["PRICE_LIMIT", "Sale", "check_code", "check_product", "parse_day", "parse_sale"]

PRICE_LIMIT = 1 << 48
"""Prices are below this many minor units (docs/protocol.md 3)."""
_LONGEST_CODE = 200
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MEMBERS = ("date", "product", "price", "currency", "batch", "unit")


@dataclass(frozen=True)
class Sale:
    """One unit sold.

    ``price`` is in minor units of ``currency``, an ISO 4217 alpha code; ``batch`` and ``unit``
    (the device's serial number) may be None. ``FormatError`` naming the member for anything that
    no commitment can hold.
    """

    date: date
    product: str
    price: int
    currency: str
    batch: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        day_number(self.date)
        check_product(self.product)
        if not 0 <= self.price < PRICE_LIMIT:
            raise FormatError("out of range", "price")
        currency(self.currency)
        for name in ("batch", "unit"):
            code = getattr(self, name)
            if code is not None:
                check_code(code, name)

    def attributes(self, group: Group) -> Attributes:
        """The scalars of docs/protocol.md 3."""
        return Attributes(
            product=product_scalar(group, self.product),
            date=day_number(self.date),
            price=self.price,
            currency=currency(self.currency).numeric,
            batch=batch_scalar(group, self.batch),
            unit=unit_scalar(group, self.unit),
        )

    def document(self) -> dict[str, Any]:
        """The sale as a JSON object."""
        return {
            "date": self.date.isoformat(),
            "product": self.product,
            "price": self.price,
            "currency": self.currency,
            "batch": self.batch,
            "unit": self.unit,
        }


def parse_sale(document: Any) -> Sale:
    """A sale from parsed JSON; ``batch`` and ``unit`` may be absent.

    ``FormatError`` naming the member for anything missing, unknown or of another type or form.
    """
    if not isinstance(document, dict):
        raise FormatError("not an object", "sale")
    unknown = sorted(document.keys() - set(_MEMBERS))
    if unknown:
        raise FormatError("unknown member", unknown[0])
    texts = {name: document.get(name) for name in _MEMBERS if name != "price"}
    for name, text in texts.items():
        if not (isinstance(text, str) or (text is None and name in ("batch", "unit"))):
            raise FormatError("not text", name)
    price = document.get("price")
    if type(price) is not int:
        raise FormatError("not a whole number of minor units", "price")
    return Sale(
        parse_day(document["date"]),
        document["product"],
        price,
        document["currency"],
        texts["batch"],
        texts["unit"],
    )


def parse_day(text: str) -> date:
    """A day written YYYY-MM-DD, from 1970 on; ``FormatError`` naming ``date`` otherwise."""
    if not _DATE.fullmatch(text):  # fromisoformat also reads 20261120 and 2026-W47-5
        raise FormatError("not a date like 2026-11-20", "date")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise FormatError("no such day", "date") from None
    if day < EPOCH:
        raise FormatError("before 1970", "date")
    return day


def check_product(code: str) -> None:
    """``FormatError`` for a GTIN with a wrong check digit or a code that cannot be one."""
    if looks_like_gtin(code) and not is_gtin(code):
        raise FormatError("a GTIN with a wrong check digit", "product")
    check_code(code, "product")


def check_code(code: str, name: str) -> None:
    """``FormatError`` unless ``code`` is 1 to 200 printable characters, trimmed, in NFC."""
    if not code:
        raise FormatError("empty", name)
    if len(code) > _LONGEST_CODE:
        raise FormatError(f"longer than {_LONGEST_CODE} characters", name)
    if not code.isprintable() or nfc(code) != code:
        raise FormatError("a control character, or not in Unicode NFC", name)
    if code.strip() != code:
        raise FormatError("begins or ends with a space", name)
