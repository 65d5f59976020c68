from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select, update

from commitments.p256 import P256
from ledger.event_log import event_kinds
from ledger.fsck import check_all
from ledger.schema import voids
from tests.handover import hand_over, settle
from tests.world import ORIGIN, REFUND, WARRANTY, World
from verifier.rebuild import PROJECTIONS, rebuild
from verifier.schema import approved, tags
from verifier.service import Verifier


@pytest.fixture
def world(world: World) -> World:
    """Policies, an approval, a void, closes; ownerships that ended and that are about to.

    By a refund and by a transfer each.
    """
    world.publish(WARRANTY)
    world.publish(REFUND)
    first, second, third, fourth, returned = world.buy(*[world.sale()] * 5)
    world.issuer.void(world.merchant, returned.index, "returned")
    world.close()
    world.claim(first)
    ended = world.claim(second, "refund-14d")
    world.verifier.retire(ORIGIN, ended.claim_id, second.keys.secret)
    world.claim(third, "refund-14d")
    settle(world)
    hand_over(world, first).complete()
    hand_over(world, fourth).approve()
    return world


def _content(world: World) -> dict[str, list[Any]]:
    with world.store.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in (*PROJECTIONS, voids)
        }


def _damage(world: World, *statements: Any) -> None:
    with world.store._writer.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def test_the_tables_are_made_again_as_they_were(world: World) -> None:
    before = _content(world)
    assert all(before.values())
    assert len(before["approved"]) == 5
    _damage(world, *map(delete, (*PROJECTIONS, voids)))
    assert not any(_content(world).values())
    assert rebuild(world.store) == world.sizes()[1]
    assert _content(world) == before


def test_rows_that_no_event_made_are_gone(world: World) -> None:
    before = _content(world)
    forged = {"origin": ORIGIN, "scope": "s", "tag": b"t", "claim_id": "c"}
    _damage(
        world,
        insert(tags).values(forged),
        update(approved).values(retire_by="x"),
        update(event_kinds).values(type="x"),
        update(voids).values(voided=0),
    )
    assert _content(world) != before
    rebuild(world.store)
    assert _content(world) == before
    with world.store.read() as connection:
        assert len(check_all(connection)) == 2


def test_a_tag_whose_row_was_deleted_cannot_be_used_again(world: World) -> None:
    (bought,) = world.buy(world.sale())
    world.close()
    assert world.claim(bought).approved
    _damage(world, delete(tags), delete(approved))
    rebuild(world.store)
    fresh = Verifier(world.store, P256, world.clock)
    body = world.body(bought)
    again = fresh.decide(ORIGIN, body, world.prove(bought, body))
    assert (again.status, again.reason) == ("declined", "already_claimed")


@pytest.mark.parametrize("table", PROJECTIONS, ids=lambda table: table.name)
def test_each_table_is_one_of_a_merchant(table: Table) -> None:
    assert "origin" in table.primary_key.columns
