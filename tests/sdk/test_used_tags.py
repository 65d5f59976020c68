"""A wallet that has lost what it knew finds its claims among all that were ever made."""

from collections.abc import Callable
from typing import Any

import pytest

from commitments.errors import VerificationError
from commitments.p256 import P256
from ledger.event_log import append_events
from ledger.events import events_origin
from ledger.monitor import Head
from sdk.logs import read_merchant
from sdk.mirror import mirror
from sdk.state import Merchant
from sdk.used_tags import EndedOwnership, Shown, UsedTags, used_tags
from tests.handover import hand_over, settle
from tests.sdk.forgeries import all_events, event_log
from tests.sdk.shop_server import BASE, ShopServer
from tests.world import ORIGIN, REFUND

Event = dict[str, Any]


def head_of(server: ShopServer) -> Head:
    with server.world.store.log(events_origin(ORIGIN)) as log:
        return Head.of(log.checkpoint())


def shown(server: ShopServer, head: Head | None = None, origin: str = ORIGIN) -> list[Shown]:
    entries = mirror(server.shop(), "events", head or head_of(server))
    return list(used_tags(origin, entries))


@pytest.fixture
def claimed(server: ShopServer) -> ShopServer:
    """With a warranty claim by one buyer, and a refund for another, among other events."""
    bought = server.world.buy(*[server.world.sale()] * 2)
    server.world.close()
    server.world.publish(REFUND)
    other = [
        {"type": "test.other", "time": "2026-11-21T12:00:00Z", "number": n} for n in range(300)
    ]
    server.world.store.write(lambda t: append_events(t, ORIGIN, other))
    server.world.claim(bought[0])
    refund = server.world.claim(bought[1], "refund-14d")
    server.world.verifier.retire(ORIGIN, refund.claim_id, bought[1].keys.secret)
    return server


def test_a_wallet_finds_the_tags_that_it_has_shown(server: ShopServer) -> None:
    wallet, other = server.wallet(), server.wallet()
    for owner, order in ((wallet, "1001"), (other, "1002")):
        server.sell(owner, order)
    server.world.close()
    for owner in (wallet, other):
        owner.claim(server.shop(), "warranty-2y", remedy="repair")
    (claim,) = wallet.claims
    found = [used for used in shown(server) if isinstance(used, UsedTags)]
    (own,) = [used for used in found if used.serial_tag in claim.tags]
    assert len(found) == 2
    assert (own.serial_tag, own.secret_tag) == claim.tags
    assert (own.claim_id, own.body) == (claim.claim_id, claim.body)


def test_all_approvals_and_ended_ownerships_are_shown(claimed: ShopServer) -> None:
    decided = claimed.world.events("claim.decided")
    ((position, retired),) = claimed.world.events("ownership.retired")
    first, second, ended = shown(claimed)
    for used, (place, event) in zip((first, second), decided, strict=True):
        assert isinstance(used, UsedTags)
        assert used.position == place > 256
        assert used.body.document() == event["claim"]
        assert [used.serial_tag.hex(), used.secret_tag.hex()] == event["tags"]
        assert (used.claim_id, used.event) == (event["claim_id"], event)
    secret = bytes.fromhex(retired["secret"])
    assert ended == EndedOwnership(position, retired["claim_id"], secret, retired)


def test_ownerships_that_end_by_a_transfer_are_shown_too(claimed: ShopServer) -> None:
    world = claimed.world
    (seller,) = world.buy(world.sale())
    settle(world)
    handover = hand_over(world, seller)
    done = handover.retire(handover.approve())
    *_, ended = shown(claimed)
    assert isinstance(ended, EndedOwnership)
    assert ended.identifier == done.transfer_id
    assert ended.secret == P256.encode_scalar(seller.keys.secret)


def test_what_is_printed_of_them_names_no_tag(claimed: ShopServer) -> None:
    for used in shown(claimed):
        tags = (getattr(used, name, None) for name in ("serial_tag", "secret_tag", "tag", "secret"))
        hidden = [tag for tag in tags if tag is not None]
        assert hidden
        assert not any(repr(tag)[2:12] in repr(used) for tag in hidden)


def test_from_a_wiped_device(claimed: ShopServer) -> None:
    """With the address alone: keys, then the logs, then all that was ever claimed."""
    shop = claimed.shop()
    keys = shop.keys()
    fresh = Merchant(keys.origin, BASE, (keys.purchases.vkey,), (keys.events.vkey,))
    _, known = read_merchant(shop, fresh, claimed.world.clock())
    assert known.events is not None
    assert len(shown(claimed, known.events)) == 3


def _change(**members: Any) -> Callable[[Event], Event]:
    return lambda event: {**event, **members}


FALSE: dict[str, tuple[str, Callable[[Event], Event]]] = {
    "one tag": ("claim.decided", lambda event: {**event, "tags": event["tags"][:1]}),
    "three tags": ("claim.decided", lambda event: {**event, "tags": event["tags"][:1] * 3}),
    "a tag that is too short": ("claim.decided", _change(tags=["02", "03"])),
    "no tags": ("claim.decided", _change(tags=None)),
    "another claim's name": ("claim.decided", _change(claim_id="0" * 64)),
    "declined": ("claim.decided", _change(decision="declined")),
    "no claim": ("claim.decided", _change(claim={})),
    "a deadline that is none": ("claim.decided", _change(retire_by=7)),
    "one member more": ("claim.decided", _change(more=1)),
    "a secret that is too short": ("ownership.retired", _change(secret="00" * 31)),
    "a secret of no claim": ("ownership.retired", _change(claim_id="")),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_merchant_logs_an_event_that_is_none(claimed: ShopServer, name: str) -> None:
    kind, change = FALSE[name]
    events = [
        change(event) if event["type"] == kind else event for event in all_events(claimed.world)
    ]
    log = event_log(claimed, events)
    claimed.instead["/logs/acme/events/"] = log
    with pytest.raises(VerificationError, match="event log: entry 30"):
        shown(claimed, Head.of(log.note))
    true = event_log(claimed, all_events(claimed.world))
    claimed.instead["/logs/acme/events/"] = true
    assert len(shown(claimed, Head.of(true.note))) == 3


def test_a_merchant_logs_a_transfer_without_a_deadline(server: ShopServer) -> None:
    (bought,) = server.world.buy(server.world.sale())
    settle(server.world)
    hand_over(server.world, bought).approve()
    assert len(shown(server)) == 1
    events = all_events(server.world)
    events[-1]["retire_by"] = None
    log = event_log(server, events)
    server.instead["/logs/acme/events/"] = log
    with pytest.raises(VerificationError, match="not a time"):
        shown(server, Head.of(log.note))


def test_a_merchant_logs_an_approval_of_another(claimed: ShopServer) -> None:
    with pytest.raises(VerificationError, match="not a decision of this merchant's"):
        shown(claimed, origin="ledger.example/other")


def test_server_omits_an_approval(claimed: ShopServer) -> None:
    """Everything else is true, and leads to another root."""
    events = [event for event in all_events(claimed.world) if event["type"] != "claim.decided"]
    claimed.instead["/logs/acme/events/"] = event_log(claimed, [*events, events[1], events[1]])
    with pytest.raises(VerificationError, match="do not lead to its checkpoint"):
        shown(claimed)


def test_a_merchant_logs_a_step_that_is_none(claimed: ShopServer) -> None:
    events = all_events(claimed.world)
    step = {
        "type": "claim.step",
        "time": "2026-11-21T12:00:00Z",
        "claim_id": "ab" * 32,
        "number": 0,
        "by": "merchant",
        "step": "start",
        "attachments": [],
    }
    for changes, is_one in (({}, True), ({"claim_id": 7}, False), ({"attachments": None}, False)):
        log = event_log(claimed, [*events, {**step, **changes}])
        if is_one:
            assert len(list(used_tags(ORIGIN, log.entries))) == 4
        else:
            with pytest.raises(VerificationError):
                list(used_tags(ORIGIN, log.entries))
