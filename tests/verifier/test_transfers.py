"""Transfers (docs/protocol.md 8, *Transfer*), and what may go wrong between two owners."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from commitments.errors import FormatError, Overloaded, Refused
from commitments.p256 import P256
from ledger.entries import Purchase, Transferred
from ledger.event_log import append_event
from ledger.events import encode_event
from ledger.fsck import Damaged, check_all
from ledger.monitor import Head
from ledger.schema import published
from ledger.store import CommitFailed, Store, Transaction
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from policies.claim import claim_scopes, parse_claim
from policies.transfer import parse_transfer, transfer_id
from tests.databases import SEALING
from tests.handover import Handover, hand_over, settle, statement_of
from tests.world import ORIGIN, REFUND, WARRANTY, Bought, World, new_keys, random_scalar
from verifier import retiring, transferring
from verifier.approvals import TRANSFER
from verifier.decision import retired_event
from verifier.retiring import RetiredSecrets
from verifier.schema import approved
from verifier.service import Verifier
from verifier.transfer import Transfer
from zk.prove import Unsatisfied, prove
from zk.statement import secret_tag, tag_base
from zk.transfer import Acceptance, blind, prove_acceptance
from zk.verify import verify, verify_batch


@pytest.fixture
def world(world: World) -> World:
    world.publish(WARRANTY, claims_per_purchase=2)
    world.publish(REFUND)
    return world


@pytest.fixture
def bought(world: World) -> Bought:
    first, *_ = world.buy(*[world.sale() for _ in range(4)])
    settle(world)
    return first


def refusal(work: Callable[[], object]) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refused:
        work()
    return refused.value.code, refused.value.field


# ---- an honest transfer


def test_a_purchase_passes_to_its_new_owner(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    sizes = world.sizes()
    approved = handover.approve()
    assert (approved.status, approved.reason, approved.new) == ("awaiting_secret", None, True)
    assert approved.retire_by == "2026-11-22T12:00:00Z"
    ((_, event),) = world.events("transfer.approved")
    assert (
        event["transfer_id"] == approved.transfer_id == transfer_id(handover.body, handover.proof)
    )
    assert parse_transfer(event["transfer"], P256) == handover.body
    (tag,) = verify(statement_of(world, handover.body), handover.proof).tags
    assert event["tag"] == tag.hex()
    assert world.sizes() == (sizes[0], sizes[1] + 1)

    done = handover.retire(approved)
    assert (done.status, done.index) == ("completed", sizes[0])
    ((_, ended),) = world.events("ownership.retired")
    assert ended["transfer_id"] == approved.transfer_id
    assert ended["secret"] == P256.encode_scalar(bought.keys.secret).hex()
    assert world.sizes() == (sizes[0] + 1, sizes[1] + 2)
    with world.store.log(ORIGIN) as log:
        assert log.entry(sizes[0]) == Transferred(handover.commitment).encode()

    world.close()
    new_owner = Bought(done.index or 0, handover.keys, handover.opening, {})
    assert world.claim(new_owner).approved
    assert world.claim(bought, number=1).reason == "ownership_ended"


def test_its_receipts_verify_offline(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    done = handover.retire(handover.approve())
    with world.store.log(f"{ORIGIN}/events") as log:
        events = log.verifiers
    for receipt in (done.receipt, done.retirement):
        assert receipt is not None
        proof = TlogProof.parse(receipt["proof"].encode())
        verify_tlog_proof(proof, encode_event(receipt["event"]), *events)
    with world.store.log(ORIGIN) as log:
        purchases = log.verifiers
    assert done.proof is not None
    proof = TlogProof.parse(done.proof.encode())
    assert proof.index == done.index
    verify_tlog_proof(proof, Transferred(handover.commitment).encode(), *purchases)


def test_its_receipts_where_witnesses_have_seen_less_of_the_logs(
    world: World, bought: Bought
) -> None:
    """What they have seen is shown under what they have signed, and the rest all the same."""
    handover = hand_over(world, bought)
    approved = handover.approve()

    def publish(transaction: Transaction) -> None:
        for origin in (ORIGIN, f"{ORIGIN}/events"):
            log = transaction.log(origin)
            row = {"log_id": log.id, "size": log.size, "checkpoint": log.checkpoint()}
            transaction.connection.execute(insert(published), row)

    world.store.commit(publish)
    seen = world.sizes()
    done = handover.retire(approved)
    assert done.receipt is not None
    assert done.retirement is not None
    assert done.proof is not None
    texts = (done.receipt["proof"], done.retirement["proof"], done.proof)
    sizes = [Head.of(TlogProof.parse(text.encode()).checkpoint).size for text in texts]
    assert sizes == [seen[1], seen[1] + 1, seen[0] + 1]


def test_a_purchase_is_handed_on_again_and_again(world: World, bought: Bought) -> None:
    owner = bought
    for _ in range(2):
        owner = hand_over(world, owner).complete()
        settle(world)
    assert world.claim(owner).approved
    assert len(world.events("ownership.retired")) == 2


def test_the_new_owner_has_its_money_back(world: World, bought: Bought) -> None:
    """Once, and then nobody owns it: neither can hand it on."""
    new_owner = hand_over(world, bought).complete()
    settle(world)
    waiting = hand_over(world, new_owner)
    refund = world.claim(new_owner, "refund-14d")
    assert (
        world.verifier.retire(ORIGIN, refund.claim_id, new_owner.keys.secret).status == "completed"
    )
    assert waiting.approve().reason == "ownership_ended"
    assert world.claim(new_owner).reason == "ownership_ended"
    assert world.claim(bought).reason == "ownership_ended"


def test_who_has_just_got_a_purchase_waits_before_handing_it_on(
    world: World, bought: Bought
) -> None:
    """One transfer for each entry and void window at most."""
    owner = hand_over(world, bought).complete()
    world.close()
    size = world.sizes()[0]
    assert refusal(hand_over(world, owner, size=size).approve) == (
        "still-voidable",
        "transfer.size",
    )
    settle(world)
    hand_over(world, owner).complete()


def test_the_same_transfer_again_gets_the_same_answer(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    first, again = handover.approve(), handover.approve()
    assert (first.new, again.new) == (True, False)
    assert replace(again, new=True) == first
    done = handover.retire(first)
    world.clock.advance(days=9)
    for _ in range(3):
        world.close()
    late = [
        handover.retire(first),
        handover.approve(),
        world.verifier.transfers.read(ORIGIN, first.transfer_id),
    ]
    for answer in late:
        assert (answer.status, answer.index) == (done.status, done.index)
        assert answer.retirement is not None
        assert done.retirement is not None
        assert answer.retirement["event"] == done.retirement["event"]
    assert len(world.events("transfer.approved")) == len(world.events("ownership.retired")) == 1


def test_one_transfer_sent_by_many_threads_is_one(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    with ThreadPoolExecutor(6) as threads:
        approvals = list(threads.map(lambda _: handover.approve(), range(6)))
        done = list(threads.map(handover.retire, approvals))
    assert sum(answer.new for answer in approvals) == 1
    assert {(answer.status, answer.index) for answer in done} == {("completed", 4)}
    assert len(world.events("transfer.approved")) == len(world.events("ownership.retired")) == 1


def test_used_slots_stay_used(world: World, bought: Bought) -> None:
    assert world.claim(bought, number=1).approved
    new_owner = hand_over(world, bought).complete()
    world.close()
    assert world.claim(new_owner, number=1).reason == "already_claimed"
    assert world.claim(new_owner, number=0).approved


def test_a_transfer_to_oneself_buys_no_second_claim(world: World, bought: Bought) -> None:
    """One claim before and one after: the slots of a purchase are those of its serial."""
    earlier = world.claim(bought)
    assert earlier.approved
    myself = hand_over(world, bought).complete()
    world.close()
    again = world.claim(myself)
    assert (again.reason, again.earlier) == ("already_claimed", earlier.claim_id)
    assert world.claim(myself, number=1).approved
    assert world.claim(bought, number=1).reason == "already_claimed"


def test_a_transfer_to_oneself_with_the_old_secret_is_the_end(world: World, bought: Bought) -> None:
    myself = hand_over(world, bought, replace(new_keys(), secret=bought.keys.secret)).complete()
    world.close()
    assert world.claim(myself).reason == "ownership_ended"


# ---- who is not the owner


def test_the_old_owner_is_refused(world: World, bought: Bought) -> None:
    late = hand_over(world, bought)
    hand_over(world, bought).complete()
    assert world.claim(bought).reason == "ownership_ended"
    assert world.claim(bought, "refund-14d").reason == "ownership_ended"
    for again in (late, hand_over(world, bought)):
        assert again.approve().reason == "ownership_ended"
    world.verifier = Verifier(world.store, P256, world.clock)
    assert late.approve().reason == "ownership_ended"


def test_somebody_who_owns_nothing(world: World, bought: Bought) -> None:
    stranger = replace(bought, opening=replace(bought.opening, secret=random_scalar()))
    with pytest.raises(Unsatisfied):
        hand_over(world, stranger)
    handover = hand_over(world, bought)
    stolen = replace(handover.body, nonce="00" * 16)  # their transfer, said by somebody else
    assert world.verifier.transfers.decide(ORIGIN, stolen, handover.proof).reason == "proof_invalid"


def test_a_buyer_hands_over_another_purchase_than_its_own(world: World) -> None:
    """E is of a dear purchase, and the proof of a cheap one."""
    cheap, dear, *_ = world.buy(world.sale(price=1000), world.sale(), world.sale())
    settle(world)
    with pytest.raises(Unsatisfied):
        prove(statement_of(world, hand_over(world, dear).body), cheap.opening, beta=random_scalar())
    honest = hand_over(world, cheap)
    forged = replace(honest.body, **_accepted(dear))
    assert world.verifier.transfers.decide(ORIGIN, forged, honest.proof).reason == "proof_invalid"
    assert honest.approve().approved


def _accepted(seller: Bought) -> dict[str, Any]:
    """Another E for a purchase, with an acceptance of it by somebody else."""
    blinded = P256.encode(blind(P256, seller.opening, random_scalar()))
    acceptance = prove_acceptance(P256, ORIGIN, blinded, new_keys(), random_scalar)
    return {"blinded": blinded, "acceptance": acceptance}


def test_who_stands_in_between_puts_in_its_own_commitment(world: World, bought: Bought) -> None:
    """The proof covers E, C_new and the acceptance: in flight none of them can be exchanged."""
    honest = hand_over(world, bought)
    own = _accepted(bought)
    accepted = honest.body.acceptance
    own_for_same_E = prove_acceptance(P256, ORIGIN, honest.body.blinded, new_keys(), random_scalar)
    substituted: list[tuple[dict[str, Any], str]] = [
        (own, "proof_invalid"),
        ({"acceptance": own_for_same_E}, "proof_invalid"),
        ({"blinded": own["blinded"]}, "acceptance_invalid"),
        ({"acceptance": own["acceptance"]}, "acceptance_invalid"),
        (
            {"acceptance": Acceptance(accepted.commitment, own_for_same_E.proof)},
            "acceptance_invalid",
        ),
        (
            {"acceptance": Acceptance(own_for_same_E.commitment, accepted.proof)},
            "acceptance_invalid",
        ),
    ]
    sizes = world.sizes()
    for changes, reason in substituted:
        body = replace(honest.body, **changes)
        assert world.verifier.transfers.decide(ORIGIN, body, honest.proof).reason == reason
    assert world.sizes() == sizes
    assert honest.approve().approved


def test_an_acceptance_is_for_one_merchants_log(world: World, bought: Bought) -> None:
    honest = hand_over(world, bought)
    elsewhere = prove_acceptance(
        P256, "ledger.example/other", honest.body.blinded, honest.keys, random_scalar
    )
    assert elsewhere.commitment == honest.commitment
    body = replace(honest.body, acceptance=elsewhere)
    answer = world.verifier.transfers.decide(ORIGIN, body, honest.proof)
    assert answer.reason == "acceptance_invalid"


def test_a_tampered_proof_leaves_no_trace(world: World, bought: Bought) -> None:
    honest = hand_over(world, bought)
    sizes = world.sizes()
    for place in (0, 1, 40, len(honest.proof) - 1):
        tampered = bytearray(honest.proof)
        tampered[place] ^= 1
        answer = world.verifier.transfers.decide(ORIGIN, honest.body, bytes(tampered))
        assert (answer.status, answer.reason) == ("declined", "proof_invalid")
        assert answer.receipt is None
    assert world.sizes() == sizes
    assert honest.approve().approved


# ---- the secret


def test_a_wrong_secret_ends_nothing(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    approved = handover.approve()
    for wrong in (0, 1, bought.keys.secret + 1, bought.opening.serial, handover.keys.secret):
        retire = world.verifier.transfers.retire
        assert refusal(lambda: retire(ORIGIN, approved.transfer_id, wrong)) == (  # noqa: B023
            "wrong-secret",
            "secret",
        )
    assert world.events("ownership.retired") == []
    done = handover.retire(approved)
    assert done.status == "completed"
    assert refusal(lambda: world.verifier.transfers.retire(ORIGIN, approved.transfer_id, 1)) == (
        "wrong-secret",
        "secret",
    )


def test_a_secret_seen_before_its_approval_ends_nothing(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    unknown = transfer_id(handover.body, handover.proof)
    retire = world.verifier.transfers.retire
    claim = world.claim(bought)
    for identifier in (unknown, "00", claim.claim_id):
        code, field = refusal(lambda: retire(ORIGIN, identifier, bought.keys.secret))  # noqa: B023
        assert (code, field) == ("unknown-transfer", "transfer_id")
    assert world.events("ownership.retired") == []
    assert handover.approve().approved


def test_a_claim_and_a_transfer_have_names_of_their_own(world: World, bought: Bought) -> None:
    transfer = hand_over(world, bought).approve().transfer_id
    assert refusal(lambda: world.verifier.decision(ORIGIN, transfer))[0] == "unknown-claim"
    retire = world.verifier.retire
    assert refusal(lambda: retire(ORIGIN, transfer, bought.keys.secret))[0] == "unknown-claim"
    assert world.verifier.list_claims(ORIGIN, -1, 10) == []


def test_an_approval_lapses_at_its_deadline(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    approved = handover.approve()
    world.clock.advance(days=1)
    assert handover.approve().status == "awaiting_secret"
    world.clock.advance(seconds=1)
    assert handover.approve().status == "lapsed"
    assert refusal(lambda: handover.retire(approved)) == ("lapsed", "transfer_id")
    _again(world, handover).complete()


def test_an_approval_lapses_when_its_owner_claims_in_between(world: World, bought: Bought) -> None:
    """Otherwise: show the buyer an approval, have the thing repaired, then hand it over."""
    handover = hand_over(world, bought)
    approved = handover.approve()
    assert world.claim(bought).approved
    assert refusal(lambda: handover.retire(approved)) == ("lapsed", "transfer_id")
    assert world.events("ownership.retired") == []
    hand_over(world, bought).complete()


def test_of_several_transfers_of_one_purchase_the_earliest_wins(
    world: World, bought: Bought
) -> None:
    """Sold to three people: until the secret is out, nobody can know, and so nobody pays before."""
    handovers = [hand_over(world, bought) for _ in range(3)]
    approvals = [handover.approve() for handover in handovers]
    assert [a.status for a in approvals] == ["awaiting_secret"] * 3
    for later in (1, 2):
        code, _ = refusal(lambda: handovers[later].retire(approvals[later]))  # noqa: B023
        assert code == "lapsed"
    assert handovers[0].retire(approvals[0]).status == "completed"
    for later in (1, 2):
        code, _ = refusal(lambda: handovers[later].retire(approvals[later]))  # noqa: B023
        assert code == "lapsed"
    assert [event["transfer_id"] for _, event in world.events("ownership.retired")] == [
        approvals[0].transfer_id
    ]
    assert world.sizes()[0] == 5


def test_a_transfer_that_has_lapsed_does_not_stop_a_later_one(world: World, bought: Bought) -> None:
    first, second = hand_over(world, bought), hand_over(world, bought)
    overtaken = first.approve()
    assert world.claim(bought).approved
    second.complete()
    assert refusal(lambda: first.retire(overtaken))[0] == "lapsed"


@pytest.mark.parametrize("first", ["refund", "transfer"])
def test_of_a_refund_and_a_transfer_the_earlier_wins(
    world: World, bought: Bought, first: str
) -> None:
    """Sell it and have the money back too."""
    handover = hand_over(world, bought)

    def refund_approved() -> Callable[[], object]:
        refund = world.claim(bought, "refund-14d")
        return lambda: world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret)

    def transfer_approved() -> Callable[[], object]:
        transfer = handover.approve()
        return lambda: handover.retire(transfer)

    steps = [refund_approved, transfer_approved]
    earlier, later = [step() for step in (steps if first == "refund" else steps[::-1])]
    assert refusal(later)[0] == "lapsed"
    earlier()
    assert refusal(later)[0] == "lapsed"
    ((_, event),) = world.events("ownership.retired")
    assert ("transfer_id" in event) == (first == "transfer")
    assert world.sizes()[0] == (5 if first == "transfer" else 4)


def test_a_refund_whose_deadline_has_passed_does_not_stop_a_transfer(
    world: World, bought: Bought
) -> None:
    refund = world.claim(bought, "refund-14d")
    world.clock.advance(days=8)
    hand_over(world, bought).complete()
    assert world.verifier.decision(ORIGIN, refund.claim_id).status == "lapsed"


def test_a_refund_and_transfers_of_one_secret_at_once(world: World, bought: Bought) -> None:
    """All secrets are shown at the same moment: exactly one ownership ends, the earliest's."""
    earliest = hand_over(world, bought)
    others = [hand_over(world, bought) for _ in range(2)]
    first = earliest.approve()
    refund = world.claim(bought, "refund-14d")
    later = [other.approve() for other in others]

    steps: list[Callable[[], object]] = [
        lambda: world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret),
        lambda: others[0].retire(later[0]),
        lambda: earliest.retire(first),
        lambda: others[1].retire(later[1]),
    ]
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(_attempt, steps))
    assert outcomes == ["lapsed", "lapsed", "completed", "lapsed"]
    assert len(world.events("ownership.retired")) == 1
    assert world.sizes()[0] == 5


@pytest.mark.parametrize("first", ["refund", "transfer"])
def test_a_refund_and_a_transfer_at_two_processes_at_once(
    world: World, bought: Bought, database: str, first: str
) -> None:
    handover = hand_over(world, bought)
    if first == "refund":
        refund, transfer = world.claim(bought, "refund-14d"), handover.approve()
    else:
        transfer, refund = handover.approve(), world.claim(bought, "refund-14d")
    with Store(database, sealing=SEALING) as store:
        other = Verifier(store, P256, world.clock)
        steps: list[Callable[[], object]] = [
            lambda: other.retire(ORIGIN, refund.claim_id, bought.keys.secret),
            lambda: handover.retire(transfer),
        ]
        with ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(_attempt, steps))
        other.close()
    assert outcomes == (["completed", "lapsed"] if first == "refund" else ["lapsed", "completed"])
    assert len(world.events("ownership.retired")) == 1


def _attempt(work: Callable[[], object]) -> str:
    try:
        work()
    except Refused as error:
        return error.code
    return "completed"


def test_more_transfers_wait_than_a_query_has_room_for(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One owner can have any number approved: that must not stop all others."""
    handover = hand_over(world, bought)
    waiting = handover.approve()
    scopes = [f"transfer|{ORIGIN}|{number}" for number in range(70_000)]
    tag_of = secret_tag

    def quick_tag(group: Any, scope: str, secret: int) -> bytes | None:
        return scope.encode() if scope in others else tag_of(group, scope, secret)

    others = set(scopes)
    monkeypatch.setattr(retiring, "secret_tag", quick_tag)
    rows = [
        {
            "origin": ORIGIN,
            "identifier": scope,
            "kind": TRANSFER,
            "position": 0,
            "scope": scope,
            "secret_tag": b"another owner's",
            "retire_by": waiting.retire_by,
        }
        for scope in scopes
    ]
    world.store.write(lambda t: t.connection.execute(insert(approved), rows), ORIGIN)
    assert handover.retire(waiting).status == "completed"


def test_a_claim_and_the_secret_at_once(world: World, bought: Bought) -> None:
    """Whichever comes first: a claim and then no transfer, or a transfer and then no claim."""
    handover = hand_over(world, bought)
    approved = handover.approve()
    body = world.body(bought)
    proof = world.prove(bought, body)

    def end() -> str:
        try:
            return handover.retire(approved).status
        except Refused as error:
            return error.code

    with ThreadPoolExecutor(2) as threads:
        ended = threads.submit(end)
        claimed = threads.submit(world.verifier.decide, ORIGIN, body, proof)
    outcome = (claimed.result().status, ended.result())
    assert outcome in {("approved", "lapsed"), ("declined", "completed")}
    assert len(world.events("ownership.retired")) == (outcome[1] == "completed")


# ---- C_new


def test_two_transfers_to_one_commitment(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    again = _again(world, handover)
    assert handover.approve().approved
    assert refusal(again.approve) == ("duplicate-transfer", "transfer.acceptance.commitment")
    handover.complete()
    assert refusal(again.approve) == ("duplicate-commitment", "transfer.acceptance.commitment")


def _again(world: World, handover: Handover, number: int = 1) -> Handover:
    """The same E, C_new and acceptance with another nonce and another proof."""
    body = replace(handover.body, nonce=f"{number:032x}")
    beta = (handover.opening.blinding - handover.keys.blinding) % P256.order
    proof = prove(statement_of(world, body), handover.seller.opening, beta=beta)
    return replace(handover, body=body, proof=proof)


def test_two_transfers_racing_for_one_commitment(world: World, bought: Bought) -> None:
    first = hand_over(world, bought)
    handovers = [_again(world, first, number) for number in range(5)]

    def attempt(handover: Handover) -> str:
        try:
            return handover.approve().status
        except Refused as error:
            return error.code

    with ThreadPoolExecutor(5) as threads:
        outcomes = sorted(threads.map(attempt, handovers))
    assert outcomes == ["awaiting_secret"] + ["duplicate-transfer"] * 4
    assert len(world.events("transfer.approved")) == 1


def test_a_commitment_that_has_come_into_the_log_meanwhile(world: World, bought: Bought) -> None:
    """Nothing ends when its entry cannot follow."""
    handover = hand_over(world, bought)
    approved = handover.approve()
    world.store.write(
        lambda tx: tx.append(ORIGIN, [Purchase(handover.commitment).encode()]), ORIGIN
    )
    assert refusal(lambda: handover.retire(approved))[0] == "duplicate-commitment"
    assert world.events("ownership.retired") == []
    assert hand_over(world, bought).approve().approved


@pytest.mark.parametrize("wrong", [b"\x02" + b"\xff" * 32, b"\x04" + b"\x01" * 32, bytes(33)])
def test_points_that_are_none(world: World, bought: Bought, wrong: bytes) -> None:
    honest = hand_over(world, bought)
    accepted = honest.body.acceptance
    sizes = world.sizes()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"blinded": wrong}, "transfer.blinded"),
        ({"acceptance": Acceptance(wrong, accepted.proof)}, "transfer.acceptance.commitment"),
    ]
    for changes, field in cases:
        body = replace(honest.body, **changes)
        with pytest.raises(FormatError) as refused:
            world.verifier.transfers.decide(ORIGIN, body, honest.proof)
        assert refused.value.field == field
    assert world.sizes() == sizes
    assert honest.approve().approved


def test_a_proof_of_another_length_is_malformed(world: World, bought: Bought) -> None:
    honest = hand_over(world, bought)
    for wrong in (b"", honest.proof[:-1], honest.proof + b"\0"):
        with pytest.raises(FormatError) as refused:
            world.verifier.transfers.decide(ORIGIN, honest.body, wrong)
        assert refused.value.field == "proof"


# ---- horizons


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"origin": "ledger.example/other"}, "foreign-origin", "transfer.origin"),
        ({"date": "2026-11-19"}, "transfer-date", "transfer.date"),
        ({"date": "2026-11-22"}, "transfer-date", "transfer.date"),
        ({"first": 1}, "unknown-horizon", "transfer.first"),
        ({"size": 2}, "unknown-horizon", "transfer.size"),
        ({"voided_at": 2**50}, "unknown-horizon", "transfer.voided_at"),
        ({"first": 4, "size": 4}, "unknown-horizon", "transfer.size"),
        ({"lane": 1}, "unknown-lane", "transfer.lane"),
    ],
)
def test_a_transfer_that_cannot_be_judged_is_refused(
    world: World, bought: Bought, changes: dict[str, Any], code: str, field: str
) -> None:
    honest = hand_over(world, bought)
    sizes = world.sizes()
    body = replace(honest.body, **changes)
    decide = world.verifier.transfers.decide
    assert refusal(lambda: decide(ORIGIN, body, honest.proof)) == (code, field)
    assert world.sizes() == sizes
    assert honest.approve().approved


def test_a_purchase_that_can_still_be_returned_is_not_handed_on(world: World) -> None:
    """Otherwise: sell it on, bring the goods back, and leave a live warranty behind."""
    bought, *_ = world.buy(*[world.sale() for _ in range(3)])
    for _ in range(14):
        world.close()
    early = hand_over(world, bought)
    assert refusal(early.approve) == ("still-voidable", "transfer.size")
    world.issuer.void(world.merchant, bought.index, "returned")  # at the last moment
    world.close()
    with pytest.raises(Unsatisfied):
        hand_over(world, bought)
    # The ring of before the void is recent enough for a claim, and not for a transfer.
    assert refusal(early.approve) == ("still-voidable", "transfer.size")


def test_a_void_that_comes_too_late_does_not_stop_a_transfer(world: World, bought: Bought) -> None:
    world.issuer.void(world.merchant, bought.index, "returned")
    world.close()
    hand_over(world, bought).complete()


@pytest.mark.usefixtures("bought")
def test_a_new_purchase_is_handed_on_after_a_while(world: World) -> None:
    late, *_ = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    with pytest.raises(Unsatisfied):
        hand_over(world, late)  # it is not in a span that is old enough
    size = world.sizes()[0]
    assert refusal(hand_over(world, late, size=size).approve)[0] == "still-voidable"
    settle(world)
    hand_over(world, late).complete()


def test_a_transferred_purchase_cannot_be_voided(world: World, bought: Bought) -> None:
    new_owner = hand_over(world, bought).complete()
    assert refusal(lambda: world.issuer.void(world.merchant, new_owner.index, "returned")) == (
        "not-voidable",
        "index",
    )
    # Late, and of the old owner's entry.
    world.issuer.void(world.merchant, bought.index, "returned")
    world.close()
    assert world.claim(new_owner).approved


def test_a_voided_purchase_is_not_handed_on(world: World) -> None:
    bought, *_ = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    world.issuer.void(world.merchant, bought.index, "returned")
    settle(world)
    with pytest.raises(Unsatisfied):
        hand_over(world, bought)


def test_a_ring_grows_old_and_a_day_passes_while_a_proof_is_verified(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close_twice() -> None:
        for _ in range(2):
            world.buy(world.sale())
            world.close()

    for happens, code in (
        (close_twice, "stale-horizon"),
        (lambda: world.clock.advance(days=2), "transfer-date"),
    ):
        handover = hand_over(world, bought)
        _between(monkeypatch, happens)
        assert refusal(handover.approve)[0] == code
    assert hand_over(world, bought).approve().approved


def test_an_ownership_that_ends_while_a_proof_is_verified(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, handover = hand_over(world, bought), hand_over(world, bought)
    approved = other.approve()
    _between(monkeypatch, lambda: other.retire(approved))
    assert handover.approve().reason == "ownership_ended"


def test_an_ownership_that_ends_at_the_last_moment(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the retired secrets were looked at, and before the transaction."""
    other, handover = hand_over(world, bought), hand_over(world, bought)
    approved = other.approve()
    look = RetiredSecrets.among

    def look_and_end(*arguments: Any) -> Collection[bytes]:
        found = look(*arguments)
        other.retire(approved)
        return found

    monkeypatch.setattr(RetiredSecrets, "among", look_and_end)
    assert handover.approve().reason == "ownership_ended"


def test_retired_secrets_are_multiplied_before_the_transaction(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that is held meanwhile would make everybody wait."""
    late = hand_over(world, bought)
    hand_over(world, bought).complete()
    monkeypatch.setattr(Store, "write", lambda *_: pytest.fail("a transaction was begun"))
    assert late.approve().reason == "ownership_ended"


def _between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen after a proof has been verified and before it is recorded."""
    at_once = verify_batch

    def verify_slowly(proofs: Any) -> Any:
        monkeypatch.setattr(transferring, "verify_batch", at_once)
        verified = at_once(proofs)
        happens()
        return verified

    monkeypatch.setattr(transferring, "verify_batch", verify_slowly)


def test_too_many_at_once_are_turned_away(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    with ExitStack() as stack:
        for _ in range(transferring._AT_ONCE):
            stack.enter_context(world.verifier.transfers._turn())
        with pytest.raises(Overloaded):
            handover.approve()
    assert handover.approve().approved


# ---- faults


def test_a_failure_between_event_and_entry_leaves_neither(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    handover = hand_over(world, bought)
    approved = handover.approve()
    sizes = world.sizes()
    append = Transaction.append
    for place in (ORIGIN, f"{ORIGIN}/events"):

        def fail(transaction: Transaction, origin: str, new: Any, place: str = place) -> Any:
            positions = append(transaction, origin, new)
            if origin == place:
                raise ZeroDivisionError
            return positions

        with monkeypatch.context() as patch:
            patch.setattr(Transaction, "append", fail)
            with pytest.raises(ZeroDivisionError):
                handover.retire(approved)
        assert world.sizes() == sizes
        assert world.events("ownership.retired") == []
        answer = world.verifier.transfers.read(ORIGIN, approved.transfer_id)
        assert (answer.status, answer.index) == ("awaiting_secret", None)
    assert handover.retire(approved).status == "completed"


@pytest.mark.leaves_damage
def test_fsck_misses_the_entry_of_an_ownership_that_ended(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    row = handover.approve()
    event = retired_event(TRANSFER, row.transfer_id, "2026-11-21T12:00:00Z", b"\1" * 32)
    world.store.write(lambda tx: append_event(tx, ORIGIN, event), ORIGIN)
    with world.store.read() as connection, pytest.raises(Damaged) as damaged:
        check_all(connection)
    (fault,) = damaged.value.faults
    assert "its next owner's entry is missing" in fault


@pytest.mark.leaves_damage
def test_fsck_finds_an_entry_that_nobody_has_handed_on(world: World, bought: Bought) -> None:
    handover = hand_over(world, bought)
    handover.approve()
    entry = Transferred(handover.commitment).encode()
    world.store.write(lambda tx: tx.append(ORIGIN, [entry]), ORIGIN)
    with world.store.read() as connection, pytest.raises(Damaged) as damaged:
        check_all(connection)
    (fault,) = damaged.value.faults
    assert "of no transfer that the event log has" in fault


def test_a_purchase_log_without_the_entry_is_completed(world: World, bought: Bought) -> None:
    """Restored from a copy that is older than the event log's."""
    handover = hand_over(world, bought)
    approved = handover.approve()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "append", _all_but_entries(Transaction.append))
        assert handover.retire(approved).index is None
    assert handover.retire(approved).index == 4
    assert len(world.events("ownership.retired")) == 1


def _all_but_entries(append: Callable[..., Any]) -> Callable[..., Any]:
    def without(transaction: Transaction, origin: str, new: Any) -> Any:
        return None if origin == ORIGIN else append(transaction, origin, new)

    return without


@pytest.mark.parametrize("step", ["approve", "retire"])
def test_a_commit_that_is_not_confirmed_is_asked_for_again(
    world: World, bought: Bought, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    handover = hand_over(world, bought)
    approved = handover.approve() if step == "retire" else None

    def act() -> Transfer:
        return handover.approve() if approved is None else handover.retire(approved)

    sizes = world.sizes()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", _write_and_fail)
        with pytest.raises(Overloaded):
            act()
    assert world.sizes() == sizes
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", _write_and_lose)
        with pytest.raises(Overloaded):
            act()
    after = world.sizes()
    assert after[1] == sizes[1] + 1
    assert act().approved
    assert world.sizes() == after


def _write_and_fail(store: Store, unit: Callable[[Transaction], Any], *origins: str) -> None:
    def lost(transaction: Transaction) -> None:
        unit(transaction)
        raise CommitFailed("the commit was not confirmed")

    store.commit(lost, *origins)


def _write_and_lose(store: Store, unit: Callable[[Transaction], Any], *origins: str) -> None:
    store.commit(unit, *origins)
    raise CommitFailed("the commit was not confirmed")


# ---- what the public learns


def test_nothing_public_links_a_later_claim_to_the_transferred_entry(world: World) -> None:
    """Two purchases change hands, and one new owner claims: the logs do not say which."""
    first, second, *_ = world.buy(*[world.sale() for _ in range(4)])
    settle(world)
    handovers = [hand_over(world, bought) for bought in (first, second)]
    owners = [handover.complete() for handover in handovers]
    world.close()
    claim = world.claim(owners[0])
    ((_, claimed),) = world.events("claim.decided")
    assert claimed["claim_id"] == claim.claim_id
    said = encode_event(claimed).decode()
    for handover in handovers:
        transfer, ended = _events_of(world, handover)
        spoken = [*_texts(transfer["transfer"]), transfer["tag"], transfer["transfer_id"]]
        spoken += [transfer["proof"], ended["secret"]]
        unsaid = [text for text in spoken if len(text) >= 32]
        assert len(unsaid) >= 7
        assert not any(text in said for text in unsaid)
        # The ring of the claim has both of them.
        ring = world.statement(parse_claim(claimed["claim"])).ring.members
        assert handover.commitment in ring
    # What is published of the old owners, tried on the tags of the new one.
    for secret in (first.keys.secret, second.keys.secret):
        for scope in claim_scopes(ORIGIN, "warranty-2y", 0):
            tag = P256.encode(P256.multiply(secret, tag_base(P256, scope)))
            assert tag.hex() not in claimed["tags"]


def test_a_claim_looks_the_same_whether_its_purchase_changed_hands(world: World) -> None:
    kept, sold, *_ = world.buy(*[world.sale() for _ in range(4)])
    settle(world)
    owner = hand_over(world, sold).complete()
    world.close()
    for claimant in (kept, owner):
        assert world.claim(claimant).approved
    (_, first), (_, second) = world.events("claim.decided")
    for changing in ("claim_id", "proof", "tags"):
        assert first.pop(changing) != second.pop(changing)
    assert first["claim"].pop("nonce") != second["claim"].pop("nonce")
    assert first == second


def _events_of(world: World, handover: Handover) -> tuple[dict[str, Any], dict[str, Any]]:
    identifier = transfer_id(handover.body, handover.proof)
    found = [e for _, e in world.events("transfer.approved", "ownership.retired")]
    transfer, ended = (e for e in found if e["transfer_id"] == identifier)
    return transfer, ended


def _texts(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [text for inner in part.values() for text in _texts(inner)]
    return [part] if isinstance(part, str) else []
