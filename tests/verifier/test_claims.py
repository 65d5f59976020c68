from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest

from commitments.errors import FormatError, Refused
from commitments.p256 import P256
from commitments.wire import parse_base64
from ledger.events import encode_event
from ledger.rings import RingName
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from policies.claim import parse_claim
from tests.world import KETTLE, ORIGIN, REFUND, WARRANTY, World
from verifier import judging
from verifier.retiring import RetiredSecrets
from verifier.ring_cache import RingCache
from verifier.service import Verifier
from zk.hedged import HedgedScalars
from zk.prove import Unsatisfied, _position, _Prover, prove
from zk.statement import Ring, Statement
from zk.verify import verify, verify_batch


@pytest.fixture
def world(world: World) -> World:
    world.publish(WARRANTY)
    return world


def test_an_eligible_purchase_is_approved_and_logged(world: World) -> None:
    bought, *_ = world.buy(*[world.sale(price=20_000 + i) for i in range(5)])
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    decision = world.verifier.decide(ORIGIN, body, proof)
    assert (decision.status, decision.reason, decision.new) == ("approved", None, True)
    ((position, event),) = world.events("claim.decided")
    assert event["claim_id"] == decision.claim_id
    assert parse_claim(event["claim"]) == body
    assert parse_base64(event["proof"], "proof") == proof
    tags = verify(world.statement(body), proof).tags
    assert event["tags"] == [tag.hex() for tag in tags]
    assert decision.receipt is not None
    assert decision.receipt["event"] == event
    assert position == TlogProof.parse(decision.receipt["proof"].encode()).index


def test_a_receipt_verifies_offline_and_a_changed_one_does_not(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    receipt = world.claim(bought).receipt
    assert receipt is not None
    with world.store.log(f"{ORIGIN}/events") as log:
        (key,) = log.verifiers
    proof = TlogProof.parse(receipt["proof"].encode())
    verify_tlog_proof(proof, encode_event(receipt["event"]), key)
    forged = {**receipt["event"], "claim": {**receipt["event"]["claim"], "remedy": "replacement"}}
    with pytest.raises(Exception, match=r"proof|inclusion"):
        verify_tlog_proof(proof, encode_event(forged), key)


def test_the_same_claim_again_gets_the_same_answer(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    first = world.verifier.decide(ORIGIN, body, proof)
    for _ in range(3):
        world.close()
    world.clock.advance(days=9)  # too late for a new claim with this body
    again = world.verifier.decide(ORIGIN, body, proof)
    assert first.new
    assert not again.new
    assert (again.claim_id, again.status) == (first.claim_id, first.status)
    assert len(world.events("claim.decided")) == 1


def test_a_second_claim_for_one_purchase_is_declined(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    first = world.claim(bought)
    second = world.claim(bought)
    assert (second.status, second.reason) == ("declined", "already_claimed")
    assert second.earlier == first.claim_id
    assert second.receipt is None
    assert len(world.events("claim.decided")) == 1


def test_a_policy_with_three_slots_allows_three_claims(world: World) -> None:
    world.publish(WARRANTY, id="three", claims_per_purchase=3)
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    decisions = [world.claim(bought, "three", number=j) for j in (2, 0, 1, 1)]
    assert [d.status for d in decisions] == ["approved"] * 3 + ["declined"]
    with pytest.raises(FormatError, match="fewer claims"):
        world.claim(bought, "three", number=3)


def test_slots_are_shared_by_the_versions_of_a_policy(world: World) -> None:
    world.publish(WARRANTY, version=2, title="Better words")
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    assert world.claim(bought).approved
    assert world.claim(bought, version=2).reason == "already_claimed"


@pytest.mark.parametrize(
    "changes",
    [
        {"date": date(2024, 11, 20)},
        {"date": date(2026, 11, 22)},
        {"product": "KETTLE-7"},
        {"price": 999},
        {"price": 50_001},
        {"currency": "SEK"},
    ],
)
def test_a_purchase_that_does_not_qualify_cannot_be_proven(
    world: World, changes: dict[str, Any]
) -> None:
    bought, good = world.buy(world.sale(**changes), world.sale())
    world.close()
    assert world.claim(good).approved
    body = world.body(bought)
    with pytest.raises(Unsatisfied):
        world.prove(bought, body)
    # A wallet that proves all the same is no further.
    statement = world.statement(body)
    randomness = HedgedScalars(P256, [1], statement.encode())
    cheat = _Prover(statement, bought.opening, _position(statement, bought.opening), randomness)
    decision = world.verifier.decide(ORIGIN, body, cheat.proof(statement.encode()))
    assert (decision.status, decision.reason) == ("declined", "proof_invalid")
    assert len(world.events("claim.decided")) == 1


def test_a_tampered_proof_is_declined_and_leaves_no_trace(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    sizes = world.sizes()
    for place in (0, 1, 200, len(proof) - 1):
        tampered = bytearray(proof)
        tampered[place] ^= 1
        decision = world.verifier.decide(ORIGIN, body, bytes(tampered))
        assert (decision.status, decision.reason) == ("declined", "proof_invalid")
    assert world.sizes() == sizes
    assert world.verifier.decide(ORIGIN, body, proof).approved


@pytest.mark.parametrize(
    "changes",
    [{"remedy": "replacement"}, {"nonce": "11" * 16}, {"date": "2026-11-20"}],
)
def test_a_proof_is_bound_to_its_body(world: World, changes: dict[str, Any]) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    assert world.verifier.decide(ORIGIN, replace(body, **changes), proof).reason == "proof_invalid"
    assert world.verifier.decide(ORIGIN, body, proof).approved


def test_a_voided_purchase_cannot_claim(world: World) -> None:
    bought, *others = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    stale = world.body(bought)
    proof = world.prove(bought, stale)
    world.issuer.void(world.merchant, bought.index, "returned")
    world.close()
    with pytest.raises(Unsatisfied):
        world.prove(bought, world.body(bought))
    world.close()
    with pytest.raises(Refused) as refused:  # the ring of before the void has grown old
        world.verifier.decide(ORIGIN, stale, proof)
    assert refused.value.code == "stale-horizon"
    assert world.claim(others[0]).approved


def test_an_earlier_close_serves_until_it_is_two_closes_old(world: World) -> None:
    bought, other, *_ = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    body, late = world.body(bought), world.body(other)
    proof, late_proof = world.prove(bought, body), world.prove(other, late)
    world.buy(world.sale())
    world.close()
    assert world.verifier.decide(ORIGIN, body, proof).approved
    world.buy(world.sale())
    world.close()
    with pytest.raises(Refused) as refused:
        world.verifier.decide(ORIGIN, late, late_proof)
    assert refused.value.code == "stale-horizon"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"origin": "ledger.example/other"}, "foreign-origin", "claim.origin"),
        ({"date": "2026-11-19"}, "claim-date", "claim.date"),
        ({"date": "2026-11-22"}, "claim-date", "claim.date"),
        ({"policy": "unknown"}, "unknown-policy", "claim.policy"),
        ({"version": 7}, "unknown-policy", "claim.policy"),
        ({"first": 1}, "unknown-horizon", "claim.first"),
        ({"size": 2, "voided_at": 3}, "unknown-horizon", "claim.size"),
        ({"voided_at": 2**50}, "unknown-horizon", "claim.voided_at"),
        ({"first": 3, "size": 3}, "unknown-horizon", "claim.size"),
        ({"lane": 1}, "unknown-lane", "claim.lane"),
        ({"lane": 2**50}, "unknown-lane", "claim.lane"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(
    world: World, changes: dict[str, Any], code: str, field: str
) -> None:
    bought, *_ = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    sizes = world.sizes()
    with pytest.raises(Refused) as refused:
        world.verifier.decide(ORIGIN, replace(body, **changes), proof)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert world.sizes() == sizes
    assert world.verifier.decide(ORIGIN, body, proof).approved


def test_a_policy_is_not_valid_for_ever(world: World) -> None:
    world.publish(WARRANTY, id="old", valid_to="2026-11-20")
    world.publish(WARRANTY, id="new", valid_from="2026-11-22")
    world.publish(WARRANTY, id="now", valid_from="2026-11-21", valid_to="2026-11-21")
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    for policy in ("old", "new"):
        with pytest.raises(Refused) as refused:
            world.claim(bought, policy)
        assert refused.value.code == "policy-not-valid"
    assert world.claim(bought, "now").approved


def test_a_ring_below_the_policys_minimum_is_refused(world: World) -> None:
    world.publish(WARRANTY, id="crowd", smallest_ring=4)
    bought, *_ = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    with pytest.raises(Refused) as refused:
        world.claim(bought, "crowd")
    assert refused.value.code == "ring-too-small"
    world.buy(world.sale())
    world.close()
    assert world.claim(bought, "crowd").approved


def test_a_cell_without_members_is_too_small(world: World) -> None:
    world.issuer.record_sales(world.merchant, [world.sale()])  # a record, and no member
    world.close()
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = replace(world.body(bought), size=1)
    with pytest.raises(Refused) as refused:
        world.verifier.decide(ORIGIN, body, world.prove(bought, world.body(bought)))
    assert refused.value.code == "ring-too-small"


def test_a_proof_of_another_length_is_malformed(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    for wrong in (b"", proof[:-1], proof + b"\0"):
        with pytest.raises(FormatError) as refused:
            world.verifier.decide(ORIGIN, body, wrong)
        assert refused.value.field == "proof"
    assert world.verifier.decide(ORIGIN, body, proof).approved


def test_a_proof_over_a_ring_of_the_provers_own_is_declined(world: World) -> None:
    """The verifier builds the ring from its own copy; the prover's opinion is never asked."""
    bought, *_ = world.buy(*[world.sale() for _ in range(4)])
    world.close()
    body = world.body(bought)
    statement = world.statement(body)
    own = replace(statement, ring=Ring(P256, statement.ring.members[:3]))
    proof = prove(own, bought.opening)
    verify(own, proof)
    assert world.verifier.decide(ORIGIN, body, proof).reason == "proof_invalid"


def test_two_claims_racing_for_one_slot_have_one_winner(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    claims = []
    for _ in range(6):
        body = world.body(bought)
        claims.append((body, world.prove(bought, body)))
    with ThreadPoolExecutor(6) as threads:
        decisions = list(threads.map(lambda c: world.verifier.decide(ORIGIN, *c), claims))
    assert sorted(d.status for d in decisions) == ["approved"] + ["declined"] * 5
    assert {d.reason for d in decisions if not d.approved} == {"already_claimed"}
    assert len(world.events("claim.decided")) == 1


def test_one_claim_sent_by_many_threads_is_one_claim(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    with ThreadPoolExecutor(6) as threads:
        decisions = list(
            threads.map(lambda _: world.verifier.decide(ORIGIN, body, proof), range(6))
        )
    assert {d.claim_id for d in decisions} == {decisions[0].claim_id}
    assert all(d.approved for d in decisions)
    assert sum(d.new for d in decisions) == 1
    assert len(world.events("claim.decided")) == 1


def test_tags_outlive_the_process(world: World) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    assert world.claim(bought).approved
    world.verifier = Verifier(world.store, P256, world.clock)
    assert world.claim(bought).reason == "already_claimed"


def _between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen after a proof has been verified and before the claim is recorded."""

    at_once = verify_batch

    def verify_slowly(claims: Sequence[tuple[Statement, bytes]]) -> list[Any]:
        monkeypatch.setattr(judging, "verify_batch", at_once)
        verified = at_once(claims)
        happens()
        return verified

    monkeypatch.setattr(judging, "verify_batch", verify_slowly)


def test_an_ownership_that_ends_while_a_proof_is_verified(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publish(REFUND)
    bought, other = world.buy(world.sale(), world.sale())
    world.close()
    refund = world.claim(bought, "refund-14d")
    end = partial(world.verifier.retire, ORIGIN, refund.claim_id, bought.keys.secret)
    _between(monkeypatch, end)
    assert world.claim(bought).reason == "ownership_ended"
    assert world.claim(other).approved


def test_an_ownership_that_ends_at_the_last_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the tables of retired secrets were looked at, and before the transaction."""
    world.publish(REFUND)
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    refund = world.claim(bought, "refund-14d")
    look = RetiredSecrets.among

    def look_and_end(*arguments: Any) -> Collection[bytes]:
        found = look(*arguments)
        world.verifier.retire(ORIGIN, refund.claim_id, bought.keys.secret)
        return found

    monkeypatch.setattr(RetiredSecrets, "among", look_and_end)
    assert world.claim(bought).reason == "ownership_ended"


def test_a_ring_that_grows_old_while_a_proof_is_verified(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought, other = world.buy(world.sale(), world.sale())
    world.close()

    def close_twice() -> None:
        for _ in range(2):
            world.buy(world.sale())
            world.close()

    _between(monkeypatch, close_twice)
    with pytest.raises(Refused) as refused:
        world.claim(bought)
    assert refused.value.code == "stale-horizon"
    assert world.claim(other).approved


def test_a_day_that_passes_while_a_proof_is_verified(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought, other = world.buy(world.sale(), world.sale())
    world.close()
    _between(monkeypatch, lambda: world.clock.advance(days=2))
    with pytest.raises(Refused) as refused:
        world.claim(bought)
    assert refused.value.code == "claim-date"
    assert world.claim(other).approved


def test_junk_of_an_impossible_length_builds_no_ring(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    monkeypatch.setattr(RingCache, "get", lambda *_: pytest.fail("a ring was built"))
    with pytest.raises(FormatError) as refused:
        world.verifier.decide(ORIGIN, body, proof[:-1])
    assert refused.value.field == "proof"


def test_a_false_proof_costs_no_look_at_retired_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    body = world.body(bought)
    proof = world.prove(bought, body)
    look = RetiredSecrets.among
    monkeypatch.setattr(RetiredSecrets, "among", lambda *_: pytest.fail("looked"))
    false = proof[:-1] + bytes([proof[-1] ^ 1])
    assert world.verifier.decide(ORIGIN, body, false).reason == "proof_invalid"
    monkeypatch.setattr(RetiredSecrets, "among", look)
    assert world.verifier.decide(ORIGIN, body, proof).approved


def test_rings_are_kept_up_to_a_number_of_members() -> None:
    made: list[int] = []

    def ring(lane: int) -> tuple[bytes, Ring]:
        made.append(lane)
        members = [P256.encode(P256.multiply(n, P256.generator)) for n in range(1, 4)]
        return b"root", Ring(P256, members)

    cache = RingCache(6)
    for lane in (0, 1, 0, 2, 0, 1):
        name = RingName(0, 1, 1, lane)
        assert cache.get((ORIGIN, name), partial(ring, lane))[0] == b"root"
    assert made == [0, 1, 2, 1]  # the third ring pushed out the one used longest ago
    small = RingCache(1)
    for _ in range(2):
        small.get((ORIGIN, RingName(0, 1, 1, 9)), partial(ring, 9))
    assert made.count(9) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"smallest_ring": 65}, "smallest_ring"),
        ({"purchased": {"oldest": "P70Y", "newest": "P60Y"}}, "purchased"),
    ],
)
def test_a_policy_that_nobody_could_use_is_not_published(
    world: World, changes: dict[str, Any], field: str
) -> None:
    sizes = world.sizes()
    with pytest.raises(FormatError) as refused:
        world.publish(WARRANTY, id="useless", **changes)
    assert refused.value.field == field
    assert world.sizes() == sizes


def test_approved_claims_are_listed_in_the_order_of_their_events(world: World) -> None:
    bought = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    ids = [world.claim(b).claim_id for b in bought]
    listed = world.verifier.list_claims(ORIGIN, -1, 10)
    assert [each.decision.claim_id for each in listed] == ids
    (second,) = world.verifier.list_claims(ORIGIN, listed[0].position, 1)
    assert second.decision.claim_id == ids[1]
    with pytest.raises(Refused) as refused:
        world.verifier.decision(ORIGIN, "00" * 32)
    assert refused.value.code == "unknown-claim"


def test_policies_are_numbered_without_gaps(world: World) -> None:
    with pytest.raises(Refused):
        world.publish(WARRANTY)  # uses up no number
    world.publish(WARRANTY, version=2)
    world.publish(WARRANTY, id="other")
    assert [event["number"] for _, event in world.events("policy.published")] == [0, 1, 3]
    assert [event["number"] for _, event in world.events("policy.superseded")] == [2]


def test_a_policy_version_is_published_once_and_only_by_its_merchant(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world.publish(WARRANTY)
    assert refused.value.code == "duplicate-policy"
    with pytest.raises(Refused) as refused:
        world.publish(WARRANTY, version=2, origin="ledger.example/other")
    assert refused.value.code == "foreign-origin"
    with pytest.raises(FormatError):
        world.publish(WARRANTY, version=2, products=["4006381333932"])
    assert [v.policy.version for v in world.verifier.policies(ORIGIN)] == [1]
    world.publish(WARRANTY, version=2)
    assert [v.policy.version for v in world.verifier.policies(ORIGIN)] == [1, 2]
    assert world.verifier.policy(ORIGIN, "warranty-2y", 2).policy.products == (KETTLE,)
