from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from commitments.attributes import batch_scalar, day_number, product_scalar
from commitments.errors import FormatError
from commitments.p256 import P256
from policies.body import new_nonce
from policies.claim import (
    ClaimBody,
    FollowUpKeys,
    claim_scopes,
    claim_statement,
    parse_claim,
    policy_predicates,
)
from tests.world import KETTLE, published
from zk.statement import Equals, OneOf, Range, Ring, Scope

BODY = ClaimBody(
    origin="ledger.example/acme",
    policy="warranty-2y",
    version=1,
    date="2026-11-21",
    number=0,
    remedy="repair",
    first=0,
    size=4,
    voided_at=5,
    lane=0,
    nonce="00" * 16,
)
RING = Ring(P256, [P256.encode(P256.multiply(i, P256.generator)) for i in range(1, 5)])


BUYER = FollowUpKeys("11" * 32, "22" * 32, "33" * 32)


@pytest.mark.parametrize("body", [BODY, replace(BODY, buyer=BUYER)])
def test_reads_what_it_writes(body: ClaimBody) -> None:
    assert parse_claim(body.document()) == body


_P = 2**255 - 19
_ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"


@pytest.mark.parametrize("name", ["follow_up", "redemption"])
@pytest.mark.parametrize(
    "key",
    [
        *(
            (y + sign).to_bytes(32, "little").hex()
            for y in (0, 1, _P - 1, _P, _P + 1)
            for sign in (0, 2**255)
        ),
        _ORDER_8,
        (_P - int.from_bytes(bytes.fromhex(_ORDER_8), "little")).to_bytes(32, "little").hex(),
    ],
)
def test_refuses_a_key_with_which_anybody_signs(name: str, key: str) -> None:
    """Whoever has made the claim could deny each of its steps, and that it was cashed in."""
    nothing = bytes([1]) + bytes(31) + bytes(32)  # R is the identity, S is 0
    signed = 0
    for attempt in range(200):
        with suppress(InvalidSignature):
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
            public.verify(nothing, b"%d" % attempt)
            signed += 1
    assert signed or int(key[-2:], 16) >= 0x80  # some libraries refuse these spellings
    with pytest.raises(FormatError) as refused:
        parse_claim({**BODY.document(), "buyer": {**BUYER.document(), name: key}})
    assert refused.value.field == f"claim.buyer.{name}"


@pytest.mark.parametrize(
    ("buyer", "field"),
    [
        (None, "claim.buyer"),
        ({}, "claim.buyer"),
        ([], "claim.buyer"),
        ({**BUYER.document(), "more": "11" * 32}, "claim.buyer"),
        ({"follow_up": "11" * 32, "inbox": "22" * 32}, "claim.buyer"),
        ({**BUYER.document(), "follow_up": "11" * 31}, "claim.buyer.follow_up"),
        ({**BUYER.document(), "redemption": 1}, "claim.buyer.redemption"),
        ({**BUYER.document(), "inbox": "00" * 32}, "claim.buyer.inbox"),  # keeps no secret
    ],
)
def test_refuses_keys_of_a_buyer_that_are_none(buyer: Any, field: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_claim({**BODY.document(), "buyer": buyer})
    assert refused.value.field == field


@pytest.mark.parametrize("name", sorted(BUYER.document()))
def test_the_context_binds_each_key_of_the_buyer(name: str) -> None:
    keys = FollowUpKeys(**{**BUYER.document(), name: "44" * 32})
    contexts = {replace(BODY, buyer=each).context for each in (None, BUYER, keys)}
    assert len(contexts) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "review"}, "claim.type"),
        ({"origin": "a|b"}, "claim.origin"),
        ({"policy": ""}, "claim.policy"),
        ({"version": "1"}, "claim.version"),
        ({"version": True}, "claim.version"),
        ({"number": -1}, "claim.number"),
        ({"size": None}, "claim.size"),
        ({"lane": 1.5}, "claim.lane"),
        ({"date": "2026-11-31"}, "claim.date"),
        ({"date": "20261121"}, "claim.date"),
        ({"remedy": "gold"}, "claim.remedy"),
        ({"nonce": "00" * 15}, "claim.nonce"),
        ({"nonce": "AB" * 16}, "claim.nonce"),
        ({"extra": 1}, "claim.extra"),
    ],
)
def test_refuses_a_body_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_claim({**BODY.document(), **changes})
    assert refused.value.field == field


@pytest.mark.parametrize("missing", sorted(BODY.document()))
def test_refuses_a_body_without_a_member(missing: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_claim({k: v for k, v in BODY.document().items() if k != missing})
    assert refused.value.field == f"claim.{missing}"


@given(st.sampled_from(sorted(BODY.document().keys() - {"type"})), st.integers(1, 9))
def test_every_member_is_bound_by_the_context(name: str, by: int) -> None:
    value = getattr(BODY, name)
    changed: Any = {name: value + by if isinstance(value, int) else f"{value}{by}"}
    other = replace(BODY, **changed)
    assert other.context != BODY.context


def test_nonces_are_fresh() -> None:
    assert len({new_nonce() for _ in range(50)}) == 50


def test_predicates_say_what_the_policy_says() -> None:
    predicates = policy_predicates(
        P256, published(batches=["L1", "L2"], products=[KETTLE]), date(2026, 11, 21)
    )
    assert predicates == (
        Equals("product", product_scalar(P256, KETTLE)),
        Range("date", day_number(date(2024, 11, 21)), day_number(date(2026, 11, 21))),
        Range("price", 1000, 50_000),
        Equals("currency", 978),
        OneOf("batch", (batch_scalar(P256, "L1"), batch_scalar(P256, "L2"))),
    )


def test_what_a_policy_does_not_name_stays_hidden() -> None:
    bare = published(products=None, purchased=None, price=None)
    assert policy_predicates(P256, bare, date(2026, 11, 21)) == ()


def test_a_window_older_than_1970_begins_in_1970() -> None:
    (window,) = (
        p
        for p in policy_predicates(
            P256, published(purchased={"oldest": "P99Y"}), date(2026, 11, 21)
        )
        if p.attribute == "date"
    )
    assert window == Range("date", 0, day_number(date(2026, 11, 21)))


def test_scopes_are_those_of_the_protocol() -> None:
    text = "claim|ledger.example/acme|warranty-2y|3"
    assert claim_scopes("ledger.example/acme", "warranty-2y", 3) == (
        Scope("serial", text),
        Scope("secret", text),
    )


def test_statement_takes_from_the_body_only_what_it_may() -> None:
    statement = claim_statement(P256, published(), BODY, bytes(32), RING)
    assert (statement.first, statement.size, statement.voided_at, statement.lane) == (0, 4, 5, 0)
    assert statement.context == BODY.context
    assert statement.predicates == policy_predicates(P256, published(), date(2026, 11, 21))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"policy": "other"}, "claim.policy"),
        ({"version": 2}, "claim.policy"),
        ({"origin": "ledger.example/other"}, "claim.policy"),
        ({"remedy": "refund"}, "claim.remedy"),
        ({"number": 1}, "claim.number"),
        ({"first": 4}, "first"),
        ({"voided_at": 3}, "voided_at"),
    ],
)
def test_no_statement_for_a_body_that_does_not_fit(changes: dict[str, Any], field: str) -> None:
    claim_statement(P256, published(), BODY, bytes(32), RING)
    with pytest.raises(FormatError) as refused:
        claim_statement(P256, published(), replace(BODY, **changes), bytes(32), RING)
    assert refused.value.field == field


def test_who_is_to_be_looked_at_can_be_asked() -> None:
    version = published(review=True, contact_key="22" * 32)
    claim_statement(P256, version, replace(BODY, buyer=BUYER), bytes(32), RING)
    with pytest.raises(FormatError) as refused:
        claim_statement(P256, version, BODY, bytes(32), RING)
    assert refused.value.field == "claim.buyer"
