"""What can follow a claim. Each refusal stands beside the step that is allowed."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.claims import (
    APPROVED,
    CANCELED,
    COMPLETED,
    DECLINED,
    DISPUTED,
    IN_PROCESS,
    MOST_STEPS,
    NEEDS_INFORMATION,
    STATES,
    UNDER_REVIEW,
    Case,
    Grant,
    Redemption,
    advance,
    open_case,
)
from aftersales.steps import BUYER, MERCHANT, STEPS
from commitments.errors import FormatError, Refused, VerificationError
from ledger.events import event_time
from policies.policy import parse_policy
from tests.aftersales.cases import DIGEST, ENDING, PLAIN, REVIEWED, Story, decided

Taken = tuple[str, str]
WEEK = timedelta(days=7)  # the response time of these policies


def after(policy: dict[str, Any], *steps: Taken) -> Story:
    story = Story(policy)
    for by, name in steps:
        story.take(by, name)
    return story


def refuse(story: Story, by: str, name: str, **changes: Any) -> Refused:
    event = story.step(by, name, **changes)
    with pytest.raises(Refused) as refused:
        advance(story.case, event)
    return refused.value


APPROVE, DECLINE, ASK = (MERCHANT, "approve"), (MERCHANT, "decline"), (MERCHANT, "ask")
START, COMPLETE, OFFER = (MERCHANT, "start"), (MERCHANT, "complete"), (MERCHANT, "offer")
ANSWER, ACCEPT, WITHDRAW = (BUYER, "answer"), (BUYER, "accept"), (BUYER, "withdraw")
DISPUTE, REDEEM = (BUYER, "dispute"), (BUYER, "redeem")
NOTES = [(MERCHANT, "note"), (BUYER, "note")]

# Each state, and how it came about; then all steps that can be taken there, and where they lead.
REACHED: list[tuple[str, dict[str, Any], list[Taken], dict[Taken, str]]] = [
    (
        UNDER_REVIEW,
        REVIEWED,
        [],
        {APPROVE: APPROVED, DECLINE: DECLINED, ASK: NEEDS_INFORMATION, WITHDRAW: CANCELED},
    ),
    (
        NEEDS_INFORMATION,
        REVIEWED,
        [ASK],
        {APPROVE: APPROVED, ANSWER: UNDER_REVIEW, WITHDRAW: CANCELED},
    ),
    (
        APPROVED,
        PLAIN,
        [],
        {
            OFFER: APPROVED,
            ASK: NEEDS_INFORMATION,
            START: IN_PROCESS,
            COMPLETE: COMPLETED,
            WITHDRAW: CANCELED,
            DISPUTE: DISPUTED,
            REDEEM: IN_PROCESS,
        },
    ),
    (
        NEEDS_INFORMATION,
        PLAIN,
        [ASK],
        {
            START: IN_PROCESS,
            COMPLETE: COMPLETED,
            ANSWER: APPROVED,
            WITHDRAW: CANCELED,
            REDEEM: IN_PROCESS,
        },
    ),
    (
        IN_PROCESS,
        PLAIN,
        [START],
        {
            OFFER: IN_PROCESS,
            ASK: NEEDS_INFORMATION,
            COMPLETE: COMPLETED,
            DISPUTE: DISPUTED,
            REDEEM: IN_PROCESS,
        },
    ),
    (IN_PROCESS, PLAIN, [REDEEM], {ASK: NEEDS_INFORMATION, COMPLETE: COMPLETED, DISPUTE: DISPUTED}),
    (
        NEEDS_INFORMATION,
        PLAIN,
        [START, ASK],
        {COMPLETE: COMPLETED, ANSWER: IN_PROCESS, REDEEM: IN_PROCESS},
    ),
    (COMPLETED, PLAIN, [COMPLETE], {DISPUTE: DISPUTED}),
    (DECLINED, REVIEWED, [DECLINE], {DISPUTE: DISPUTED}),
    (CANCELED, PLAIN, [WITHDRAW], {}),
    (
        DISPUTED,
        REVIEWED,
        [DECLINE, DISPUTE],
        {APPROVE: APPROVED, DECLINE: DECLINED, ASK: NEEDS_INFORMATION},
    ),
    (
        DISPUTED,
        PLAIN,
        [COMPLETE, DISPUTE],
        {OFFER: DISPUTED, ASK: NEEDS_INFORMATION, START: IN_PROCESS, COMPLETE: COMPLETED},
    ),
    (
        NEEDS_INFORMATION,
        PLAIN,
        [DISPUTE, ASK],
        {START: IN_PROCESS, COMPLETE: COMPLETED, ANSWER: DISPUTED, REDEEM: IN_PROCESS},
    ),
]


@pytest.mark.parametrize(("state", "policy", "way", "leads"), REACHED)
@pytest.mark.parametrize("step", STEPS, ids=["-".join(step) for step in STEPS])
def test_what_can_be_done_in_each_state(
    step: Taken, state: str, policy: dict[str, Any], way: list[Taken], leads: dict[Taken, str]
) -> None:
    story = after(policy, *way)
    assert story.case.state == state
    if step in NOTES:
        assert story.take(*step).state == state
    elif step in leads:
        assert story.take(*step).state == leads[step]
    else:
        code = "already-redeemed" if step == REDEEM and story.case.redeemed else "wrong-state"
        assert refuse(story, *step).code == code


def test_all_states_are_reached() -> None:
    assert {state for state, *_ in REACHED} == set(STATES)


def test_a_policy_says_whether_claims_are_looked_at() -> None:
    for policy, other in ((PLAIN, "under_review"), (REVIEWED, "approved")):
        assert open_case(decided(policy), parse_policy(policy)).state != other
        with pytest.raises(VerificationError):
            open_case(decided(policy, decision=other), parse_policy(policy))


def test_a_case_is_opened_with_the_version_that_the_claim_names() -> None:
    with pytest.raises(VerificationError):
        open_case(decided(PLAIN), parse_policy({**PLAIN, "version": 2}))


# ---- what is granted


def test_what_was_asked_for_is_granted_at_once() -> None:
    case = Story(PLAIN).case
    assert (case.granted, case.agreed) == (Grant("repair", 100), True)


def test_less_than_was_asked_for_takes_effect_when_the_buyer_accepts() -> None:
    story = Story(REVIEWED)
    part = story.take(*APPROVE, resolution="refund", share=40)
    assert (part.granted, part.agreed, part.due) == (Grant("refund", 40), False, None)
    for step in (START, COMPLETE, REDEEM):
        refuse(story, *step)
    accepted = story.take(*ACCEPT)
    assert accepted.agreed
    assert accepted.due is not None
    assert story.take(*COMPLETE).granted == Grant("refund", 40)


def test_an_approval_stands_until_an_offer_is_accepted() -> None:
    story = Story(PLAIN)
    offered = story.take(*OFFER)
    assert (offered.granted, offered.offer) == (Grant("repair", 100), Grant("refund", 50))
    refuse(story, *DECLINE)
    refuse(story, *APPROVE)
    done = after(PLAIN, OFFER, START, COMPLETE).case
    assert (done.granted, done.offer) == (Grant("repair", 100), None)
    accepted = story.take(*ACCEPT)
    assert (accepted.granted, accepted.offer, accepted.agreed) == (Grant("refund", 50), None, True)


def test_there_is_nothing_to_accept_without_an_offer() -> None:
    refuse(Story(PLAIN), *ACCEPT)
    refuse(after(PLAIN, OFFER, ACCEPT), *ACCEPT)
    refuse(after(PLAIN, OFFER, START), *ACCEPT)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"resolution": "store_credit", "share": 100}, "resolution"),  # not of this policy
        ({"resolution": "repair", "share": 99}, "share"),
    ],
)
@pytest.mark.parametrize(("policy", "step"), [(REVIEWED, APPROVE), (PLAIN, OFFER)])
def test_grants_what_the_policy_offers(
    policy: dict[str, Any], step: Taken, changes: dict[str, Any], field: str
) -> None:
    story = Story(policy)
    with pytest.raises(FormatError) as refused:
        story.take(*step, **changes)
    assert refused.value.field == field


# ---- deadlines


def test_the_merchant_has_the_response_time_after_each_move_of_the_buyer() -> None:
    story = Story(REVIEWED)
    assert story.case.due == event_time(story.now + WEEK)
    assert story.take(*ASK).due is None
    answered = story.take(*ANSWER)
    assert answered.due == event_time(story.now + WEEK)
    assert not answered.is_overdue(event_time(story.now + WEEK))
    assert answered.is_overdue(event_time(story.now + WEEK + timedelta(seconds=1)))


def test_notes_and_offers_of_the_merchant_win_no_time() -> None:
    story = Story(PLAIN)
    due = story.case.due
    assert story.take(MERCHANT, "note").due == due
    assert story.take(*OFFER).due == due


@pytest.mark.parametrize("way", [[COMPLETE], [WITHDRAW]])
def test_nothing_is_due_when_all_is_done(way: list[Taken]) -> None:
    assert after(PLAIN, *way).case.due is None


def test_who_is_asked_has_the_response_time_to_answer() -> None:
    story = after(REVIEWED, ASK)
    assert story.case.answer_by == event_time(story.now + WEEK)
    assert story.case.wants == ("photo",)
    story.now += WEEK - timedelta(hours=1)  # the step comes an hour later
    refuse(story, *DECLINE, reason="no_answer")
    story.now += timedelta(seconds=1)
    assert story.take(*DECLINE, reason="no_answer").state == DECLINED


# ---- slots


def test_a_claim_that_came_to_nothing_frees_its_slot() -> None:
    assert not after(REVIEWED, DECLINE).case.holds_slot
    assert not after(REVIEWED, ASK, WITHDRAW).case.holds_slot
    assert after(REVIEWED, DECLINE, DISPUTE).case.holds_slot


@pytest.mark.parametrize("way", [[START], [COMPLETE, DISPUTE], [REDEEM], [START, ASK]])
def test_nobody_withdraws_what_has_been_done(way: list[Taken]) -> None:
    refuse(after(PLAIN, *way), *WITHDRAW)


def test_nobody_withdraws_after_a_dispute_about_what_was_done() -> None:
    story = after(PLAIN, COMPLETE, DISPUTE, OFFER, ACCEPT)
    assert story.case.state == APPROVED
    refuse(story, *WITHDRAW)


# ---- cashing in


def test_an_approval_is_cashed_in_once() -> None:
    story = Story(PLAIN)
    redeemed = story.take(*REDEEM, shop="acme/desk-2", signed="2026-11-21T12:30:00Z")
    assert redeemed.redeemed == Redemption("acme/desk-2", "2026-11-21T12:30:00Z")
    assert refuse(story, *REDEEM).code == "already-redeemed"


def test_a_redemption_is_signed_within_the_last_day() -> None:
    story = Story(PLAIN)
    story.now += timedelta(days=3)
    moment = story.now + timedelta(hours=1)  # when the step comes
    for ago in (timedelta(days=1, seconds=1), -timedelta(minutes=5, seconds=1)):
        assert refuse(story, *REDEEM, signed=event_time(moment - ago)).code == "wrong-time"
    story.take(*REDEEM, signed=event_time(moment - timedelta(days=1)))


def test_what_was_cashed_in_is_offered_no_more() -> None:
    refuse(after(PLAIN, REDEEM), *OFFER)
    assert after(PLAIN, OFFER, REDEEM).case.offer is None


def test_a_merchant_that_asks_without_end_does_not_stop_the_cashing_in() -> None:
    redeemed = after(PLAIN, ASK, REDEEM).case
    assert (redeemed.wants, redeemed.answer_by, redeemed.due is not None) == ((), None, True)
    asked = after(REVIEWED, (MERCHANT, "approve"), *[ASK, ANSWER] * (MOST_STEPS - 1))
    refuse(asked, *ASK)
    asked.take(BUYER, "note")
    assert refuse(asked, BUYER, "note").code == "too-many-steps"
    asked.take(*REDEEM)


def test_who_disputes_gives_up_nothing_that_was_granted() -> None:
    """A merchant that lets a dispute lie could keep back an approval for ever."""
    redeemed = after(PLAIN, DISPUTE, REDEEM).case
    assert (redeemed.state, redeemed.reason) == (IN_PROCESS, None)
    for way in ([START, DISPUTE], [COMPLETE, DISPUTE]):  # something has been done for it
        refuse(after(PLAIN, *way), *REDEEM)


# ---- claims that end the ownership


def test_nothing_is_done_before_the_owner_has_left() -> None:
    story = Story(ENDING)
    assert story.case.due is None
    for step in (START, COMPLETE, REDEEM, ASK, OFFER, DISPUTE):
        refuse(story, *step)
    assert story.retire().due == event_time(story.now + WEEK)
    refuse(story, *WITHDRAW)
    assert story.take(*COMPLETE).state == COMPLETED


def test_an_owner_leaves_once_and_not_after_withdrawing() -> None:
    for story in (Story(ENDING), Story(ENDING), Story(PLAIN)):
        if story.case.policy.ends_ownership:
            story.retire()
        with pytest.raises(Refused):
            story.retire()
    withdrawn = after(ENDING, WITHDRAW)
    with pytest.raises(Refused):
        withdrawn.retire()


# ---- attacks


def test_a_step_of_another_claim() -> None:
    story = Story(PLAIN)
    event = story.step(*ACCEPT, claim_id="ef" * 32)
    with pytest.raises(VerificationError):
        advance(story.case, event)


@pytest.mark.parametrize("number", [0, 2, 7])
def test_a_step_with_another_number_than_the_next(number: int) -> None:
    story = after(PLAIN, OFFER)
    refused = refuse(story, *ACCEPT, number=number)
    assert (refused.code, refused.field) == ("already-moved", "number")
    story.take(*ACCEPT, number=1)


def test_a_signed_step_is_no_use_later() -> None:
    story = after(PLAIN, OFFER)
    accept = story.step(*ACCEPT)
    story.take(*ACCEPT)
    story.take(*OFFER, share=10)
    with pytest.raises(Refused):
        advance(story.case, accept)
    with pytest.raises(VerificationError):
        advance(story.case, {**accept, "number": story.case.number})


def test_the_merchant_takes_no_step_of_the_buyer() -> None:
    story = after(PLAIN, OFFER)
    with pytest.raises(VerificationError):
        advance(story.case, {**story.step(*ACCEPT), "signature": "00" * 64})


def test_a_claim_without_keys_has_the_merchants_steps_only() -> None:
    story = Story(PLAIN, with_keys=False)
    for by, name in ((BUYER, "dispute"), (BUYER, "redeem"), ASK, OFFER, (MERCHANT, "note")):
        refuse(story, by, name)
    refuse(story, *START, attachments=[DIGEST])
    assert story.take(*COMPLETE).state == COMPLETED


def test_without_a_contact_key_the_buyer_attaches_nothing() -> None:
    policy = {**PLAIN}
    del policy["contact_key"]
    story = Story(policy)
    refuse(story, *DISPUTE, attachments=[DIGEST])
    refuse(story, *ASK)
    assert story.take(*DISPUTE).state == DISPUTED


@pytest.mark.parametrize("by", [BUYER, MERCHANT])
def test_steps_are_bounded_on_each_side(by: str) -> None:
    story = after(PLAIN, *[(by, "note")] * MOST_STEPS)
    assert refuse(story, by, "note").code == "too-many-steps"
    story.take(MERCHANT if by == BUYER else BUYER, "note")


@given(st.sampled_from([PLAIN, REVIEWED]), st.lists(st.sampled_from(sorted(STEPS)), max_size=20))
def test_whatever_is_tried(policy: dict[str, Any], tried: list[Taken]) -> None:
    story = Story(policy)
    for step in tried:
        before = story.case
        try:
            after_it = story.take(*step)
        except Refused:
            assert story.case is before
            continue
        _require_sound(before, after_it)


def _require_sound(before: Case, now: Case) -> None:
    assert now.number == before.number + 1
    assert sum(now.taken) == now.number - (now.redeemed is not None)
    assert before.granted is None or now.granted is not None  # no approval is taken back
    assert now.redeemed == before.redeemed or before.redeemed is None
    assert now.holds_slot or not now.started  # nothing is done twice
    assert not now.started or (now.granted is not None)
    assert (now.answer_by is None) == (now.state != NEEDS_INFORMATION)
    assert now.state not in (COMPLETED, DECLINED, CANCELED) or now.due is None
    assert now.state not in (UNDER_REVIEW, IN_PROCESS, DISPUTED) or now.due is not None
