"""ISO 4217 currencies (docs/protocol.md 3, price and currency)."""

from typing import NamedTuple

import iso4217

from commitments.errors import FormatError

__all__ = ["Currency", "amount", "currency", "decimal"]


class Currency(NamedTuple):
    """A currency: letters as in ``EUR``, ISO's number, digits of the minor unit (2 for cents)."""

    alpha: str
    numeric: int
    minor_digits: int


# Gold, test codes and units of account have no minor unit: nothing is sold in them.
_BY_ALPHA = {
    known.code: Currency(known.code, known.number, known.exponent)
    for known in iso4217.Currency
    if known.exponent is not None
}


def currency(alpha: str) -> Currency:
    """The currency with the three capital letters ``alpha``; ``FormatError`` where there is none.

    Source: ISO 4217, list one, as of the installed ``iso4217`` release.
    """
    try:
        return _BY_ALPHA[alpha]
    except KeyError:
        raise FormatError("not an ISO 4217 currency with a minor unit", "currency") from None


def amount(minor_units: int, alpha: str) -> str:
    """A price as people write it: ``24.90 EUR``."""
    return f"{decimal(minor_units, alpha)} {alpha}"


def decimal(minor_units: int, alpha: str) -> str:
    """A price in the major unit of its currency: ``24.90``."""
    digits = currency(alpha).minor_digits
    whole, part = divmod(minor_units, 10**digits)
    return f"{whole}.{part:0{digits}d}" if digits else str(whole)
