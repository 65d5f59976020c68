"""What webhooks send, and to whom, with real receivers and a clock that stands still until told."""

import asyncio
import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import select

from api.webhooks import dispatcher as dispatcher_module
from api.webhooks.backoff import retry_seconds
from api.webhooks.messages import EventType
from api.webhooks.schema import webhook_deliveries, webhook_endpoints, webhook_keys, webhook_lease
from commitments.errors import Refused
from issuer.merchants import Merchant
from ledger.metrics import WEBHOOKS
from ledger.store import Store
from tests.api.receivers import Received, Receiver, hostile, silent
from tests.api.webhook_shop import Hooks
from tests.databases import Databases, Sqlite, files_of
from tests.world import NOTICE, ORIGIN, WARRANTY

DAYS = 86_400


@pytest.fixture(scope="module")
def databases(sqlite: Sqlite) -> Databases:
    """One engine; test_webhook_storage.py has what the engines could do differently."""
    return sqlite


# ---- what is sent


def test_a_claim_is_sent_without_proof_and_tags(hooks: Hooks, receiver: Receiver) -> None:
    bought = hooks.world.buy(*[hooks.world.sale()] * 3)
    hooks.world.close()
    hooks.world.publish(WARRANTY)
    hooks.hook(receiver, "claim.decided")
    decision = hooks.world.claim(bought[0])
    hooks.send()
    (got,) = receiver.got
    event = got.document["data"]["event"]
    assert event["claim_id"] == decision.claim_id
    assert event["claim"]["remedy"] == "repair"
    ((_, logged),) = hooks.world.events("claim.decided")
    assert logged.keys() - event.keys() == {"proof", "tags"}
    assert logged["tags"][0].encode() not in got.body


def test_only_the_types_that_are_wanted(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver, "policy.published", "recall.published")
    hooks.happen()
    hooks.world.publish(WARRANTY)
    hooks.world.verifier.publish_notice(ORIGIN, NOTICE)
    hooks.happen()
    hooks.send()
    kinds = [request.document["type"] for request in receiver.got]
    assert kinds == ["policy.published", "recall.published"]
    assert [delivery.type for delivery in hooks.deliveries(endpoint)] == kinds


def test_the_list_of_types_is_that_of_the_program() -> None:
    root, found = Path(__file__).parents[2], set()
    for room in ("ledger", "verifier", "issuer", "aftersales", "policies"):
        for file in (root / room).rglob("*.py"):
            constants = re.findall(r"^[A-Z_, ]+ = (.*)$", file.read_text("utf-8"), re.MULTILINE)
            found |= {
                name for line in constants for name in re.findall(r'"([a-z]+\.[a-z_]+)"', line)
            }
    found -= {"kvitto.witnesses"}  # a logger
    assert set(get_args(EventType)) == found
    assert list(get_args(EventType)) == sorted(found)


# ---- once more, but never once less


def test_a_clock_that_was_far_ahead_does_not_keep_the_lease(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.hook(receiver)
    hooks.world.clock.advance(days=400)
    hooks.happen()
    hooks.send()
    hooks.world.clock.advance(days=-399)
    other = hooks.process()
    hooks.happen()
    hooks.send(other)
    other.close()
    assert len(receiver.got) == 2


# ---- receivers that fail


def test_a_receiver_that_fails_is_tried_for_three_days(hooks: Hooks, receiver: Receiver) -> None:
    receiver.status = 500
    endpoint = hooks.hook(receiver)
    hooks.happen()
    begun, times = hooks.now, []
    while hooks.states(endpoint) in ([], ["pending"]):
        before = len(receiver.got)
        hooks.send()
        if len(receiver.got) > before:
            times.append(hooks.now - begun)
        (delivery,) = hooks.deliveries(endpoint)
        hooks.world.clock.advance(seconds=max(1, delivery.due - hooks.now))
    (delivery,) = hooks.deliveries(endpoint, "dead")
    assert (delivery.attempts, delivery.status, delivery.error) == (len(times), 500, "status")
    assert 11 <= len(times) <= 16
    assert times[0] == 0
    assert 5 <= times[1] <= 8
    assert times[-1] == 3 * DAYS
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:-1] == sorted(waits[:-1]) or max(waits) >= 12 * 3600
    assert len({request.id for request in receiver.got}) == 1
    assert len({request.body for request in receiver.got}) == 1
    hooks.world.clock.advance(days=1)
    hooks.send()
    assert len(receiver.got) == len(times)


def test_the_waits_grow_and_differ() -> None:
    assert [retry_seconds(n, lambda: 0) for n in range(1, 10)] == [
        *(5, 20, 80, 320, 1280, 5120, 20480, 43200, 43200)
    ]
    assert retry_seconds(4, lambda: 0.999) == 480
    assert retry_seconds(10**6, lambda: 0) == 43200


def test_what_comes_of_messages_is_counted(hooks: Hooks, receiver: Receiver) -> None:
    counts = [WEBHOOKS.labels(outcome) for outcome in ("delivered", "status")]
    before = [count._value.get() for count in counts]
    hooks.hook(receiver)
    refused = hooks.happen(3)[2]
    receiver.status = lambda got: 500 if got.document["data"]["index"] == refused else 204
    hooks.send()
    after = [count._value.get() for count in counts]
    assert [new - old for old, new in zip(before, after, strict=True)] == [2, 1]


def test_one_event_that_a_receiver_does_not_take(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    poison = hooks.happen(3)[0]
    receiver.status = lambda got: 500 if got.document["data"]["index"] == poison else 204
    for _ in range(8):  # its delays grow, so the others' turn comes whatever the jitter
        hooks.send()
        hooks.world.clock.advance(seconds=5)
    assert hooks.states(endpoint) == ["pending", "delivered", "delivered"]


def test_a_receiver_that_does_not_answer_is_left_alone(hooks: Hooks, receiver: Receiver) -> None:
    """Or each new event would make it take a place again."""
    receiver.status = 503
    hooks.hook(receiver)
    for _ in range(20):
        hooks.happen()
        hooks.send()
    assert len(receiver.got) == 1
    receiver.headers = {"Retry-After": "3600"}
    hooks.world.clock.advance(seconds=10)
    hooks.send()
    receiver.headers, receiver.status = {}, 204
    hooks.world.clock.advance(seconds=3599)
    hooks.send()
    assert len(receiver.got) == 2
    hooks.world.clock.advance(seconds=1)
    hooks.send()
    assert len(set(receiver.indices)) == 20


def test_a_slow_receiver_does_not_hold_up_the_others(hooks: Hooks, receiver: Receiver) -> None:
    with hostile(silent) as slow:
        held_up = [hooks.hook(f"{slow}/{number}") for number in range(5)]
        hooks.hook(receiver)
        indices = hooks.happen(3)
        hooks.webhooks.sender._patience = 20

        async def run() -> None:
            dispatcher = hooks.webhooks.dispatcher()
            running = asyncio.create_task(dispatcher.run())
            await asyncio.to_thread(receiver.wait, 3)
            indices_of_more = hooks.happen()
            await asyncio.to_thread(receiver.wait, 4)
            assert receiver.indices == [*indices, *indices_of_more]
            assert dispatcher._sending.keys() >= {endpoint.id for endpoint in held_up}
            dispatcher.stop()
            await running

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dispatcher_module, "_GRACE", 0.01)
            patch.setattr(dispatcher_module, "_LOOK", 0.05)
            asyncio.run(run())
    assert all(
        hooks.states(endpoint) == ["pending"] * len(hooks.states(endpoint)) for endpoint in held_up
    )


def test_more_dead_receivers_than_places(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "_AT_ONCE", 2)
    hooks.webhooks.sender._patience = 0.05
    with hostile(silent) as slow:
        for number in range(5):
            hooks.hook(f"{slow}/{number}")
        hooks.hook(receiver)
        hooks.happen()
        hooks.send()
    assert len(receiver.got) == 1


def test_days_of_failure_disable_an_endpoint(hooks: Hooks, receiver: Receiver) -> None:
    receiver.status = 500
    endpoint = hooks.hook(receiver)
    for _ in range(6):
        hooks.happen()
        hooks.send()
        assert hooks.find(endpoint).disabled is None or hooks.now >= 5 * DAYS
        hooks.world.clock.advance(days=1)
    found = hooks.find(endpoint)
    assert (found.disabled, found.failing_since) == ("failing", hooks.now - 6 * DAYS)
    tried, receiver.status = len(receiver.got), 204
    hooks.happen()
    hooks.send()
    assert len(receiver.got) == tried
    hooks.enable(endpoint)
    found = hooks.find(endpoint)
    assert (found.disabled, found.failing_since) == (None, None)
    hooks.send()
    # What was pending and what has happened meanwhile; two were given up before.
    dead = hooks.deliveries(endpoint, "dead")
    assert len(dead) + len(receiver.got) - tried == 7
    assert (
        hooks.webhooks.deliveries.replay_dead(hooks.world.merchant, endpoint, dead[-1].tried or 0)
        >= 1
    )
    hooks.webhooks.deliveries.replay_dead(hooks.world.merchant, endpoint, 0)
    hooks.send()
    assert set(hooks.states(endpoint)) == {"delivered"}


def test_a_success_in_between_keeps_it_enabled(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    for day in range(12):
        receiver.status = 204 if day % 4 == 3 else 500
        hooks.happen()
        hooks.send()
        hooks.world.clock.advance(days=1)
    assert hooks.find(endpoint).disabled is None


def test_a_receiver_that_has_gone_is_disabled_at_once(hooks: Hooks, receiver: Receiver) -> None:
    receiver.status = 410
    endpoint = hooks.hook(receiver)
    hooks.happen(2)
    hooks.send()
    assert len(receiver.got) == 1
    assert hooks.find(endpoint).disabled == "gone"


def test_what_happens_while_it_is_disabled_is_sent_later(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.enable(hooks.hook(receiver), enabled=False)
    assert endpoint.disabled == "merchant"
    indices = hooks.happen(3)
    hooks.send()
    assert receiver.got == []
    hooks.world.clock.advance(days=30)
    hooks.enable(endpoint)
    hooks.send()
    assert receiver.indices == list(indices)


# ---- sent again


@pytest.mark.parametrize(
    "identifier", ["", "msg_", "msg_0_1", "x", "msg_{}_99", "msg_{}_01", "msg_{}_+1"]
)
def test_replaying_what_there_is_not(hooks: Hooks, receiver: Receiver, identifier: str) -> None:
    endpoint = hooks.hook(receiver)
    (index,) = hooks.happen()
    hooks.send()
    (known,) = hooks.deliveries(endpoint)
    assert known.id.endswith(f"_{index}")
    with pytest.raises(Refused) as refused:
        hooks.webhooks.deliveries.replay(
            hooks.world.merchant, endpoint, identifier.format(known.id.split("_")[1])
        )
    assert refused.value.code == "unknown-delivery"


# ---- keys


def signatures(receiver: Receiver) -> int:
    return len(receiver.got[-1].headers["webhook-signature"].split(" "))


def test_keys_are_replaced_without_a_gap(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    merchant, endpoints = hooks.world.merchant, hooks.webhooks.endpoints
    rotated = endpoints.rotate(merchant, endpoint.id)
    assert rotated["public_keys"][0] == endpoint.public_keys[0]
    assert len(rotated["public_keys"]) == 2
    hooks.happen()
    hooks.send()
    assert signatures(receiver) == 4
    hooks.world.clock.advance(days=1)
    hooks.happen()
    hooks.send()
    assert signatures(receiver) == 2
    assert [keys.secret for keys in endpoints.keys(endpoint)] == [rotated["secret"]]


def test_no_secret_is_in_the_database(hooks: Hooks, receiver: Receiver) -> None:
    merchant, endpoints = hooks.world.merchant, hooks.webhooks.endpoints
    created = endpoints.create(merchant, receiver.url, None, "")
    endpoint = endpoints.find(merchant, created["id"])
    (keys,) = endpoints.keys(endpoint)
    assert keys.secret == created["secret"]
    with hooks.world.store.read() as connection:
        rows = [
            tuple(row)
            for table in (webhook_endpoints, webhook_keys, webhook_deliveries)
            for row in connection.execute(select(table))
        ]
    stored = repr(rows).encode()
    if hooks.database.startswith("sqlite"):
        stored += b"".join(path.read_bytes() for path in files_of(hooks.database) if path.is_file())
    assert endpoint.public_keys[0].encode() in stored
    for private in (keys.secret, keys.private_key):
        assert private.partition("_")[2].encode() not in stored


# ---- endpoints


def test_a_merchant_has_so_many_and_each_address_once(hooks: Hooks, receiver: Receiver) -> None:
    first = hooks.hook(receiver)
    with pytest.raises(Refused) as refused:
        hooks.hook(receiver)
    assert refused.value.code == "duplicate-webhook"
    for number in range(15):
        hooks.hook(f"{receiver.url}/{number}")
    with pytest.raises(Refused) as refused:
        hooks.hook(f"{receiver.url}/more")
    assert refused.value.code == "too-many"
    assert hooks.enable(first) == first


def test_another_merchants_webhook_is_none_of_ones_own(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)
    other = Merchant("other", "Other", "ledger.example/other")
    endpoints = hooks.webhooks.endpoints
    assert endpoints.of(other) == []
    for ask in (endpoints.find, endpoints.rotate, endpoints.delete):
        with pytest.raises(Refused) as refused:
            ask(other, endpoint.id)
        assert refused.value.code == "unknown-webhook"
    assert hooks.find(endpoint) == endpoint


def test_a_webhook_that_is_deleted_while_it_is_sent_to(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.hook(receiver)

    def delete(_got: Received) -> int:
        hooks.webhooks.endpoints.delete(hooks.world.merchant, endpoint.id)
        receiver.status = 204
        return 500

    receiver.status = delete
    hooks.happen()
    hooks.send()
    hooks.send()
    assert len(receiver.got) == 1


def test_nothing_is_written_where_nobody_wants_webhooks(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "commit", None)
    hooks.webhooks.outbox.take((), 64)
    hooks.webhooks.outbox.note(())
    hooks.webhooks.outbox.forget()
    hooks.webhooks.outbox.lease.release()
    with hooks.world.store.read() as connection:
        assert connection.execute(select(webhook_lease)).all() == []
