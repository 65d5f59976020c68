"""A clock that goes backwards: nothing is undone, and time goes on where it was."""

import pytest

from commitments.errors import Refused
from issuer.closing import Closer
from ledger.log import Log
from ledger.seed_witnesses import SeedWitnesses
from tests.api.shop import Shop
from tests.world import WARRANTY, World


def test_purchases_are_recorded_by_a_clock_that_goes_back(world: World) -> None:
    world.buy(world.sale())
    before = world.sizes()
    world.clock.advance(days=-1)
    world.buy(world.sale())
    assert world.close() == before[0] + 1


def test_a_claim_stays_decided_when_the_clock_goes_back(world: World) -> None:
    bought = world.buy(*[world.sale()] * 3)
    world.close()
    world.publish(WARRANTY)
    body = world.body(bought[0])
    proof = world.prove(bought[0], body)
    first = world.verifier.decide(body.origin, body, proof)
    world.clock.advance(hours=-18)
    assert first.approved
    again = world.verifier.decide(body.origin, body, proof)
    assert (again.status, again.receipt) == (first.status, first.receipt)
    declined = world.claim(bought[0], date=world.clock().date().isoformat())
    assert (declined.reason, declined.earlier) == ("already_claimed", first.claim_id)
    assert world.claim(bought[1]).approved
    world.clock.advance(days=-30)
    with pytest.raises(Refused, match="date"):
        world.verifier.decide(body.origin, world.body(bought[2], date="2026-11-21"), proof)


def test_a_day_is_not_closed_twice_when_the_clock_goes_back(database: str) -> None:
    with Shop(database, entered=False) as shop:
        shop.key = shop.enter("daily", period="P1D")["api_key"]
        body = {"sales": [shop.sale().document()]}
        assert shop.client.send(
            "POST", "/v1/merchants/daily/sales", body=body, key=shop.key
        ).is_success
        shop.clock.advance(days=1)
        closer = Closer(shop.store, shop.clock, SeedWitnesses())
        closed = [closer.due()]
        shop.clock.advance(days=-1)
        closed.append(closer.due())
        shop.clock.advance(days=1)
        closed.append(closer.due())
        shop.clock.advance(days=1)
        closed.append(closer.due())
        assert closed == [1, 0, 0, 1]
        with shop.store.log("ledger.example/daily/events") as log:
            assert isinstance(log, Log)
            assert log.size == 3
