from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.currency import amount
from commitments.p256 import P256
from commitments.sale import Sale
from policies.claim import policy_predicates
from sdk.eligibility import shortfalls
from tests.world import KETTLE, published

TODAY = date(2026, 11, 21)
SALE = Sale(date(2026, 11, 15), KETTLE, 2490, "EUR", batch="L1")
OPEN = {"products": None, "purchased": None, "price": None}


def reasons(sale: dict[str, Any], **changes: Any) -> list[str]:
    purchase = Sale(**{**SALE.__dict__, **sale})
    return shortfalls(published(**{**OPEN, **changes}), purchase, TODAY)


@pytest.mark.parametrize(
    ("changes", "sale", "reason"),
    [
        (
            {"price": {"currency": "EUR", "min": 3000}},
            {},
            "price 24.90 EUR is 5.10 below the minimum 30.00",
        ),
        (
            {"price": {"currency": "EUR", "max": 2000}},
            {},
            "price 24.90 EUR is 4.90 above the maximum 20.00",
        ),
        (
            {"price": {"currency": "SEK"}},
            {},
            "price 24.90 EUR is not in SEK",
        ),
        (
            {"price": {"currency": "JPY", "max": 2000}},
            {"currency": "JPY"},
            "price 2490 JPY is 490 above the maximum 2000",
        ),
        (
            {"purchased": {"from": "2024-11-21", "to": "2026-11-21"}},
            {"date": date(2024, 3, 1)},
            "bought 2024-03-01, 265 days before the window begins 2024-11-21",
        ),
        (
            {"purchased": {"from": "2024-11-21", "to": "2026-11-14"}},
            {},
            "bought 2026-11-15, 1 day after the window ends 2026-11-14",
        ),
        ({"products": ["tea"]}, {}, f"product {KETTLE} is not covered"),
        ({"batches": ["L2"]}, {}, "batch L1 is not covered"),
        ({"batches": ["L2"]}, {"batch": None}, "no batch is known"),
    ],
)
def test_a_predicate_that_fails_is_told_with_by_how_much(
    changes: dict[str, Any], sale: dict[str, Any], reason: str
) -> None:
    assert reasons(sale, **changes) == [reason]
    assert reasons(sale) == []


def test_every_predicate_that_fails_is_told() -> None:
    told = reasons(
        {},
        products=["tea"],
        purchased={"oldest": "P1D"},
        price={"currency": "EUR", "min": 2491},
        batches=["L2"],
    )
    assert len(told) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"products": ["tea", KETTLE.zfill(14)]},
        {"purchased": {"oldest": "P6D"}},
        {"purchased": {"from": "2026-11-15", "to": "2026-11-15"}},
        {"price": {"currency": "EUR", "min": 2490, "max": 2490}},
        {"batches": ["L1", "L2"]},
    ],
)
def test_what_satisfies_is_not_told(changes: dict[str, Any]) -> None:
    assert reasons({}, **changes) == []


@pytest.mark.parametrize(
    ("minor_units", "alpha", "text"),
    [(5, "EUR", "0.05 EUR"), (0, "JPY", "0 JPY"), (1234, "KWD", "1.234 KWD")],
)
def test_amounts_are_written_as_people_do(minor_units: int, alpha: str, text: str) -> None:
    assert amount(minor_units, alpha) == text


@given(
    st.dates(date(2024, 1, 1), date(2026, 11, 21)),
    st.sampled_from([KETTLE, KETTLE.zfill(14), "tea"]),
    st.integers(2400, 2500),
    st.sampled_from(["EUR", "SEK"]),
    st.sampled_from([None, "L1", "L2"]),
)
def test_words_and_proof_agree(
    day: date, product: str, price: int, currency: str, batch: str | None
) -> None:
    """Whoever has no reason against it can prove it, and nobody else."""
    sale = Sale(day, product, price, currency, batch)
    covered = published(
        products=[KETTLE, "coffee"],
        purchased={"oldest": "P1Y", "newest": "P1D"},
        price={"currency": "EUR", "min": 2440, "max": 2460},
        batches=["L1"],
    )
    attributes = sale.attributes(P256)
    provable = all(
        predicate.admits(getattr(attributes, predicate.attribute))
        for predicate in policy_predicates(P256, covered, TODAY)
    )
    assert provable is (shortfalls(covered, sale, TODAY) == [])
