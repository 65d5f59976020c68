"""What lint finds, each beside a policy of which it does not say so."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from commitments.sale import Sale
from issuer.sales_import import read_sales
from policies.lint import ERROR, NOTE, WARNING, Situation, lint, lint_together
from policies.policy import parse_policy
from policies.statutes import PLACES, RULES
from tests.world import KETTLE, REFUND, policy

TODAY = date(2026, 11, 22)
EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = {
    "products": None,
    "price": None,
    "claims_per_purchase": 5,
    "smallest_ring": 64,
    "contact_key": "09" + 31 * "00",
    "terms": "https://acme.example/",
}


def sales(count: int, product: str = KETTLE, price: int = 20_000) -> list[Sale]:
    """One a day, the last of them today."""
    return [
        Sale(TODAY - timedelta(days=number % 700), product, price, "EUR") for number in range(count)
    ]


def codes(
    level: str,
    changes: dict[str, Any],
    sold: Sequence[Sale] | None = None,
    capacity: int | None = 128,
    places: Sequence[str] = ("EU",),
) -> list[str]:
    found = lint(policy(**{**GOOD, **changes}), Situation(TODAY, sold, capacity, places))
    return [finding.code for finding in found if finding.level == level]


def test_a_good_policy_has_no_warning() -> None:
    for sold in (None, sales(500)):
        assert codes(ERROR, {}, sold) == codes(WARNING, {}, sold) == []


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("expired", {"valid_to": "2026-11-21"}),
        ("ring-too-large", {"smallest_ring": 256}),
        (
            "covers-nothing",
            {
                "covers_from": "2026-02-01",
                "purchased": {"from": "2026-01-01", "to": "2026-01-31"},
            },
        ),
    ],
)
def test_what_nobody_could_claim_under_is_an_error(code: str, changes: dict[str, Any]) -> None:
    assert code in codes(ERROR, changes)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("small-ring", {"smallest_ring": 15}),
        ("narrow-price", {"price": {"currency": "EUR", "min": 9000, "max": 10_000}}),
        ("short-window", {"purchased": {"oldest": "P3D"}}),
        ("cut-short", {"valid_to": "2028-11-21"}),
        ("law-eu", {"purchased": {"oldest": "P23M"}}),
        ("law-eu", {"purchased": {"oldest": "P2Y", "newest": "P1D"}}),
        ("law-eu", {"purchased": {"from": "2026-01-01", "to": "2029-01-01"}}),
        ("law-eu", {"remedies": ["repair"]}),
        ("law-eu", {"kind": "return", "purchased": {"oldest": "P13D"}}),
        ("law-eu", {"kind": "return", "response_time": "P15D"}),
        ("law-eu", {"kind": "recall", "remedies": ["refund"]}),
    ],
)
def test_what_a_merchant_should_think_over(code: str, changes: dict[str, Any]) -> None:
    assert code in codes(WARNING, changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"smallest_ring": 16},
        {"price": {"currency": "EUR", "min": 8000, "max": 10_000}},
        {"purchased": None},
        {"purchased": {"from": "2026-01-01", "to": "2028-12-31"}},
        {"kind": "return", "purchased": {"oldest": "P14D"}, "response_time": "P14D"},
        {"kind": "recall", "remedies": ["refund", "repair"]},
    ],
)
def test_what_is_just_enough(changes: dict[str, Any]) -> None:
    assert codes(WARNING, changes) == []


@pytest.mark.parametrize(
    ("code", "changes", "sold"),
    [
        ("few-qualify", {"products": [KETTLE]}, [*sales(3), *sales(497, "TEA")]),
        ("rare-product", {"products": [KETTLE]}, [*sales(3), *sales(497, "TEA")]),
        ("few-qualify", {"purchased": {"oldest": "P7D"}}, sales(500)),
        ("few-qualify", {"price": {"currency": "EUR", "max": 100}}, sales(500)),
        ("few-qualify", {"price": {"currency": "SEK"}}, sales(500)),
        ("few-qualify", {"batches": ["L1"]}, sales(500)),
        ("young-log", {}, sales(63)),
    ],
)
def test_a_claim_that_could_not_hide_anyone(
    code: str, changes: dict[str, Any], sold: list[Sale]
) -> None:
    assert code in codes(WARNING, changes, sold)
    assert code not in codes(WARNING, changes)


def test_only_a_part_of_what_qualifies_is_in_a_ring() -> None:
    """100 kettles among 2,000 sales: of a ring of 128 about six are kettles."""
    sold = [*sales(100), *sales(1900, "TEA")]
    found = lint(policy(**{**GOOD, "products": [KETTLE, "OTHER"]}), Situation(TODAY, sold, 128))
    (few,) = (finding for finding in found if finding.code == "few-qualify")
    assert "about 6 in a ring" in few.text
    assert "unsold-product" in [finding.code for finding in found]


def test_sales_say_nothing_of_a_policy_that_begins_later() -> None:
    assert codes(WARNING, {"covers_from": "2026-11-23"}, sales(3)) == []
    assert "young-log" in codes(WARNING, {"covers_from": "2026-11-22"}, sales(3))


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("no-contact-key", {"contact_key": None}),
        ("no-terms", {"terms": None}),
        ("one-product", {"products": [KETTLE]}),
        ("one-claim", {"claims_per_purchase": 1}),
        ("ring-below-capacity", {"smallest_ring": 16}),
    ],
)
def test_what_is_worth_a_note(code: str, changes: dict[str, Any]) -> None:
    assert code in codes(NOTE, changes)
    assert code not in codes(NOTE, {})


def test_an_owner_who_leaves_links_its_claims() -> None:
    kettles = policy(**{**GOOD, "products": [KETTLE]})
    refund = parse_policy({**REFUND, **GOOD, "claims_per_purchase": 1, "products": None})
    both = [kettles, refund]
    assert lint_together([kettles, kettles], Situation(TODAY)) == ()
    (unknown,) = lint_together(both, Situation(TODAY))
    assert (unknown.level, unknown.code) == (NOTE, "linked-claims")
    (few,) = lint_together(both, Situation(TODAY, [*sales(20), *sales(400, "TEA")]))
    assert (few.level, few.code) == (WARNING, "few-in-common")
    many = [Sale(TODAY, KETTLE, 20_000, "EUR")] * 64
    assert lint_together(both, Situation(TODAY, many)) == ()


def test_the_law_of_each_place() -> None:
    changes = {"purchased": {"oldest": "P5Y"}, "valid_to": "2040-12-31"}
    assert codes(WARNING, changes) == []
    assert codes(WARNING, changes, places=("UK",)) == ["law-uk"]  # six years
    assert "law-us" in codes(NOTE, changes, places=("US",))
    assert "not-legal-advice" not in codes(NOTE, {"kind": "recall"}, places=("US",))
    assert "not-legal-advice" in codes(NOTE, changes, places=("US",))
    seven = {"kind": "return", "purchased": {"oldest": "P6D"}}
    assert "law-cn" in codes(WARNING, seven, places=("CN",))
    assert PLACES == ("CN", "EU", "UK", "US")
    for rule in RULES:
        assert rule.source
        assert rule.text.endswith(".")


EXPECTED = {
    "extended-warranty.json": [],
    "money-back-2y.json": [],
    "recall.json": ["few-qualify"],
    "repairs-2026.json": ["cut-short", "law-eu"],
    "return-14d.json": [],
    "warranty-2y.json": [],
}


def test_the_gallery() -> None:
    """A recall is narrow, and three repairs a year are promised besides the guarantee."""
    sold = read_sales(EXAMPLES / "sales.csv", today=TODAY).sales
    files = sorted((EXAMPLES / "policies").glob("*.json"))
    policies = [parse_policy(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    situation = Situation(TODAY, sold, 1024)
    found = {
        file.name: [f.code for f in lint(each, situation) if f.level != NOTE]
        for file, each in zip(files, policies, strict=True)
    }
    assert found == EXPECTED
    assert {f.level for f in lint_together(policies, situation)} <= {WARNING, NOTE}
