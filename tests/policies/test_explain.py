from datetime import date
from typing import Any

import pytest

from policies.explain import duration_words, explain
from tests.world import published

CONTACT = "09" + 31 * "00"


def said(end: date | None = None, **changes: Any) -> str:
    return "\n".join(explain(published(end, **changes)))


def test_a_policy_in_plain_words() -> None:
    assert explain(published()) == (
        "Two-year guarantee: a warranty, warranty-2y version 1 of ledger.example/acme.",
        "It covers the product 4006381333931.",
        "Bought at most 2 years before the day of the claim.",
        "The price paid was from 10.00 EUR to 500.00 EUR.",
        "Offered is repair or replacement.",
        "A purchase can be claimed for once, whatever the version, by whoever owns it.",
        "Claims can be made from 2024-01-01 to 2030-12-31 (UTC).",
        (
            "A claim is approved at once if its proof holds; what the shop has to do next it does"
            " within 7 days."
        ),
        (
            "A claim hides among at least 2 purchases of the shop's log; of those only the ones"
            " that satisfy the policy hide the buyer."
        ),
        (
            "It shows which product it is, that it was bought on one of these days and that its"
            " price is within these bounds, and its currency."
        ),
        "It hides the day, the price, the batch, the serial number of the device and who claims.",
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"products": None}, "It covers any product."),
        ({"products": ["A", "B"]}, "It covers 2 products: A, B."),
        (
            {"purchased": {"oldest": "P1Y", "newest": "P14D"}},
            "Bought at most 1 year before the day of the claim, and at least 14 days before it.",
        ),
        (
            {"purchased": {"from": "2026-01-01", "to": "2026-02-01"}},
            "Bought from 2026-01-01 to 2026-02-01, both days included.",
        ),
        ({"covers_from": "2026-01-01"}, "What was bought before 2026-01-01 is not covered."),
        ({"price": {"currency": "JPY", "min": 500}}, "The price paid was 500 JPY or more."),
        ({"price": {"currency": "EUR", "max": 500}}, "The price paid was 5.00 EUR or less."),
        ({"price": {"currency": "EUR"}}, "The price paid was in EUR."),
        ({"batches": ["L1"]}, "Only the batch L1."),
        ({"batches": ["L1", "L2"]}, "Only 2 batches: L1, L2."),
        ({"remedies": ["store_credit"]}, "Offered is store credit."),
        ({"claims_per_purchase": 3}, "A purchase can be claimed for 3 times in all"),
        ({"ends_ownership": True}, "An approved claim ends the ownership"),
        ({"review": True, "contact_key": CONTACT}, "A person looks at each claim"),
        ({"contact_key": CONTACT}, "Buyers can send evidence and messages"),
        ({"terms": "https://acme.example/"}, "The full terms are at https://acme.example/."),
        ({"products": None, "purchased": None, "price": None}, "It shows nothing of the purchase."),
    ],
)
def test_each_member_has_its_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in said(**changes)
    assert sentence not in said()


def test_an_end_is_said_and_that_it_takes_nothing_back() -> None:
    ended = said(date(2026, 12, 1))
    assert "was withdrawn: what was bought on 2026-12-01 or later is not covered" in ended
    assert "all before still is" in ended


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        ("P1Y6M", "1 year and 6 months"),
        ("P24M", "2 years"),
        ("P2W", "14 days"),
        ("P1Y1M1D", "1 year, 1 month and 1 day"),
        ("P0D", "no time"),
    ],
)
def test_durations(duration: str, words: str) -> None:
    assert duration_words(duration) == words
