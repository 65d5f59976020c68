from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.steps import (
    BUYER,
    MERCHANT,
    MOST_ATTACHMENTS,
    STEPS,
    check_step,
    erasure_message,
    inbox_message,
    verify_request,
    verify_step,
)
from commitments.errors import FormatError, VerificationError
from policies.claim import FollowUpKeys
from tests.aftersales.cases import (
    BUYER_KEYS,
    CLAIM,
    DIGEST,
    FOLLOW_UP,
    PLAIN,
    Story,
    signed,
)

STORY = Story(PLAIN)
ALL = [STORY.step(by, name) for by, name in STEPS]
BUYERS = [event for event in ALL if event["by"] == BUYER]
NAMES = [f"{event['by']}-{event['step']}" for event in ALL]
OTHERS: list[Any] = [
    None,
    1,
    -1,
    0.5,
    True,
    "",
    "x",
    "Ab" * 32,
    [],
    [1],
    {},
    "9" * 500,
    ["photo"] * 2,
]


@pytest.mark.parametrize("event", ALL, ids=NAMES)
def test_every_step_has_a_form(event: dict[str, Any]) -> None:
    check_step(event)


@pytest.mark.parametrize("event", ALL, ids=NAMES)
def test_a_step_has_exactly_its_members(event: dict[str, Any]) -> None:
    for name in event.keys() - {"type", "by", "step"}:
        with pytest.raises(FormatError) as refused:
            check_step({k: v for k, v in event.items() if k != name})
        assert refused.value.field == name
    with pytest.raises(FormatError) as refused:
        check_step({**event, "more": 1})
    assert refused.value.field == "more"


@given(st.sampled_from(ALL), st.data())
def test_a_member_replaced_is_refused_by_name(event: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(event.keys() - {"time"})))
    value = data.draw(st.sampled_from(OTHERS))
    allowed: dict[str, list[Any]] = {"attachments": [[]], "number": [1], "shop": ["x", "Ab" * 32]}
    if value in allowed.get(name, []) and type(value) is not bool:
        return
    with pytest.raises(FormatError) as refused:
        check_step({**event, name: value})
    assert refused.value.field in (name, "step")


@pytest.mark.parametrize(
    ("by", "name", "changes", "field"),
    [
        (MERCHANT, "approve", {"share": 0}, "share"),
        (MERCHANT, "approve", {"share": 101}, "share"),
        (MERCHANT, "approve", {"resolution": "gold"}, "resolution"),
        (MERCHANT, "decline", {"reason": "because"}, "reason"),
        (MERCHANT, "ask", {"wants": ["video", "photo"]}, "wants"),  # one spelling of each set
        (MERCHANT, "note", {"attachments": []}, "attachments"),
        (MERCHANT, "start", {"attachments": [DIGEST, DIGEST]}, "attachments"),
        (BUYER, "accept", {"attachments": [DIGEST]}, "attachments"),
        (BUYER, "redeem", {"shop": "one|two"}, "shop"),
        (BUYER, "redeem", {"signed": "2026-11-31T00:00:00Z"}, "signed"),
        (BUYER, "redeem", {"signed": "2026-11-21T00:00:00+00:00"}, "signed"),
        (BUYER, "approve", {}, "step"),
        (MERCHANT, "answer", {}, "step"),
    ],
)
def test_refuses_a_step_that_is_none(
    by: str, name: str, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(FormatError) as refused:
        check_step({**STORY.step(by, name), **changes})
    assert refused.value.field == field


def test_attachments_are_bounded() -> None:
    digests = [f"{n:064x}" for n in range(MOST_ATTACHMENTS + 1)]
    check_step(STORY.step(BUYER, "note", attachments=digests[:-1]))
    with pytest.raises(FormatError):
        check_step(STORY.step(BUYER, "note", attachments=digests))


@pytest.mark.parametrize("event", BUYERS, ids=[event["step"] for event in BUYERS])
def test_the_buyer_has_signed_its_steps(event: dict[str, Any]) -> None:
    verify_step(event, BUYER_KEYS)
    others = FollowUpKeys(BUYER_KEYS.redemption, BUYER_KEYS.inbox, BUYER_KEYS.follow_up)
    with pytest.raises(VerificationError):
        verify_step(event, others)


@pytest.mark.parametrize("event", BUYERS, ids=[event["step"] for event in BUYERS])
def test_all_of_a_step_is_signed_but_when_it_came(event: dict[str, Any]) -> None:
    changes: dict[str, Any] = {
        "claim_id": "ef" * 32,
        "number": 7,
        "attachments": ["ef" * 32],
        "reason": "too_late",
        "shop": "acme/desk-2",
        "signed": "2026-11-21T13:00:01Z",
    }
    # A redemption is signed before anyone knows the number it will have, and has no attachments.
    left_out = {"number", "attachments"} if event["step"] == "redeem" else set()
    for name in changes.keys() & event.keys() - left_out:
        with pytest.raises(VerificationError):
            verify_step({**event, name: changes[name]}, BUYER_KEYS)
    verify_step({**event, "time": "2027-01-01T00:00:00Z"}, BUYER_KEYS)


def test_no_step_of_the_buyer_passes_for_another() -> None:
    accept, withdraw = (STORY.step(BUYER, name) for name in ("accept", "withdraw"))
    with pytest.raises(VerificationError):
        verify_step({**accept, "signature": withdraw["signature"]}, BUYER_KEYS)


def test_reading_the_inbox_is_signed_for_one_claim_and_one_time() -> None:
    time = "2026-11-21T12:00:00Z"
    signature = FOLLOW_UP.sign(inbox_message(CLAIM, time)).hex()
    verify_request(inbox_message, CLAIM, time, signature, BUYER_KEYS)
    with pytest.raises(VerificationError):
        verify_request(erasure_message, CLAIM, time, signature, BUYER_KEYS)
    for claim, moment, by in (
        ("ef" * 32, time, signature),
        (CLAIM, "2026-11-21T12:00:01Z", signature),
        (CLAIM, time, signed(STORY.step(BUYER, "accept"))["signature"]),
    ):
        with pytest.raises(VerificationError):
            verify_request(inbox_message, claim, moment, by, BUYER_KEYS)
    for claim, moment, by in ((CLAIM, "today", signature), (CLAIM, time, signature[:-2])):
        with pytest.raises(FormatError):
            verify_request(inbox_message, claim, moment, by, BUYER_KEYS)
