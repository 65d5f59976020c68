import pytest

from commitments.errors import Refused
from commitments.p256 import P256
from issuer.closing import close_due, close_now
from issuer.merchants import Merchant, create_merchant
from issuer.recording import Order
from ledger.closed import ClosedLogs
from ledger.closes import Close
from tests.world import ORIGIN, World, new_keys, new_request

DAILY = Merchant("daily", "Daily", "ledger.example/daily")


def _closes(world: World, origin: str) -> list[tuple[int, int, int]]:
    with world.store.read() as connection:
        closes = ClosedLogs().partition(connection, origin).closes
    return [(close.number, close.period, close.size) for close in closes]


def test_a_close_by_call_records_size_and_root(world: World) -> None:
    world.buy(world.sale(), world.sale())
    event = close_now(world.store, world.clock, world.merchant)
    close = Close.from_event(event, ORIGIN)
    with world.store.log(ORIGIN) as log:
        assert (close.size, close.root) == (2, log.root(2))
    world.buy(world.sale())
    world.close()
    assert _closes(world, ORIGIN) == [(0, 0, 2), (1, 1, 3)]


def test_a_daily_log_closes_each_utc_day_by_itself(world: World) -> None:
    create_merchant(world.store, P256, world.clock, DAILY)
    assert close_due(world.store, world.clock) == 0  # an empty log has nothing to close
    order = Order("1", world.sale(), new_request("1", new_keys(), DAILY.origin))
    world.issuer.record(DAILY, [order])
    assert close_due(world.store, world.clock) == 1  # yesterday, with what is there by now
    assert close_due(world.store, world.clock) == 0
    world.clock.advance(days=1)
    assert close_due(world.store, world.clock) == 1
    world.clock.advance(days=10)  # the service was down
    assert close_due(world.store, world.clock) == 1
    day = (world.clock().date() - type(world.clock().date())(1970, 1, 1)).days
    assert _closes(world, DAILY.origin) == [(0, day - 12, 1), (1, day - 11, 1), (2, day - 1, 1)]


def test_a_clock_that_goes_back_closes_nothing_twice(world: World) -> None:
    create_merchant(world.store, P256, world.clock, DAILY)
    order = Order("1", world.sale(), new_request("1", new_keys(), DAILY.origin))
    world.issuer.record(DAILY, [order])
    assert close_due(world.store, world.clock) == 1
    world.clock.advance(days=-3)
    assert close_due(world.store, world.clock) == 0


def test_a_daily_log_is_not_closed_by_a_call(world: World) -> None:
    create_merchant(world.store, P256, world.clock, DAILY)
    with pytest.raises(Refused) as refused:
        close_now(world.store, world.clock, DAILY)
    assert refused.value.code == "not-manual"


def test_manual_logs_are_left_alone_by_the_daily_close(world: World) -> None:
    world.buy(world.sale())
    assert close_due(world.store, world.clock) == 0
    assert _closes(world, ORIGIN) == []


def test_a_log_that_cannot_be_closed_does_not_keep_the_others_from_it(world: World) -> None:
    for name in ("aaa", "zzz"):
        merchant = Merchant(name, name, f"ledger.example/{name}")
        create_merchant(world.store, P256, world.clock, merchant)
        order = Order("1", world.sale(), new_request("1", new_keys(), merchant.origin))
        world.issuer.record(merchant, [order])
    with world.store._writer.begin() as connection:  # the first has lost its logs
        connection.exec_driver_sql(
            "UPDATE merchants SET origin = 'ledger.example/gone' WHERE id = 'aaa'"
        )
    with pytest.raises(ExceptionGroup) as broken:
        close_due(world.store, world.clock)
    assert len(broken.value.exceptions) == 1
    assert len(_closes(world, "ledger.example/zzz")) == 1
