"""Steps at the service: who takes which, what is kept, and what cannot be done twice."""

from typing import Any

import pytest
from sqlalchemy import select

from aftersales.steps import BUYER, MERCHANT
from commitments.errors import FormatError, Refused, VerificationError
from ledger.events import event_time
from ledger.fsck import check_all
from policies.attachments import LARGEST_ATTACHMENT, attachment_digest
from tests.aftersales.cases import BUYER_KEYS, FOLLOW_UP
from tests.steps import ENDING, LOOKED_AT, PLAIN, Followed
from tests.world import ORIGIN, Bought, World
from verifier import attachments as attachments_room
from verifier.attachments import MOST_BYTES_OF_A_STEP, attachments
from verifier.schema import tags

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def world(world: World) -> World:
    for policy in (PLAIN, LOOKED_AT, ENDING):
        world.publish(policy)
    return world


@pytest.fixture
def bought(world: World) -> Bought:
    first, *_ = world.buy(*[world.sale()] * 3)
    world.close()
    return first


@pytest.fixture
def claim(world: World, bought: Bought) -> Followed:
    return Followed(world, bought, "looked-at")


def refuse(claim: Followed, step: dict[str, Any], *contents: bytes) -> Exception:
    """Refused, and nothing is written."""
    before = claim.world.sizes(), kept(claim.world)
    with pytest.raises((Refused, FormatError, VerificationError)) as refused:
        claim.world.verifier.cases.take(ORIGIN, claim.claim_id, step, contents)
    assert (claim.world.sizes(), kept(claim.world)) == before
    return refused.value


def code_of(error: Exception) -> str:
    assert isinstance(error, Refused)
    return error.code


def kept(world: World) -> int:
    with world.store.read() as connection:
        return len(connection.execute(select(attachments.c.digest)).all())


def used(world: World) -> list[str]:
    with world.store.read() as connection:
        return list(connection.scalars(select(tags.c.claim_id)))


def test_a_claim_is_looked_at_where_the_policy_says_so(world: World, claim: Followed) -> None:
    document = claim.decision.document()
    assert (document["decision"], document["status"]) == ("under_review", "under_review")
    ((_, event),) = world.events("claim.decided")
    assert event["decision"] == "under_review"
    again = world.verifier.decision(ORIGIN, claim.claim_id).document()
    assert (again["decision"], again["status"]) == ("under_review", "under_review")
    document = world.verifier.cases.read(ORIGIN, claim.claim_id).document()
    assert (document["state"], document["granted"], document["overdue"]) == (
        "under_review",
        None,
        False,
    )
    assert document["decision"]["event"] == event


def test_a_case_from_its_first_to_its_last_step(world: World, claim: Followed) -> None:
    claim.take(MERCHANT, "ask", wants=["photo"])
    photo = claim.seal(b"a photo")
    claim.take(BUYER, "answer", photo)
    claim.take(MERCHANT, "approve", resolution="refund", share=50)
    claim.take(BUYER, "accept")
    claim.take(BUYER, "redeem")
    status = claim.take(MERCHANT, "complete")
    document = status.document()
    assert (document["state"], document["number"]) == ("completed", 6)
    assert document["granted"] == {"resolution": "refund", "share": 50}
    assert document["redeemed"]["shop"] == "acme/desk-1"
    assert [step["event"]["number"] for step in document["steps"]] == list(range(6))
    assert world.verifier.cases.attachment(ORIGIN, claim.claim_id, *_digests(photo)) == photo
    with world.store.read() as connection:
        check_all(connection)


def _digests(*contents: bytes) -> list[str]:
    return [attachment_digest(content) for content in contents]


def test_a_step_sent_again_gets_the_same_answer_however_late(world: World, claim: Followed) -> None:
    photo = claim.seal(b"a photo")
    step = claim.step(BUYER, "note", photo)
    first, _ = world.verifier.cases.take(ORIGIN, claim.claim_id, step, [photo])
    claim.number = 1
    claim.take(MERCHANT, "approve")
    world.clock.advance(days=30)
    world.verifier.cases.erase(ORIGIN, claim.claim_id)
    size = world.sizes()
    again, new = world.verifier.cases.take(ORIGIN, claim.claim_id, step, [photo])
    assert not new
    assert again.document()["steps"][0]["event"] == first.document()["steps"][0]["event"]
    assert (world.sizes(), kept(world)) == (size, 0)  # what was erased does not come back


def test_another_step_of_a_number_that_was_taken_is_refused(claim: Followed) -> None:
    claim.take(BUYER, "note", claim.seal(b"one"))
    for number in (0, 2):
        step = claim.step(MERCHANT, "approve", number=number)
        assert code_of(refuse(claim, step)) == "already-moved"


# ---- forgeries


def test_a_step_signed_with_another_key(claim: Followed) -> None:
    step = claim.step(BUYER, "withdraw")
    other = {**step, "signature": FOLLOW_UP.sign(b"something else").hex()}
    assert isinstance(refuse(claim, other), VerificationError)
    claim.take(BUYER, "withdraw")


def test_a_signed_step_at_another_number_or_claim(world: World, claim: Followed) -> None:
    (other,) = world.buy(world.sale())
    world.close()
    second = Followed(world, other, "looked-at")  # with the same keys, which no wallet does
    step = claim.step(BUYER, "note", claim.seal(b"text"))
    claim.take(MERCHANT, "note", claim.seal(b"other text"))
    moved = {**step, "number": 1}
    assert isinstance(refuse(claim, moved, claim.seal(b"text")), (FormatError, VerificationError))
    withdrawal = claim.step(BUYER, "withdraw")
    claim.take(MERCHANT, "note", claim.seal(b"more"))
    assert isinstance(refuse(claim, {**withdrawal, "number": 2}), VerificationError)
    foreign = {**withdrawal, "claim_id": second.claim_id, "number": 0}
    assert isinstance(refuse(second, foreign), VerificationError)
    assert isinstance(refuse(second, withdrawal), FormatError)  # of another claim than the path's
    second.take(BUYER, "withdraw")


def test_the_merchant_signs_nothing_and_dates_nothing(claim: Followed) -> None:
    step = claim.step(MERCHANT, "approve")
    refuse(claim, {**step, "time": "2020-01-01T00:00:00Z"})
    refuse(claim, {**step, "signature": "00" * 64})
    refuse(claim, {**step, "extra": 1})
    claim.take(MERCHANT, "approve")


def test_a_claim_of_another_merchant_has_no_case_here(world: World, claim: Followed) -> None:
    for origin, identifier in (("ledger.example/other", claim.claim_id), (ORIGIN, "00" * 32)):
        with pytest.raises(Exception, match="no"):
            world.verifier.cases.read(origin, identifier)


def test_a_claim_without_keys_has_no_steps_of_its_buyer(world: World, bought: Bought) -> None:
    decision = world.claim(bought, "warranty-2y")
    claim = Followed.__new__(Followed)
    claim.world, claim.claim_id, claim.number = world, decision.claim_id, 0
    assert code_of(refuse(claim, claim.step(BUYER, "withdraw"))) == "wrong-state"
    claim.take(MERCHANT, "complete")


# ---- attachments


def test_attachments_are_those_that_the_step_names(claim: Followed) -> None:
    one, two = claim.seal(b"one"), claim.seal(b"two")
    step = claim.step(BUYER, "note", one, two)
    changed = one[:-1] + bytes([one[-1] ^ 1])
    for contents in ((), (one,), (two, one), (one, changed), (one, two, two)):
        assert isinstance(refuse(claim, step, *contents), FormatError)
    claim.take(BUYER, "note", one, two)


def test_attachments_have_the_size_of_a_ciphertext(
    claim: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = b"x" * 48
    refuse(claim, claim.step(BUYER, "note", small), small)
    large = b"x" * (LARGEST_ATTACHMENT + 1)
    refuse(claim, claim.step(BUYER, "note", large), large)
    monkeypatch.setattr(attachments_room, "MOST_BYTES_OF_A_STEP", 200)
    many = [claim.seal(b"x" * 60 + bytes([n])) for n in range(2)]
    refuse(claim, claim.step(BUYER, "note", *many), *many)
    claim.take(BUYER, "note", many[0])
    assert MOST_BYTES_OF_A_STEP == 1 << 23


def test_each_side_has_room_for_so_much(claim: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments_room, "_MOST_BYTES", 250)
    content = claim.seal(b"x" * 100)
    claim.take(BUYER, "note", content)
    more = claim.seal(b"y" * 100)
    assert code_of(refuse(claim, claim.step(BUYER, "note", more), more)) == "claim-full"
    claim.take(MERCHANT, "note", more)
    claim.world.verifier.cases.erase(ORIGIN, claim.claim_id)
    claim.take(BUYER, "note", more)


def test_what_is_erased_is_gone_and_the_case_goes_on(world: World, claim: Followed) -> None:
    mine, theirs = claim.seal(b"photo"), claim.seal(b"letter")
    claim.take(BUYER, "note", mine)
    claim.take(MERCHANT, "note", theirs)
    cases, now = world.verifier.cases, event_time(world.clock())
    with pytest.raises(VerificationError):
        cases.erase_as_buyer(ORIGIN, claim.claim_id, now, claim.ask_for_inbox(now))
    assert kept(world) == 2
    cases.erase_as_buyer(ORIGIN, claim.claim_id, now, claim.ask_for_erasure(now))
    assert kept(world) == 0
    with pytest.raises(Refused) as refused:
        cases.attachment(ORIGIN, claim.claim_id, *_digests(mine))
    assert refused.value.code == "erased"
    (message,) = cases.inbox(ORIGIN, claim.claim_id, now, claim.ask_for_inbox(now))
    assert (message.digest, message.content) == (_digests(theirs)[0], None)
    claim.take(MERCHANT, "approve")


def test_the_merchant_reads_what_buyers_have_sent_and_nothing_else(
    world: World, claim: Followed
) -> None:
    mine = claim.seal(b"letter")
    claim.take(MERCHANT, "note", mine)
    for digest in (*_digests(mine), "00" * 32):
        with pytest.raises(Refused) as refused:
            world.verifier.cases.attachment(ORIGIN, claim.claim_id, digest)
        assert refused.value.code == "unknown-attachment"


def test_the_inbox_opens_to_the_buyer_and_for_minutes(world: World, claim: Followed) -> None:
    letter = claim.seal(b"letter")
    claim.take(MERCHANT, "note", letter)
    cases, now = world.verifier.cases, event_time(world.clock())
    signature = claim.ask_for_inbox(now)
    (message,) = cases.inbox(ORIGIN, claim.claim_id, now, signature)
    assert (message.number, message.content) == (0, letter)
    with pytest.raises(VerificationError):
        cases.inbox(ORIGIN, claim.claim_id, now, claim.ask_for_erasure(now))
    for field, time in (("time", "now"), ("time", "2026-11-21T12:00:00+00:00")):
        with pytest.raises(FormatError) as refused:
            cases.inbox(ORIGIN, claim.claim_id, time, signature)
        assert refused.value.field == field
    world.clock.advance(minutes=5)
    assert cases.inbox(ORIGIN, claim.claim_id, now, signature)
    world.clock.advance(seconds=1)
    for ask, sign in (
        (cases.inbox, claim.ask_for_inbox),
        (cases.erase_as_buyer, claim.ask_for_erasure),
    ):
        with pytest.raises(Refused) as late:
            ask(ORIGIN, claim.claim_id, now, sign(now))
        assert late.value.code == "wrong-time"


def test_attachments_are_gone_with_the_transaction_that_brought_them(
    world: World, claim: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the step with them: neither is there without the other."""
    photo = claim.seal(b"photo")
    step = claim.step(BUYER, "note", photo)
    monkeypatch.setattr("verifier.cases.store_attachments", _fail)
    size = world.sizes()
    with pytest.raises(RuntimeError):
        world.verifier.cases.take(ORIGIN, claim.claim_id, step, [photo])
    assert (world.sizes(), kept(world)) == (size, 0)
    monkeypatch.undo()
    claim.take(BUYER, "note", photo)


def _fail(*_arguments: Any) -> None:
    raise RuntimeError("no disk")


# ---- slots


@pytest.mark.parametrize(("by", "end"), [(MERCHANT, "decline"), (BUYER, "withdraw")])
def test_a_claim_that_came_to_nothing_frees_its_slot(
    world: World, bought: Bought, claim: Followed, by: str, end: str
) -> None:
    assert world.claim(bought, "looked-at", buyer=BUYER_KEYS).reason == "already_claimed"
    claim.take(by, end)
    assert used(world) == []
    second = Followed(world, bought, "looked-at")
    assert second.decision.recorded
    assert used(world) == [second.claim_id]
    third = world.claim(bought, "looked-at", buyer=BUYER_KEYS)
    assert (third.reason, third.earlier) == ("already_claimed", second.claim_id)


def test_a_dispute_takes_the_slot_again_unless_another_has_it(
    world: World, bought: Bought, claim: Followed
) -> None:
    claim.take(MERCHANT, "decline")
    second = Followed(world, bought, "looked-at")
    assert code_of(refuse(claim, claim.step(BUYER, "dispute"))) == "already-claimed"
    second.take(BUYER, "withdraw")
    claim.take(BUYER, "dispute")
    assert used(world) == [claim.claim_id]
    assert world.claim(bought, "looked-at", buyer=BUYER_KEYS).earlier == claim.claim_id
    claim.take(MERCHANT, "decline")
    assert used(world) == []


def test_the_same_claim_again_after_it_was_declined_is_the_declined_one(
    world: World, bought: Bought
) -> None:
    body = world.body(bought, "looked-at", buyer=BUYER_KEYS)
    proof = world.prove(bought, body)
    claim = Followed.__new__(Followed)
    claim.world, claim.number = world, 0
    claim.claim_id = world.verifier.decide(ORIGIN, body, proof).claim_id
    claim.take(MERCHANT, "decline")
    again = world.verifier.decide(ORIGIN, body, proof)
    assert (again.claim_id, again.new) == (claim.claim_id, False)
    assert used(world) == []


def test_nobody_leaves_by_a_refund_that_was_withdrawn(world: World, bought: Bought) -> None:
    refund = Followed(world, bought, "refund-14d")
    refund.take(BUYER, "withdraw")
    assert world.verifier.decision(ORIGIN, refund.claim_id).status == "canceled"
    with pytest.raises(Refused) as refused:
        world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret)
    assert refused.value.code == "not-awaiting-secret"
    second = Followed(world, bought, "refund-14d")  # which the first does not go before
    ended = world.verifier.retire(ORIGIN, second.claim_id, bought.keys.secret)
    assert ended.status == "completed"
    assert code_of(refuse(second, second.step(BUYER, "withdraw"))) == "wrong-state"


def test_an_owner_who_has_left_is_among_the_events(world: World, bought: Bought) -> None:
    refund = Followed(world, bought, "refund-14d")
    assert code_of(refuse(refund, refund.step(MERCHANT, "complete"))) == "wrong-state"
    world.clock.advance(hours=1)
    world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret)
    document = world.verifier.cases.read(ORIGIN, refund.claim_id).document()
    assert [step["event"]["type"] for step in document["steps"]] == ["ownership.retired"]
    assert (document["state"], document["number"]) == ("approved", 0)
    assert document["moved"] == "2026-11-21T13:00:00Z"
    refund.take(MERCHANT, "complete")


def test_who_has_left_takes_no_slot_again_and_cashes_nothing_in(
    world: World, bought: Bought, claim: Followed
) -> None:
    """The remedy came with the refund; and the slot is the next owner's, where there is one."""
    approved = Followed(world, bought, "warranty-2y")
    claim.take(MERCHANT, "decline")
    refund = Followed(world, bought, "refund-14d")
    before = [approved.step(BUYER, "redeem"), claim.step(BUYER, "dispute")]
    world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret)
    for followed, step in zip([approved, claim], before, strict=True):
        assert code_of(refuse(followed, step)) == "wrong-state"
    assert claim.claim_id not in used(world)
    approved.take(BUYER, "dispute")  # what was granted before may still be asked for
    refund.take(BUYER, "redeem")


def test_an_owner_leaves_while_a_step_is_looked_at(
    world: World, bought: Bought, claim: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim.take(MERCHANT, "decline")
    refund = Followed(world, bought, "refund-14d")
    step = claim.step(BUYER, "dispute")
    write = world.store.write

    def leave(*arguments: Any) -> Any:
        monkeypatch.undo()
        world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret)
        return write(*arguments)

    monkeypatch.setattr(world.store, "write", leave)
    with pytest.raises(Refused) as refused:
        world.verifier.cases.take(ORIGIN, claim.claim_id, step, ())
    assert refused.value.code == "wrong-state"
    assert claim.claim_id not in used(world)


def test_a_flood_of_claims_that_are_withdrawn_ends(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.recording.MOST_CLAIMS", 2)
    for _ in range(2):
        Followed(world, bought, "looked-at").take(BUYER, "withdraw")
    size = world.sizes()
    with pytest.raises(Refused) as refused:
        Followed(world, bought, "looked-at")
    assert (refused.value.code, world.sizes()) == ("too-many", size)
    assert Followed(world, bought, "warranty-2y").decision.recorded


def test_a_flood_of_steps_ends(claim: Followed) -> None:
    content = claim.seal(b"x")
    for _ in range(32):
        claim.take(BUYER, "note", content)
    assert code_of(refuse(claim, claim.step(BUYER, "note", content), content)) == "too-many-steps"
    claim.take(MERCHANT, "approve")
