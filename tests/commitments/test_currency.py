import pytest

from commitments.currency import Currency, currency
from commitments.errors import FormatError


@pytest.mark.parametrize(
    ("alpha", "numeric", "minor_digits"),
    [("EUR", 978, 2), ("SEK", 752, 2), ("GBP", 826, 2), ("JPY", 392, 0), ("KWD", 414, 3)],
)
def test_known_currencies(alpha: str, numeric: int, minor_digits: int) -> None:
    assert currency(alpha) == Currency(alpha, numeric, minor_digits)


@pytest.mark.parametrize("alpha", ["", "eur", "EUR ", "XAU", "XTS", "DEM", "978", "€"])
def test_anything_else_is_refused_and_not_repeated(alpha: str) -> None:
    with pytest.raises(FormatError, match="ISO 4217") as caught:
        currency(alpha)
    assert caught.value.field == "currency"
    assert not alpha or alpha not in str(caught.value)
