"""Claims in one batch: each is decided as it would be alone."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

import zk.verify
from commitments.errors import FormatError, KvittoError, Overloaded, Refused
from commitments.p256 import P256
from ledger.events import events_origin
from ledger.schema import published
from ledger.store import CommitFailed, Store, Transaction
from policies.claim import ClaimBody, claim_id
from tests.world import ORIGIN, REFUND, WARRANTY, World
from verifier import judging
from verifier.judging import Judge
from verifier.pending import Pending, unsettled
from verifier.policy_book import PolicyBook
from verifier.recording import Recorder
from verifier.retiring import RetiredSecrets
from zk.verify import accumulate, verify_batch

Claim = tuple[ClaimBody, bytes]


class Together:
    """A judge and a recorder without the queue between them."""

    def __init__(self, world: World) -> None:
        retired = RetiredSecrets(P256)
        self.judge = Judge(world.store, P256, world.clock, PolicyBook(), retired)
        self.recorder = Recorder(world.store, world.clock, retired)

    def decide(self, claims: Sequence[Claim], origin: str = ORIGIN) -> list[str]:
        """What becomes of each: a status, the reason of a decline, or the code of a refusal."""
        return [_outcome(claim) for claim in self.answer(claims, origin)]

    def answer(self, claims: Sequence[Claim], origin: str = ORIGIN) -> list[Pending]:
        """The claims, settled."""
        pending = [Pending(origin, *claim, claim_id(*claim)) for claim in claims]
        self.judge.judge(pending)
        if left := unsettled(pending):
            self.recorder.record(left)
        return pending


def _outcome(claim: Pending) -> str:
    if claim.decision is not None:
        answer = claim.decision
        assert answer.approved == (answer.receipt is not None)
        return answer.reason or ("approved" if answer.new else "approved before")
    if isinstance(claim.error, Refused):
        return claim.error.code
    assert isinstance(claim.error, KvittoError)
    return "malformed"


@pytest.fixture
def world(world: World) -> World:
    world.publish(WARRANTY)
    world.publish(REFUND)
    return world


def claims_of(world: World, count: int) -> list[Claim]:
    bought = world.buy(*[world.sale() for _ in range(count)])
    world.close()
    bodies = [world.body(each) for each in bought]
    return [(body, world.prove(b, body)) for b, body in zip(bought, bodies, strict=True)]


def _flip(proof: bytes, place: int) -> bytes:
    return proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1 :]


def test_many_approvals_are_one_transaction_and_have_a_place_each(world: World) -> None:
    claims = claims_of(world, 6)
    before = world.sizes()[1]
    assert Together(world).decide(claims) == ["approved"] * 6
    events = world.events("claim.decided")
    assert [position for position, _ in events] == list(range(before, before + 6))
    assert [event["claim_id"] for _, event in events] == [claim_id(*claim) for claim in claims]
    assert Together(world).decide(claims) == ["approved before"] * 6


@pytest.mark.parametrize("seed", range(6))
def test_a_mixed_batch_is_decided_as_each_claim_alone(world: World, seed: int) -> None:
    good = claims_of(world, 4)
    body, proof = good[0]
    bad: list[Claim] = [
        *((body, _flip(proof, place)) for place in (0, 1, 40, len(proof) - 1)),
        (body, b"\xff" * len(proof)),
        (body, proof[:-1]),
        (replace(body, voided_at=body.voided_at + 1), proof),
        (replace(body, lane=77), proof),
        (replace(body, policy="no-such-policy"), proof),
        (replace(body, version=2**53 - 1), proof),
        (replace(body, date="2026-11-01"), proof),
        (replace(body, remedy="refund"), proof),
        (replace(body, origin="ledger.example/other"), proof),
        (replace(body, nonce="00" * 16), proof),
    ]
    alone = [Together(world).decide([claim])[0] for claim in bad]
    assert "approved" not in alone
    expected = dict(zip(map(id, bad), alone, strict=True)) | {id(c): "approved" for c in good}
    batch = [*good, *bad]
    random.Random(seed).shuffle(batch)
    assert Together(world).decide(batch) == [expected[id(claim)] for claim in batch]
    assert len(world.events("claim.decided")) == len(good)


def test_of_two_claims_for_one_slot_in_a_batch_the_first_is_approved(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    bodies = [world.body(bought) for _ in range(3)]
    claims = [(body, world.prove(bought, body)) for body in bodies]
    assert Together(world).decide(claims) == ["approved", "already_claimed", "already_claimed"]
    ((_, event),) = world.events("claim.decided")
    assert event["claim_id"] == claim_id(*claims[0])


def test_one_claim_twice_in_a_batch_is_one_claim(world: World) -> None:
    claim, _ = claims_of(world, 2)
    outcomes = Together(world).decide([claim, claim, claim])
    assert outcomes == ["approved", "approved before", "approved before"]
    assert len(world.events("claim.decided")) == 1


def test_owners_who_have_been_refunded_are_found_in_a_batch(world: World) -> None:
    bought, other = world.buy(world.sale(), world.sale())
    world.close()
    refund = world.claim(bought, "refund-14d")
    world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret)
    bodies = [world.body(bought), world.body(other)]
    claims = [(body, world.prove(b, body)) for b, body in zip((bought, other), bodies, strict=True)]
    assert Together(world).decide(claims) == ["ownership_ended", "approved"]


def test_a_claim_refunded_while_its_repetition_is_judged_is_no_decline(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought, "refund-14d")
    claim = body, world.prove(bought, body)
    together = Together(world)

    def meanwhile(claims: Any) -> Any:
        decision = world.verifier.decide(ORIGIN, *claim)
        world.verifier.retire(ORIGIN, decision.claim_id, bought.keys.secret)
        return verify_batch(claims)

    with monkeypatch.context() as patch:
        patch.setattr(judging, "verify_batch", _once(patch, meanwhile))
        assert together.decide([claim]) == ["approved before"]


def _once(patch: pytest.MonkeyPatch, step: Callable[..., Any]) -> Callable[..., Any]:
    def stepped(*given: Any) -> Any:
        patch.undo()
        return step(*given)

    return stepped


def test_a_receipt_is_no_worse_for_company_that_no_witness_has_seen(world: World) -> None:
    seen, unseen = claims_of(world, 2)
    together = Together(world)
    together.decide([seen])

    def publish(transaction: Transaction) -> None:
        log = transaction.log(events_origin(ORIGIN))
        row = {"log_id": log.id, "size": log.size, "checkpoint": log.checkpoint()}
        transaction.connection.execute(insert(published), row)

    world.store.commit(publish)
    together.decide([unseen])
    alone = [together.answer([claim])[0].decision for claim in (seen, unseen)]
    assert [claim.decision for claim in together.answer([seen, unseen])] == alone


def test_a_fault_of_ours_in_one_claim_is_not_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = claims_of(world, 3)

    def stumble(statement: Any, proof: bytes) -> Any:
        if proof == claims[1][1]:
            raise ZeroDivisionError
        return accumulate(statement, proof)

    monkeypatch.setattr(zk.verify, "accumulate", stumble)
    together = Together(world)
    pending = [Pending(ORIGIN, *claim, claim_id(*claim)) for claim in claims]
    together.judge.judge(pending)
    assert isinstance(pending[1].error, ZeroDivisionError)
    together.recorder.record(unsettled(pending))
    assert [_outcome(pending[0]), _outcome(pending[2])] == ["approved", "approved"]


def test_claims_at_a_log_that_is_not_there_spoil_no_others(world: World) -> None:
    claims = claims_of(world, 2)
    together = Together(world)
    nowhere = "ledger.example/nowhere"
    lost = [Pending(nowhere, *claim, claim_id(*claim)) for claim in claims]
    found = [Pending(ORIGIN, *claim, claim_id(*claim)) for claim in claims]
    together.judge.judge([lost[0], *found, lost[1]])
    assert all(isinstance(claim.error, FormatError | Refused) for claim in lost)
    assert unsettled(found) == found


def test_a_commit_that_is_not_confirmed_approves_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = claims_of(world, 2)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", _write_and_fail)
        for claim in claims:
            with pytest.raises(Overloaded):
                world.verifier.decide(ORIGIN, *claim)
    assert world.events("claim.decided") == []
    assert Together(world).decide(claims) == ["approved", "approved"]


def _write_and_fail(store: Store, unit: Callable[[Transaction], None], *origins: str) -> None:
    def lost(transaction: Transaction) -> None:
        unit(transaction)
        raise CommitFailed("the commit was not confirmed")

    store.commit(lost, *origins)
