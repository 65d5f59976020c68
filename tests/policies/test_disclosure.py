from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.attributes import ATTRIBUTES, product_scalar, unit_scalar
from commitments.errors import FormatError
from commitments.p256 import P256
from commitments.wire import canonical_json, parse_json
from policies.disclosure import (
    Disclosure,
    DisclosureBody,
    Shown,
    disclosure_scopes,
    disclosure_statement,
    parse_disclosure,
)
from tests.world import KETTLE, ORIGIN
from zk.statement import Equals, Range, Scope

BODY = DisclosureBody(
    origin=ORIGIN,
    recipient="Försäkring AB",
    purpose="claim 77/2026",
    date="2026-11-21",
    nonce="00" * 16,
    predicates=(
        Shown("product", KETTLE, KETTLE),
        Shown("date", "1970-01-02", "1970-01-11"),
        Shown("price", 100, 100),
        Shown("currency", "EUR", "EUR"),
        Shown("unit", "SN-1", "SN-1"),
    ),
)
GOOD = Disclosure(BODY, b"\x01entry", "c2sp.org/tlog-proof@v1\n", b"proof")


def test_reads_what_it_writes() -> None:
    assert parse_disclosure(parse_json(canonical_json(GOOD.document()))) == GOOD


codes = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=7)
days = st.dates(min_value=date(1970, 1, 1)).map(lambda day: day.isoformat())
prices = st.integers(0, 2**48 - 1)


def _subset(drawn: dict[str, Any]) -> tuple[Shown, ...]:
    if "price" in drawn:
        drawn = {**drawn, "currency": ("EUR", "EUR")}
    return tuple(Shown(name, *sorted(drawn[name])) for name in ATTRIBUTES if name in drawn)


def exactly(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values.map(lambda value: (value, value))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "product": exactly(codes),
            "date": exactly(days) | st.tuples(days, days),
            "price": exactly(prices) | st.tuples(prices, prices),
            "batch": exactly(codes),
            "unit": exactly(codes),
        },
    )
)
def test_any_subset_is_read_as_it_was_written(drawn: dict[str, Any]) -> None:
    good = replace(GOOD, body=replace(BODY, predicates=_subset(drawn)))
    read = parse_disclosure(parse_json(canonical_json(good.document())))
    assert read == good
    assert read.body.context == good.body.context


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "claim"}, "disclosure.type"),
        ({"origin": "a|b"}, "disclosure.origin"),
        ({"recipient": ""}, "disclosure.recipient"),
        ({"recipient": 1}, "disclosure.recipient"),
        ({"recipient": "a|b"}, "disclosure.recipient"),
        ({"recipient": " a"}, "disclosure.recipient"),
        ({"recipient": "x" * 201}, "disclosure.recipient"),
        ({"purpose": "two\nlines"}, "disclosure.purpose"),
        ({"purpose": "a|b"}, "disclosure.purpose"),
        ({"purpose": "e\u0301"}, "disclosure.purpose"),
        ({"date": "2026-11-31"}, "disclosure.date"),
        ({"date": None}, "disclosure.date"),
        ({"nonce": "00" * 15}, "disclosure.nonce"),
        ({"nonce": "AB" * 16}, "disclosure.nonce"),
        ({"extra": 1}, "disclosure.extra"),
        ({"predicates": []}, "disclosure.predicates"),
        ({"predicates": {"serial": {"equals": "1"}}}, "disclosure.predicates.serial"),
        ({"predicates": {"price": {"equals": 1}}}, "disclosure.predicates.currency"),
    ],
)
def test_refuses_a_body_that_is_none(changes: dict[str, Any], field: str) -> None:
    document = GOOD.document()
    with pytest.raises(FormatError) as refused:
        parse_disclosure({**document, "disclosure": {**document["disclosure"], **changes}})
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("attribute", "shown"),
    [
        ("product", {"equals": 1}),
        ("product", {"equals": "4006381333932"}),  # a wrong check digit
        ("product", {"from": "a", "to": "b"}),
        ("date", {"from": "2026-11-02", "to": "2026-11-01"}),
        ("date", {"from": "2026-11-01", "to": "2026-11-01"}),  # that is an equals
        ("date", {"from": "2026-11-01"}),
        ("date", {"equals": 20_000}),
        ("date", {"equals": "1969-12-31"}),
        ("price", {"from": 2, "to": 1}),
        ("price", {"equals": "100"}),
        ("price", {"equals": True}),
        ("price", {"from": 0, "to": True}),
        ("price", {"equals": -1}),
        ("price", {"equals": 2**48}),
        ("currency", {"equals": "EURO"}),
        ("currency", {"from": "EUR", "to": "USD"}),
        ("batch", {"equals": None}),
        ("unit", {"equals": "a", "to": "b"}),
        ("unit", "a"),
        ("unit", None),
        ("unit", ["a"]),
    ],
)
def test_refuses_what_no_purchase_has(attribute: str, shown: Any) -> None:
    document = GOOD.document()
    body = {**document["disclosure"], "predicates": {"currency": {"equals": "EUR"}}}
    parse_disclosure({**document, "disclosure": body})
    body["predicates"][attribute] = shown
    with pytest.raises(FormatError) as refused:
        parse_disclosure({**document, "disclosure": body})
    assert refused.value.field == f"disclosure.predicates.{attribute}"


@pytest.mark.parametrize("missing", sorted(BODY.document()))
def test_refuses_a_body_without_a_member(missing: str) -> None:
    document = GOOD.document()
    body = {name: value for name, value in document["disclosure"].items() if name != missing}
    with pytest.raises(FormatError) as refused:
        parse_disclosure({**document, "disclosure": body})
    assert refused.value.field == f"disclosure.{missing}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": "kvitto-disclosure/v2"}, "schema"),
        ({"entry": "AQ"}, "entry"),
        ({"entry": 1}, "entry"),
        ({"proof": None}, "proof"),
        ({"proof": "AQ=\n="}, "proof"),
        ({"inclusion": {}}, "inclusion"),
        ({"more": 1}, "file"),
    ],
)
def test_refuses_a_file_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_disclosure({**GOOD.document(), **changes})
    assert refused.value.field == field
    with pytest.raises(FormatError):
        parse_disclosure([])


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(["disclosure", "predicates", "price"]), json)
def test_junk_is_refused_and_never_more(where: str, junk: Any) -> None:
    document = GOOD.document()
    body = dict(document["disclosure"])
    if where == "disclosure":
        body = junk
    elif where == "predicates":
        body["predicates"] = junk
    else:
        body["predicates"] = {**body["predicates"], "price": junk}
    try:
        read = parse_disclosure({**document, "disclosure": body})
    except FormatError:
        return
    assert read.document()["disclosure"] == body


def test_the_statement_is_that_of_the_protocol() -> None:
    point = P256.encode(P256.generator)
    made = disclosure_statement(P256, BODY, point, 3, 9, bytes(32))
    assert (made.origin, made.first, made.size, made.voided_at, made.lane) == (ORIGIN, 3, 9, 9, 0)
    assert made.ring.members == (point,)
    assert made.predicates == (
        Equals("product", product_scalar(P256, KETTLE)),
        Range("date", 1, 10),
        Equals("price", 100),
        Equals("currency", 978),
        Equals("unit", unit_scalar(P256, "SN-1")),
    )
    text = f"disclosure|{ORIGIN}|Försäkring AB|claim 77/2026"
    assert made.scopes == (Scope("serial", text), Scope("secret", text))
    assert made.scopes == disclosure_scopes(BODY.origin, BODY.recipient, BODY.purpose)
    assert made.context == BODY.context
    with pytest.raises(FormatError):
        disclosure_statement(P256, BODY, point, 9, 9, bytes(32))
    with pytest.raises(FormatError):
        disclosure_statement(P256, BODY, bytes(33), 3, 9, bytes(32))


@given(st.sampled_from(["origin", "recipient", "purpose", "nonce"]), st.integers(1, 9))
def test_every_member_is_bound_by_the_context(name: str, by: int) -> None:
    other = replace(BODY, **{name: f"{getattr(BODY, name)}{by}"})  # type: ignore[arg-type]
    assert other.context != BODY.context
    assert replace(BODY, predicates=BODY.predicates[1:]).context != BODY.context
