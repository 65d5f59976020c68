"""What a purchase says about itself, as scalars (docs/protocol.md 3)."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from commitments.domain import ATTRIBUTE_DST
from commitments.errors import FormatError
from commitments.group import Group
from commitments.gtin import normalise_product
from commitments.wire import nfc

__all__ = [
    "ATTRIBUTES",
    "EPOCH",
    "KEYS",
    "Attributes",
    "attribute_id",
    "batch_scalar",
    "day_number",
    "product_scalar",
    "unit_scalar",
]

ATTRIBUTES = ("product", "date", "price", "currency", "batch", "unit")
"""In the order of their ids, which begin at 1."""
KEYS = ("serial", "secret")
EPOCH = date(1970, 1, 1)

_DATE_BITS = 32
_PRICE_BITS = 48
_CURRENCY_LIMIT = 1000  # ISO 4217 numeric codes have three digits
_LONGEST_TEXT = 200
_CACHED_TEXTS = 4096  # a shop's products and batches repeat; a serial number does not


@dataclass(frozen=True)
class Attributes:
    """The six attributes, each a scalar.

    ``FormatError`` naming the attribute when a number is out of its range: date in days since
    1970-01-01 below 2^32, price in minor units below 2^48, currency an ISO 4217 number.
    """

    product: int
    date: int
    price: int
    currency: int
    batch: int = 0
    unit: int = 0

    def __post_init__(self) -> None:
        for name, limit in (
            ("date", 1 << _DATE_BITS),
            ("price", 1 << _PRICE_BITS),
            ("currency", _CURRENCY_LIMIT),
        ):
            if not 0 <= getattr(self, name) < limit:
                raise FormatError("out of range", name)

    def values(self) -> tuple[int, ...]:
        """The scalars in the order of :data:`ATTRIBUTES`."""
        return (self.product, self.date, self.price, self.currency, self.batch, self.unit)


def attribute_id(name: str) -> int:
    """The id byte of an attribute; ``FormatError`` for an unknown name."""
    try:
        return ATTRIBUTES.index(name) + 1
    except ValueError:
        raise FormatError("unknown attribute", "attribute") from None


def day_number(day: date) -> int:
    """Days since 1970-01-01; ``FormatError`` before that."""
    number = (day - EPOCH).days
    if number < 0:
        raise FormatError("before 1970", "date")
    return number


def product_scalar(group: Group, code: str) -> int:
    """A product code: a GTIN counts in its 14-digit form, any other code as it stands."""
    return _text_scalar(group, "product", normalise_product(code))


def batch_scalar(group: Group, code: str | None) -> int:
    """A batch code, 0 for none."""
    return 0 if code is None else _text_scalar(group, "batch", code)


def unit_scalar(group: Group, serial_number: str | None) -> int:
    """The serial number of one device, 0 for none."""
    return 0 if serial_number is None else _text_scalar(group, "unit", serial_number)


@lru_cache(maxsize=_CACHED_TEXTS)
def _text_scalar(group: Group, name: str, text: str) -> int:
    if not 0 < len(text) <= _LONGEST_TEXT or not text.isprintable():
        raise FormatError(f"not a printable text of 1 to {_LONGEST_TEXT} characters", name)
    return group.hash_to_scalar(nfc(text).encode("utf-8"), ATTRIBUTE_DST + name)
