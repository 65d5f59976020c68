import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.gtin import is_gtin, looks_like_gtin, normalise_product

# GS1's own worked examples of each length.
KNOWN = ["96385074", "614141000036", "4006381333931", "10614141000415"]

bodies = st.one_of([st.text("0123456789", min_size=n, max_size=n) for n in (7, 11, 12, 13)])


def with_check_digit(body: str) -> str:
    (code,) = [body + digit for digit in "0123456789" if is_gtin(body + digit)]
    return code


@pytest.mark.parametrize("code", KNOWN)
def test_known_gtins(code: str) -> None:
    assert is_gtin(code)
    assert normalise_product(code) == "0" * (14 - len(code)) + code


@pytest.mark.parametrize("code", KNOWN)
def test_every_single_wrong_digit_is_noticed(code: str) -> None:
    for position, digit in enumerate(code):
        for other in set("0123456789") - {digit}:
            mutated = code[:position] + other + code[position + 1 :]
            assert looks_like_gtin(mutated)
            assert not is_gtin(mutated)
            assert normalise_product(mutated) == mutated


@given(bodies)
def test_each_body_has_one_check_digit_and_padding_keeps_it(body: str) -> None:
    code = with_check_digit(body)
    assert is_gtin(normalise_product(code))
    assert normalise_product(normalise_product(code)) == normalise_product(code)


@pytest.mark.parametrize(
    "code", ["", "4006381333931 ", "\u0664" * 13, "+400638133393", "400638133393\n"]
)
def test_only_plain_digits_are_a_gtin(code: str) -> None:
    assert not looks_like_gtin(code)
    assert not is_gtin(code)


def test_merchants_own_codes_stay_as_they_are_but_in_nfc() -> None:
    assert normalise_product("CABLE-USB-C") == "CABLE-USB-C"
    assert normalise_product("Ka\u0308se") == "K\u00e4se"
