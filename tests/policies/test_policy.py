from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from commitments.wire import canonical_json, parse_json
from policies.policy import parse_policy
from tests.world import KETTLE, REFUND, WARRANTY

CONTACT = "09" + "00" * 31


def test_reads_and_writes_the_same_document() -> None:
    policy = parse_policy(WARRANTY)
    assert parse_policy(parse_json(canonical_json(policy.document()))) == policy
    assert policy.document()["purchased"] == {"oldest": "P2Y", "newest": "P0D"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": "kvitto-policy/v2"}, "schema"),
        ({"origin": "spa ce"}, "origin"),
        ({"id": "id|injected"}, "id"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"version": "1"}, "version"),
        ({"kind": "gift"}, "kind"),
        ({"title": ""}, "title"),
        ({"contact_key": "00" * 32}, "contact_key"),  # keeps no secret
        ({"contact_key": "11" * 31}, "contact_key"),
        ({"review": True}, None),  # without a contact_key
        ({"review": 1, "contact_key": CONTACT}, "review"),
        ({"review": True, "contact_key": CONTACT, "ends_ownership": True}, None),
        ({"title": "a\nb"}, "title"),
        ({"products": []}, "products"),
        ({"products": ["4006381333932"]}, "products.0"),
        ({"products": [f"code-{i}" for i in range(257)]}, "products"),
        ({"purchased": {"oldest": "two years"}}, "purchased.oldest"),
        ({"purchased": {"oldest": "P1D", "newest": "P2D"}}, "purchased"),
        ({"purchased": {"oldest": "P1M", "newest": "P31D"}}, "purchased"),  # empty in March
        ({"purchased": {"oldest": "P999Y9999M9999W99999D"}}, "purchased"),
        ({"purchased": {"from": "2026-02-01", "to": "2026-01-01"}}, "purchased"),
        ({"purchased": {"from": "2026-02-30", "to": "2026-03-01"}}, "purchased.from"),
        ({"purchased": {"from": "1969-12-31", "to": "2026-03-01"}}, "purchased.from"),
        ({"purchased": {"oldest": "P1D", "latest": "P2D"}}, "purchased.latest"),
        ({"price": {"currency": "EUX"}}, "price.currency"),
        ({"price": {"currency": "eur"}}, "price.currency"),
        ({"price": {"currency": "EUR", "min": 10, "max": 9}}, "price"),
        ({"price": {"currency": "EUR", "min": -1}}, "price.min"),
        ({"price": {"currency": "EUR", "max": 2**48}}, "price.max"),
        ({"claims_per_purchase": 0}, "claims_per_purchase"),
        ({"smallest_ring": 0}, "smallest_ring"),
        ({"valid_from": "2031-01-01"}, None),
        ({"remedies": []}, "remedies"),
        ({"remedies": ["apology"]}, "remedies.0"),
        ({"remedies": ["repair", "repair"]}, None),
        ({"products": [KETTLE, "0" + KETTLE]}, None),
        ({"batches": [" A"]}, "batches.0"),
        ({"batches": ["A", "A"]}, None),
        ({"response_time": "7 days"}, "response_time"),
        ({"terms": "javascript:alert(1)"}, "terms"),
        ({"surprise": 1}, "surprise"),
        ({"kind": "refund"}, None),
        ({"ends_ownership": True, "claims_per_purchase": 2}, None),
    ],
)
def test_refuses_what_is_no_policy(changes: dict[str, Any], field: str | None) -> None:
    parse_policy(WARRANTY)
    with pytest.raises(FormatError) as refused:
        parse_policy({**WARRANTY, **changes})
    assert refused.value.field == field


@pytest.mark.parametrize("missing", sorted(WARRANTY.keys() - {"products", "purchased", "price"}))
def test_refuses_a_policy_without_a_member(missing: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_policy({k: v for k, v in WARRANTY.items() if k != missing})
    assert refused.value.field == missing


def test_an_error_never_repeats_the_value() -> None:
    with pytest.raises(FormatError) as refused:
        parse_policy({**WARRANTY, "origin": "s3cret value"})
    assert "s3cret" not in str(refused.value)


def test_batches_are_not_products() -> None:
    """A batch code that looks like a GTIN is still only itself."""
    codes = ("96385074", "00000096385074")
    assert parse_policy({**WARRANTY, "batches": list(codes)}).batches == codes


def test_validity_and_window() -> None:
    policy = parse_policy(WARRANTY)
    assert policy.is_valid_on(date(2024, 1, 1))
    assert policy.is_valid_on(date(2030, 12, 31))
    assert not policy.is_valid_on(date(2023, 12, 31))
    assert not policy.is_valid_on(date(2031, 1, 1))
    assert policy.window(date(2026, 11, 21)) == (date(2024, 11, 21), date(2026, 11, 21))
    absolute = parse_policy({**WARRANTY, "purchased": {"from": "2026-01-01", "to": "2026-01-31"}})
    assert absolute.window(date(2026, 11, 21)) == (date(2026, 1, 1), date(2026, 1, 31))
    unlimited = {k: v for k, v in WARRANTY.items() if k != "purchased"}
    assert parse_policy(unlimited).window(date(2026, 11, 21)) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(WARRANTY)), _JSON)
def test_any_member_replaced_is_read_or_refused_by_name(member: str, value: Any) -> None:
    try:
        policy = parse_policy({**WARRANTY, member: value})
    except FormatError:
        return
    assert parse_policy(parse_json(canonical_json(policy.document()))) == policy


def test_an_approval_lapses_after_the_response_time_counted_in_utc() -> None:
    approved = datetime(2027, 1, 31, 1, tzinfo=timezone(timedelta(hours=2)))
    refund = parse_policy({**REFUND, "response_time": "P1M"})
    assert refund.lapses(approved) == datetime(2027, 2, 28, 23, tzinfo=UTC)
    assert parse_policy(WARRANTY).lapses(approved) is None


def test_claims_may_be_looked_at() -> None:
    policy = parse_policy({**WARRANTY, "review": True, "contact_key": CONTACT})
    assert (policy.review, policy.contact_key) == (True, CONTACT)
    assert not parse_policy(WARRANTY).review
