"""Ending an ownership in two steps (docs/protocol.md 8, *Retiring*)."""

import pytest

from commitments.errors import Refused
from commitments.group import Group
from commitments.p256 import P256
from ledger.events import events_origin
from tests.world import ORIGIN, REFUND, WARRANTY, Bought, World
from verifier import retiring
from verifier.approvals import CLAIM
from verifier.decision import Decision
from verifier.service import Verifier
from zk.statement import secret_tag


@pytest.fixture
def world(world: World) -> World:
    world.publish(WARRANTY, claims_per_purchase=2)
    world.publish(REFUND)
    return world


@pytest.fixture
def bought(world: World) -> Bought:
    first, *_ = world.buy(*[world.sale() for _ in range(3)])
    world.close()
    return first


def _retire(world: World, decision: Decision, bought: Bought) -> Decision:
    return world.verifier.retire(ORIGIN, decision.claim_id, bought.keys.secret)


def test_a_refund_ends_the_warranty(world: World, bought: Bought) -> None:
    refund = world.claim(bought, "refund-14d")
    assert (refund.status, refund.retire_by) == ("awaiting_secret", "2026-11-28T12:00:00Z")
    assert _retire(world, refund, bought).status == "completed"
    ((_, event),) = world.events("ownership.retired")
    assert event["secret"] == P256.encode_scalar(bought.keys.secret).hex()
    assert world.claim(bought).reason == "ownership_ended"


def test_ended_ownerships_outlive_the_process(world: World, bought: Bought) -> None:
    _retire(world, world.claim(bought, "refund-14d"), bought)
    world.verifier = Verifier(world.store, P256, world.clock)
    assert world.claim(bought).reason == "ownership_ended"


def test_claims_of_others_go_on(world: World) -> None:
    first, second = world.buy(world.sale(), world.sale())
    world.close()
    _retire(world, world.claim(first, "refund-14d"), first)
    assert world.claim(second).approved


def test_without_the_secret_nothing_ends(world: World, bought: Bought) -> None:
    refund = world.claim(bought, "refund-14d")
    for wrong in (0, 1, bought.keys.secret + 1, bought.opening.serial):
        with pytest.raises(Refused) as refused:
            world.verifier.retire(ORIGIN, refund.claim_id, wrong)
        assert refused.value.code == "wrong-secret"
    assert world.verifier.decision(ORIGIN, refund.claim_id).status == "awaiting_secret"
    assert _retire(world, refund, bought).status == "completed"


def test_the_transaction_itself_looks_at_the_secret(world: World, bought: Bought) -> None:
    refund = world.claim(bought, "refund-14d")
    now = "2026-11-21T12:00:00Z"
    stranger = retiring.Owner(P256, ORIGIN, bought.keys.secret + 1)
    with pytest.raises(Refused) as refused:
        world.store.write(
            lambda tx: retiring.retire(tx, stranger, CLAIM, refund.claim_id, now),
            events_origin(ORIGIN),
        )
    assert refused.value.code == "wrong-secret"
    assert world.events("ownership.retired") == []


def test_a_secret_seen_before_its_approval_ends_nothing(world: World, bought: Bought) -> None:
    warranty = world.claim(bought)
    for identifier, code in ((warranty.claim_id, "not-awaiting-secret"), ("00", "unknown-claim")):
        with pytest.raises(Refused) as refused:
            world.verifier.retire(ORIGIN, identifier, bought.keys.secret)
        assert refused.value.code == code
    assert world.events("ownership.retired") == []


def test_an_ownership_ends_once(world: World, bought: Bought) -> None:
    refund = world.claim(bought, "refund-14d")
    _retire(world, refund, bought)
    with pytest.raises(Refused) as refused:
        _retire(world, refund, bought)
    assert refused.value.code == "not-awaiting-secret"
    assert len(world.events("ownership.retired")) == 1


def test_an_approval_lapses_at_its_deadline(world: World, bought: Bought) -> None:
    refund = world.claim(bought, "refund-14d")
    world.clock.advance(days=7, seconds=1)
    assert world.verifier.decision(ORIGIN, refund.claim_id).status == "lapsed"
    with pytest.raises(Refused) as refused:
        _retire(world, refund, bought)
    assert refused.value.code == "lapsed"


def test_an_approval_lapses_when_its_owner_claims_in_between(world: World, bought: Bought) -> None:
    """Otherwise: have the refund approved, have the thing repaired, then take the money."""
    refund = world.claim(bought, "refund-14d")
    assert world.claim(bought).approved
    with pytest.raises(Refused) as refused:
        _retire(world, refund, bought)
    assert refused.value.code == "lapsed"
    assert world.events("ownership.retired") == []


def test_a_claim_before_the_refund_does_not_stop_it(world: World, bought: Bought) -> None:
    assert world.claim(bought).approved
    assert _retire(world, world.claim(bought, "refund-14d"), bought).status == "completed"
    assert world.claim(bought, number=1).reason == "ownership_ended"


def test_claims_of_others_in_between_do_not_stop_a_refund(world: World) -> None:
    first, second = world.buy(world.sale(), world.sale())
    world.close()
    refund = world.claim(first, "refund-14d")
    assert world.claim(second).approved
    assert _retire(world, refund, first).status == "completed"


def test_of_two_refunds_of_one_purchase_the_earlier_wins(world: World, bought: Bought) -> None:
    world.publish(REFUND, id="second-refund")
    earlier = world.claim(bought, "refund-14d")
    later = world.claim(bought, "second-refund")
    with pytest.raises(Refused) as refused:
        _retire(world, later, bought)
    assert refused.value.code == "lapsed"
    assert _retire(world, earlier, bought).status == "completed"
    with pytest.raises(Refused):  # the secret is public now, and is still worth nothing here
        _retire(world, later, bought)
    assert len(world.events("ownership.retired")) == 1


def test_a_refund_that_has_lapsed_does_not_stop_a_later_one(world: World, bought: Bought) -> None:
    world.publish(REFUND, id="second-refund")
    overtaken = world.claim(bought, "refund-14d")
    assert world.claim(bought).approved
    later = world.claim(bought, "second-refund")
    with pytest.raises(Refused) as refused:
        _retire(world, overtaken, bought)
    assert refused.value.code == "lapsed"
    assert _retire(world, later, bought).status == "completed"


def test_the_deadline_counts_by_the_calendar(world: World) -> None:
    world.publish(REFUND, id="slow", response_time="P1M")
    bought, _ = world.buy(world.sale(), world.sale())
    world.close()
    assert world.claim(bought, "slow").retire_by == "2026-12-21T12:00:00Z"


def test_ending_an_ownership_does_not_grow_with_the_number_of_claims(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One multiplication for each scope that has approvals, however many approvals it has."""
    bought, *others = world.buy(*[world.sale() for _ in range(6)])
    world.close()
    refund = world.claim(bought, "refund-14d")
    for other in others:
        assert world.claim(other).approved
    scopes: list[str] = []
    multiply = secret_tag

    def counted(group: Group, scope_text: str, secret: int) -> bytes | None:
        scopes.append(scope_text)
        return multiply(group, scope_text, secret)

    monkeypatch.setattr(retiring, "secret_tag", counted)
    with pytest.raises(Refused):
        world.verifier.retire(ORIGIN, refund.claim_id, 1)
    assert len(scopes) <= 2
    scopes.clear()
    assert _retire(world, refund, bought).status == "completed"
    assert len(scopes) == len(set(scopes)) == 2
