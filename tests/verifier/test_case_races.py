"""Steps that race, on both engines: one winner each, and the tables say what the log says."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from aftersales.steps import BUYER, MERCHANT
from commitments.clock import OneClock
from commitments.errors import Refused
from commitments.p256 import P256
from ledger.store import Store
from tests.aftersales.cases import BUYER_KEYS
from tests.databases import SEALING
from tests.steps import LOOKED_AT, PLAIN, Followed
from tests.world import ORIGIN, World
from verifier.rebuild import PROJECTIONS, rebuild
from verifier.schema import tags
from verifier.service import Verifier


@pytest.fixture
def world(world: World) -> World:
    world.publish(PLAIN)
    world.publish(LOOKED_AT)
    return world


def race(*takes: Callable[[], Any]) -> list[Any]:
    """What each gets, or the code by which it is refused; all begin at once."""
    start = Barrier(len(takes))

    def run(take: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return take()
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(len(takes)) as pool:
        return list(pool.map(run, takes))


def content(world: World) -> dict[str, Sequence[str]]:
    with world.store.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in PROJECTIONS
        }


def test_of_steps_that_race_one_is_taken(world: World, database: str) -> None:
    """Whether they come to one process or to two."""
    bought, other = world.buy(*[world.sale()] * 2)
    world.close()
    claim = Followed(world, bought, "warranty-2y")
    with ExitStack() as stack:
        store = stack.enter_context(Store(database, sealing=SEALING))
        second = Verifier(store, P256, OneClock(world.clock))
        stack.callback(second.close)
        # Two shops: the buyer has signed for both.
        shops = [claim.step(BUYER, "redeem", shop=f"acme/{n}") for n in range(4)]
        answers = race(
            *[
                lambda cases=verifier.cases, step=step: cases.take(ORIGIN, claim.claim_id, step, ())
                for verifier, step in zip([world.verifier, second] * 2, shops, strict=True)
            ]
        )
    taken = [answer for answer in answers if answer != "already-moved"]
    assert len(taken) == 1
    redeemed = taken[0][0].case.redeemed
    claim.number = 1
    for shop in shops:
        again = {**shop, "number": 1}
        with pytest.raises(Refused) as refused:
            world.verifier.cases.take(ORIGIN, claim.claim_id, again, ())
        assert refused.value.code == "already-redeemed"
    assert world.verifier.cases.read(ORIGIN, claim.claim_id).case.redeemed == redeemed
    with pytest.raises(Refused):  # what was cashed in is not withdrawn
        claim.take(BUYER, "withdraw")
    assert len(world.events("claim.step")) == 1
    assert world.claim(other, "warranty-2y").approved


def test_the_same_step_from_many_sides_is_taken_once(world: World) -> None:
    bought, _ = world.buy(*[world.sale()] * 2)
    world.close()
    claim = Followed(world, bought, "warranty-2y")
    photo = claim.seal(b"photo")
    step = claim.step(BUYER, "note", photo)
    cases = world.verifier.cases
    answers = race(*[lambda: cases.take(ORIGIN, claim.claim_id, step, [photo])] * 4)
    assert sorted(new for _, new in answers) == [False, False, False, True]
    assert len(world.events("claim.step")) == 1


def test_one_token_shown_at_two_desks_of_a_shop_is_paid_once(world: World) -> None:
    """Also when both desks send the very same step: only the first is told that it is taken."""
    bought, _ = world.buy(*[world.sale()] * 2)
    world.close()
    claim = Followed(world, bought, "warranty-2y")
    step, cases = claim.step(BUYER, "redeem"), world.verifier.cases
    answers = race(*[lambda: cases.take(ORIGIN, claim.claim_id, step, ())] * 4)
    refused = [answer for answer in answers if isinstance(answer, str)]
    assert set(refused) <= {"already-redeemed", "already-moved"}
    assert len(refused) == 3
    with pytest.raises(Refused) as later:
        cases.take(ORIGIN, claim.claim_id, step, ())
    assert later.value.code == "already-redeemed"
    assert len(world.events("claim.step")) == 1


def test_a_dispute_and_a_new_claim_race_for_the_slot(world: World) -> None:
    bought, _ = world.buy(*[world.sale()] * 2)
    world.close()
    claim = Followed(world, bought, "looked-at")
    claim.take(MERCHANT, "decline")
    body = world.body(bought, "looked-at", buyer=BUYER_KEYS)
    proof, step = world.prove(bought, body), claim.step(BUYER, "dispute")
    verifier = world.verifier
    disputed, decided = race(
        lambda: verifier.cases.take(ORIGIN, claim.claim_id, step, ()),
        lambda: verifier.decide(ORIGIN, body, proof),
    )
    if disputed == "already-claimed":
        assert decided.recorded
        holder = decided.claim_id
    else:
        assert (decided.reason, decided.earlier) == ("already_claimed", claim.claim_id)
        holder = claim.claim_id
    with world.store.read() as connection:
        assert connection.scalars(select(tags.c.claim_id)).all() == [holder]


def test_the_tables_are_made_again_as_they_were(world: World) -> None:
    first, second = world.buy(*[world.sale()] * 2)
    world.close()
    claim = Followed(world, first, "looked-at")
    claim.take(MERCHANT, "decline")
    claim.take(BUYER, "dispute")
    claim.take(MERCHANT, "decline")
    Followed(world, first, "looked-at").take(BUYER, "note", claim.seal(b"x"))
    Followed(world, second, "warranty-2y").take(BUYER, "withdraw")
    before = content(world)
    assert len(before["cases"]) == 3
    assert len(before["case_events"]) == 8
    rebuild(world.store)
    assert content(world) == before
