"""What of webhooks is in the database, on both engines: nothing is lost, and two do not send."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import insert, select, update

from api.webhooks.schema import webhook_deliveries, webhook_endpoints, webhook_keys
from ledger.events import events_origin
from ledger.group_commit import CommitFailed
from ledger.log import Log
from ledger.schema import published
from ledger.store import Transaction
from tests.api.receivers import Receiver
from tests.api.webhook_shop import Hooks, land, settle
from tests.world import ORIGIN

T = TypeVar("T")


def test_what_happens_is_sent_in_its_order(hooks: Hooks, receiver: Receiver) -> None:
    hooks.happen()  # before there was a webhook
    endpoint = hooks.hook(receiver)
    hooks.send()
    assert receiver.got == []
    indices = hooks.happen(30)  # more than a batch
    hooks.send()
    assert receiver.indices == list(indices)
    assert set(hooks.states(endpoint)) == {"delivered"}
    message = receiver.got[0].document
    (event,) = (event for index, event in hooks.world.events("log.closed") if index == indices[0])
    assert message == {
        "type": "log.closed",
        "timestamp": event["time"],
        "data": {"merchant": "acme", "index": indices[0], "event": event},
    }
    assert len({request.id for request in receiver.got}) == 30
    hooks.send()
    assert len(receiver.got) == 30


def test_nothing_is_sent_that_readers_do_not_see_yet(hooks: Hooks, receiver: Receiver) -> None:
    """With witnesses, an event is public once they have been asked."""
    hooks.hook(receiver)
    first, second = hooks.happen(2)
    with hooks.world.store.read() as connection:
        log = Log(connection, events_origin(ORIGIN))
        row = {"log_id": log.id, "size": second, "checkpoint": log.checkpoint()}

    def publish(transaction: Transaction) -> None:
        transaction.connection.execute(insert(published).values(row))

    hooks.world.store.commit(publish)
    hooks.send()
    assert receiver.indices == [first]
    seen = update(published).values(size=second + 1)
    hooks.world.store.commit(lambda transaction: transaction.connection.execute(seen))
    hooks.send()
    assert receiver.indices == [first, second]


def test_killed_between_sending_and_noting(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    hooks.happen(3)

    async def die() -> None:
        dispatcher = hooks.webhooks.dispatcher()
        await dispatcher.turn()
        await land(dispatcher)  # and no more turns

    asyncio.run(die())
    assert hooks.states(endpoint) == ["pending"] * 3
    next_process = hooks.process()
    hooks.send(next_process)
    assert len(receiver.got) == 3  # the lease of the one that was killed is not over
    hooks.world.clock.advance(seconds=61)
    hooks.send(next_process)
    next_process.close()
    assert hooks.states(endpoint) == ["delivered"] * 3
    first, again = receiver.got[:3], receiver.got[3:]
    assert [(r.id, r.body) for r in first] == [(r.id, r.body) for r in again]
    assert first[0].headers["webhook-timestamp"] != again[0].headers["webhook-timestamp"]


@pytest.mark.parametrize("applied", [False, True])
def test_each_write_fails_once(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, *, applied: bool
) -> None:
    """Of turns until all is delivered; and also those that were applied, but not confirmed."""
    hooks.hook(receiver)
    store, real = hooks.webhooks._store, hooks.webhooks._store.commit
    failing, number, expected = 0, 0, list[int]()

    def commit(unit: Callable[[Transaction], T], *origins: str) -> T:
        nonlocal number
        number += 1
        if number != failing:
            return real(unit, *origins)
        if applied:
            real(unit, *origins)
        raise CommitFailed("the commit was not confirmed")

    monkeypatch.setattr(store, "commit", commit)
    while failing <= number:
        failing, number = failing + 1, 0
        expected += hooks.happen(2)
        dispatcher = hooks.webhooks.dispatcher()
        for _ in range(2):
            try:
                asyncio.run(settle(dispatcher))
            except CommitFailed:
                continue
        hooks.world.clock.advance(seconds=61)  # the next round begins with the lease again
    assert failing > 3  # lease, deliveries, what came of them
    assert sorted(set(receiver.indices)) == expected
    (endpoint,) = hooks.webhooks.endpoints.of(hooks.world.merchant)
    assert set(hooks.states(endpoint)) == {"delivered"}


def test_of_two_processes_one_sends(hooks: Hooks, receiver: Receiver) -> None:
    hooks.hook(receiver)
    other = hooks.process()
    indices = hooks.happen()
    hooks.send()
    indices = range(indices.start, hooks.happen().stop)
    hooks.send(other)
    assert len(receiver.got) == 1
    hooks.send()
    assert receiver.indices == list(indices)
    hooks.webhooks.outbox.lease.release()
    hooks.happen()
    hooks.send(other)
    hooks.send()
    other.close()
    assert len(receiver.got) == 3


def test_two_processes_that_both_believe_to_have_the_lease(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = hooks.hook(receiver)
    other = hooks.process()
    for webhooks in (hooks.webhooks, other):
        monkeypatch.setattr(webhooks.outbox.lease, "hold", lambda: True)
    indices = hooks.happen(5)

    async def both() -> None:
        senders = [webhooks.dispatcher() for webhooks in (hooks.webhooks, other)]
        await asyncio.gather(*(settle(sender) for sender in senders), return_exceptions=True)

    asyncio.run(both())
    hooks.send()
    other.close()
    assert sorted(set(receiver.indices)) == list(indices)
    assert hooks.states(endpoint) == ["delivered"] * 5


def test_replaying_one(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    hooks.happen(2)
    hooks.send()
    first, _ = hooks.deliveries(endpoint)
    replayed = hooks.webhooks.deliveries.replay(hooks.world.merchant, endpoint, first.id)
    assert (replayed["state"], replayed["attempts"]) == ("pending", 0)
    hooks.send()
    assert [request.id for request in receiver.got].count(first.id) == 2
    assert receiver.got[0].body == receiver.got[2].body


def test_deliveries_are_listed_page_by_page(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    first, second, third = hooks.happen(3)
    hooks.send()
    of = hooks.webhooks.deliveries.of
    assert [d.index for d in of(hooks.world.merchant, endpoint, None, None, 2)] == [third, second]
    assert [d.index for d in of(hooks.world.merchant, endpoint, None, second, 2)] == [first]
    assert of(hooks.world.merchant, endpoint, "dead", None, 2) == []


def test_what_is_over_is_forgotten_after_a_month(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    hooks.happen()
    hooks.send()
    receiver.status = 500
    hooks.happen()
    hooks.send()
    hooks.webhooks.endpoints.rotate(hooks.world.merchant, endpoint.id)
    hooks.world.clock.advance(days=29)
    hooks.webhooks.outbox.forget()
    assert len(hooks.deliveries(endpoint)) == 2
    assert len(hooks.find(endpoint).public_keys) == 1
    hooks.world.clock.advance(days=2)
    hooks.webhooks.outbox.forget()
    assert hooks.states(endpoint) == ["pending"]


def test_a_second_rotation_ends_the_oldest_keys_at_once(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    merchant, endpoints = hooks.world.merchant, hooks.webhooks.endpoints
    secrets = [endpoints.rotate(merchant, endpoint.id)["secret"] for _ in range(3)]
    assert [keys.secret for keys in endpoints.keys(endpoint)] == secrets[-2:]


def test_a_deleted_webhook_leaves_nothing(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    hooks.happen(2)
    hooks.send()
    hooks.happen()
    hooks.webhooks.endpoints.delete(hooks.world.merchant, endpoint.id)
    hooks.send()
    assert len(receiver.got) == 2
    with hooks.world.store.read() as connection:
        for table in (webhook_endpoints, webhook_keys, webhook_deliveries):
            assert connection.execute(select(table)).all() == []
