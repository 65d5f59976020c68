"""Product codes: GTINs in their one canonical length (docs/protocol.md 3, product)."""

import re

from commitments.wire import nfc

__all__ = ["is_gtin", "looks_like_gtin", "normalise_product"]

# GS1 General Specifications 3.1: GTIN-8, GTIN-12 (UPC), GTIN-13 (EAN) and GTIN-14.
_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}", re.ASCII)


def looks_like_gtin(code: str) -> bool:
    """Whether ``code`` has the digits of a GTIN; its check digit may still be wrong."""
    return _GTIN.fullmatch(code) is not None


def is_gtin(code: str) -> bool:
    """Whether ``code`` is a GTIN-8, -12, -13 or -14 whose check digit holds."""
    return looks_like_gtin(code) and _checksum(code) == 0


def normalise_product(code: str) -> str:
    """The form of a product code that is hashed: a GTIN as 14 digits, any other code in NFC.

    An EAN-13 and the same number printed as a GTIN-14 are one product.
    """
    return code.zfill(14) if is_gtin(code) else nfc(code)


def _checksum(digits: str) -> int:
    """0 where the last digit is right (GS1 General Specifications 7.9: weights 1, 3 from it)."""
    values = [ord(digit) - ord("0") for digit in reversed(digits)]
    return (sum(values[::2]) + 3 * sum(values[1::2])) % 10
