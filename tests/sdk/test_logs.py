"""The wallet against merchants who hold the keys of their logs and lie with them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from commitments.errors import FormatError, KvittoError, VerificationError
from ledger.checkpoint import Checkpoint, sign
from ledger.closes import Close
from ledger.event_log import append_event
from ledger.events import event_time, events_origin
from ledger.note import Signer
from sdk import NotEligible, Shop, Wallet, WalletError
from sdk.logs import _dated, read_merchant
from tests.sdk.forgeries import PrivateLog, all_entries, all_events, event_log, show
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, WARRANTY, World


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    """A wallet with one closed purchase."""
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    return wallet


def look(server: ShopServer, wallet: Wallet) -> int:
    """The ring's size, if everything that the merchant shows holds."""
    return wallet.preview(server.shop(), "warranty-2y", remedy="repair").ring_size


def refused(server: ShopServer, wallet: Wallet, match: str) -> None:
    state = wallet._state
    with pytest.raises(VerificationError, match=match):
        look(server, wallet)
    assert wallet._state == state  # what does not hold is not remembered
    server.lies.clear()
    server.instead.clear()
    assert look(server, wallet) == 9


def test_an_honest_merchant(server: ShopServer, wallet: Wallet) -> None:
    assert look(server, wallet) == 9
    server.sell(wallet, "1002", price=1)
    assert look(server, wallet) == 9
    server.world.close()
    assert look(server, wallet) == 10


def test_server_forks_the_purchase_log(server: ShopServer, wallet: Wallet) -> None:
    """Another log of the same size, with the merchant's signature."""
    entries = [b"\x01" + b"\x02" * 33, *all_entries(server.world)[1:]]
    server.instead["/logs/acme/purchases/"] = PrivateLog(server, ORIGIN, entries)
    refused(server, wallet, "has forked")  # the receipt has shown the true one


def test_server_forks_the_purchase_log_above_the_last_close(
    server: ShopServer, wallet: Wallet
) -> None:
    look(server, wallet)
    server.sell(wallet, "1002", price=1)
    entries = [*all_entries(server.world)[:-1], b"\x01" + b"\x02" * 33]
    server.instead["/logs/acme/purchases/"] = PrivateLog(server, ORIGIN, entries)
    refused(server, wallet, "has forked")


def test_server_forks_a_longer_purchase_log(server: ShopServer, wallet: Wallet) -> None:
    look(server, wallet)
    entries = [b"\x01" + b"\x02" * 33, *all_entries(server.world)[1:], b"\x01" + b"\x03" * 33]
    server.instead["/logs/acme/purchases/"] = PrivateLog(server, ORIGIN, entries)
    refused(server, wallet, "contradicts a close")


def test_server_shrinks_the_purchase_log(server: ShopServer, wallet: Wallet) -> None:
    server.sell(wallet, "1002", price=1)
    look(server, wallet)
    entries = all_entries(server.world)[:-1]
    server.instead["/logs/acme/purchases/"] = PrivateLog(server, ORIGIN, entries)
    refused(server, wallet, "shrunk")


def test_server_shrinks_the_event_log(server: ShopServer, wallet: Wallet) -> None:
    """A claim disappears; the closes and policies stay where they were."""
    wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    server.world.publish(WARRANTY, claims_per_purchase=2, version=2)
    look(server, wallet)
    events = all_events(server.world)
    server.lies["/events"] = lambda _: show(
        server, [event for event in events if event["type"] != "claim.decided"]
    )
    refused(server, wallet, "shrunk")


def append_event_of(world: World, event: dict[str, Any]) -> None:
    world.store.write(lambda transaction: append_event(transaction, ORIGIN, event))


def change_time(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "time": "2026-11-21T12:00:01Z"}


def change_policy(event: dict[str, Any]) -> dict[str, Any]:
    if "policy" not in event:
        return event
    return {**event, "policy": {**event["policy"], "smallest_ring": 1}}


@pytest.mark.parametrize("change", [change_time, change_policy])
def test_server_forks_the_event_log(
    server: ShopServer, wallet: Wallet, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    look(server, wallet)
    forked = list(map(change, all_events(server.world)))
    server.lies["/events"] = lambda _: show(server, forked)
    refused(server, wallet, "has forked")
    longer = [*forked, {"type": "note", "time": "2026-11-21T12:00:01Z"}]
    server.lies["/events"] = lambda _: show(server, longer)
    refused(server, wallet, "hidden or another")


def test_server_hides_a_close(server: ShopServer, wallet: Wallet) -> None:
    server.sell(server.wallet(), "1002")
    server.world.close()
    events = all_events(server.world)
    first_close = next(i for i, event in enumerate(events) if event["type"] == "log.closed")
    others = [index for index in range(len(events)) if index != first_close]
    server.lies["/events"] = lambda _: show(server, events, others)
    with pytest.raises(VerificationError, match="a close is hidden"):
        look(server, wallet)
    server.lies.clear()
    assert look(server, wallet) == 10


def test_server_hides_the_last_close(server: ShopServer, wallet: Wallet) -> None:
    """Nobody can see what was never shown; but what was shown once cannot be taken back."""
    look(server, wallet)
    events = all_events(server.world)
    server.lies["/events"] = lambda _: show(server, events, range(len(events) - 1))
    refused(server, wallet, "hidden or another")


def test_server_shows_an_event_that_is_not_in_the_log(server: ShopServer, wallet: Wallet) -> None:
    def lie(honest: Any) -> Any:
        honest["events"][-1]["event"]["size"] += 1
        return honest

    server.lies["/events"] = lie
    refused(server, wallet, "multiproof")


def test_server_shows_events_in_another_order(server: ShopServer, wallet: Wallet) -> None:
    def lie(honest: Any) -> Any:
        return {**honest, "events": honest["events"][::-1]}

    server.lies["/events"] = lie
    with pytest.raises(FormatError, match="not in order"):
        look(server, wallet)
    server.lies.clear()
    assert look(server, wallet) == 9


@pytest.mark.parametrize("log", ["/logs/acme/purchases/", "/events"])
def test_a_changed_key_is_refused(
    server: ShopServer, wallet: Wallet, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    """The wallet has pinned the keys; the service signs with new ones from today on."""
    with monkeypatch.context() as patch:
        patch.setattr(server, "signer", lambda origin: Signer(origin, b"n" * 32))
        purchases = PrivateLog(server, ORIGIN, all_entries(server.world))
        events = show(server, all_events(server.world))
    server.instead[log] = lambda request: events if log == "/events" else purchases(request)
    refused(server, wallet, "no known key")


def test_the_same_origin_elsewhere_has_the_same_keys(server: ShopServer, wallet: Wallet) -> None:
    moved = Shop("https://moved.example", "acme", transport=httpx.MockTransport(server))
    assert wallet.preview(moved, "warranty-2y", remedy="repair").ring_size == 9
    vkey = Signer(ORIGIN, b"n" * 32).verifier.vkey
    server.lies["/v1/merchants/acme"] = lambda honest: (
        {**honest, "purchases_vkey": vkey} if "purchases_vkey" in honest else honest
    )
    impostor = Shop("https://impostor.example", "acme", transport=httpx.MockTransport(server))
    with pytest.raises(VerificationError, match="other keys"):
        wallet.preview(impostor, "warranty-2y", remedy="repair")


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "ledger.example/other"},
        {"origin": "ledger.example/not/of this"},
        {"purchases_vkey": Signer("ledger.example/other", b"n" * 32).verifier.vkey},
        {"events_vkey": Signer(ORIGIN, b"n" * 32).verifier.vkey},
        {"events_vkey": None},
    ],
)
def test_keys_that_are_not_those_of_the_merchants_logs(
    server: ShopServer, changes: dict[str, Any]
) -> None:
    server.lies["/v1/merchants/acme"] = lambda honest: {**honest, **changes}
    wallet = server.wallet()
    with pytest.raises(FormatError):
        wallet.request(server.shop(), "1001")
    server.lies.clear()
    assert wallet.request(server.shop(), "1001") == wallet.pending[0].request


def test_log_declares_other_keys_than_the_service_named(server: ShopServer, wallet: Wallet) -> None:
    events = all_events(server.world)
    events[0] = {**events[0], "purchases_vkey": Signer(ORIGIN, b"n" * 32).verifier.vkey}
    server.lies["/events"] = lambda _: show(server, events)
    refused(server, wallet, "another history")


def test_log_of_an_unknown_ciphersuite(server: ShopServer, wallet: Wallet) -> None:
    events = all_events(server.world)
    events[0] = {**events[0], "suite": "Shake128_BLS12381"}
    server.lies["/events"] = lambda _: show(server, events)
    refused(server, wallet, "ciphersuite")


def test_server_hides_the_declaration(server: ShopServer, wallet: Wallet) -> None:
    events = all_events(server.world)
    server.lies["/events"] = lambda _: show(server, events, range(1, len(events)))
    refused(server, wallet, "declaration is not shown")


def test_server_serves_false_tiles(server: ShopServer, wallet: Wallet) -> None:
    """They must not make a true close look false, and so be passed over."""

    def flip(tile: Any) -> bytes:
        flipped: bytes = bytes([tile[0] ^ 1]) + tile[1:]
        return flipped

    server.sell(server.wallet(), "1002")
    server.lies["/tile/"] = flip
    refused(server, wallet, "another root")


def test_server_serves_a_tile_of_another_length(server: ShopServer, wallet: Wallet) -> None:
    server.lies["/tile/"] = lambda tile: tile + tile[:32]
    refused(server, wallet, "not the length of its width")


def test_a_close_with_a_false_root_has_no_effect(server: ShopServer, wallet: Wallet) -> None:
    look(server, wallet)
    false = Close(1, 1, 9, b"\x00" * 32, ())
    append_event_of(server.world, false.to_event(ORIGIN, event_time(server.world.clock())))
    assert view_of(server, wallet) == [(0, 9)]
    with server.world.store.log(ORIGIN) as log:
        true = Close(1, 1, 9, log.root(9), ())
    append_event_of(server.world, true.to_event(ORIGIN, event_time(server.world.clock())))
    assert view_of(server, wallet) == [(0, 9), (1, 9)]


def test_a_close_of_more_than_the_log_has_no_effect(server: ShopServer, wallet: Wallet) -> None:
    larger = Close(1, 1, 1000, b"\x00" * 32, ())
    append_event_of(server.world, larger.to_event(ORIGIN, event_time(server.world.clock())))
    assert view_of(server, wallet) == [(0, 9)]


def view_of(server: ShopServer, wallet: Wallet) -> list[tuple[int, int]]:
    view, _ = read_merchant(server.shop(), wallet._state.merchants[ORIGIN], server.world.clock())
    return [(dated.close.number, dated.close.size) for dated in view.closes]


def test_a_daily_close_ends_with_its_day() -> None:
    close = Close(0, 20_000, 9, b"\x00" * 32, ())
    event = close.to_event(ORIGIN, "2024-10-05T03:00:00Z")
    assert _dated(close, event, "P1D").ended == datetime(2024, 10, 5, tzinfo=UTC)
    assert _dated(close, event, "manual").ended == datetime(2024, 10, 5, 3, tzinfo=UTC)


def test_server_closes_a_day_before_it_has_come() -> None:
    """The days that follow would have no close, and the old one would look new."""
    event = Close(0, 0, 9, b"\x00" * 32, ()).to_event(ORIGIN, "2024-10-05T03:00:00Z")
    today = Close(0, 20_001, 9, b"\x00" * 32, ())
    assert _dated(today, event, "P1D").ended == datetime(2024, 10, 6, tzinfo=UTC)
    for period in (20_002, 10**9, 10**30):
        with pytest.raises(VerificationError, match="before its day"):
            _dated(replace(today, period=period), event, "P1D")


def test_server_dates_a_close_in_the_future(server: ShopServer, wallet: Wallet) -> None:
    """To hide the closes of the coming year behind it."""
    wallet._clock = lambda: server.world.clock() - timedelta(days=1)
    assert look(server, wallet) == 9
    wallet._clock = lambda: server.world.clock() - timedelta(days=1, seconds=1)
    with pytest.raises(VerificationError, match="in the future"):
        look(server, wallet)


def test_only_the_first_policy_of_a_version_counts(server: ShopServer, wallet: Wallet) -> None:
    time = event_time(server.world.clock())
    policies = [
        {**WARRANTY, "smallest_ring": 4096},
        {**WARRANTY, "id": "other", "origin": "ledger.example/other"},
        "none",
    ]
    for number, policy in enumerate(policies, start=1):
        event = {"type": "policy.published", "time": time, "number": number, "policy": policy}
        append_event_of(server.world, event)
    assert look(server, wallet) == 9
    with pytest.raises(NotEligible, match="no policy other"):
        wallet.preview(server.shop(), "other", remedy="repair")


def _instead(evidence: Any, _: Any) -> Any:
    return evidence


def test_server_shows_each_wallet_its_own_newest_policy(server: ShopServer, wallet: Wallet) -> None:
    """A claim names its policy version, and so would name the wallet."""
    for version in (2, 3, 4):
        server.world.publish(WARRANTY, version=version)
    events = all_events(server.world)
    published = [i for i, event in enumerate(events) if event["type"] == "policy.published"]
    for hidden in published[:-1]:
        others = [index for index in range(len(events)) if index != hidden]
        server.lies["/events"] = partial(_instead, show(server, events, others))
        with pytest.raises(VerificationError, match="a policy is hidden"):
            look(server, wallet)
    server.lies.clear()
    assert look(server, wallet) == 9


@pytest.mark.parametrize("number", [0, 3, True, "1", None])
@pytest.mark.parametrize("behind", [1, 2])
def test_server_numbers_a_policy_otherwise(
    server: ShopServer, wallet: Wallet, number: object, behind: int
) -> None:
    """That of a version, or of the end of the version before it."""
    server.world.publish(WARRANTY, version=2)
    events = all_events(server.world)
    events[-behind] = {**events[-behind], "number": number}
    server.lies["/events"] = lambda _: show(server, events)
    with pytest.raises(VerificationError, match="a policy is hidden"):
        look(server, wallet)
    server.lies.clear()
    assert look(server, wallet) == 9


def test_server_does_not_number_a_policy(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, version=2)
    events = all_events(server.world)
    del events[-1]["number"]
    server.lies["/events"] = lambda _: show(server, events)
    with pytest.raises(FormatError, match="not the fields"):
        look(server, wallet)
    server.lies.clear()
    assert look(server, wallet) == 9


def test_only_valid_versions_of_a_policy_count(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, id="swap", remedies=["replacement"])
    server.world.publish(WARRANTY, id="swap", version=2, valid_from="2027-01-01")
    with pytest.raises(NotEligible, match="offers replacement, not repair"):
        wallet.preview(server.shop(), "swap", remedy="repair")
    shown = wallet.preview(server.shop(), "swap", remedy="replacement")
    assert shown.policy == "swap"
    server.world.publish(WARRANTY, id="old", valid_to="2026-11-20")
    with pytest.raises(NotEligible, match="valid from 2024-01-01 to 2026-11-20 only"):
        wallet.preview(server.shop(), "old", remedy="repair")


def test_what_is_fetched_does_not_tell_when_the_wallet_was_last_here(server: ShopServer) -> None:
    """A tile around an earlier checkpoint would name the week of the purchase."""
    early, late = server.wallet(), server.wallet()
    server.sell(early, "1001")
    server.world.close()
    look(server, early)
    server.world.buy(*(server.world.sale() for _ in range(300)))
    server.world.close()
    server.sell(late, "1002")
    server.world.close()
    asked = []
    for wallet in (early, late):
        server.requests.clear()
        look(server, wallet)
        asked.append(sorted(path for path in server.paths() if not path.endswith("/ring")))
    assert asked[0] == asked[1]
    assert any("/tile/0/001" in path for path in asked[0])


def test_server_shows_a_log_that_is_too_large_to_read(server: ShopServer, wallet: Wallet) -> None:
    """One signed number costs a merchant nothing, and would keep a wallet busy for ever."""
    signer = server.signer(ORIGIN)

    def of_size(size: int) -> bytes:
        return sign(Checkpoint(ORIGIN, size, b"\x01" * 32), signer)

    server.lies["/purchases/checkpoint"] = lambda _: of_size(2**24 + 1)
    with pytest.raises(WalletError, match="too large"):
        look(server, wallet)
    server.lies["/purchases/checkpoint"] = lambda _: of_size(2**24)
    with pytest.raises(KvittoError) as caught:  # the tiles of such a log are not there
        look(server, wallet)
    assert "too large" not in str(caught.value)
    server.lies.clear()
    assert look(server, wallet) == 9


def test_the_private_log_is_a_log(server: ShopServer, wallet: Wallet) -> None:
    """The forger's tools make what passes when there is nothing to object to."""
    server.instead["/logs/acme/purchases/"] = PrivateLog(server, ORIGIN, all_entries(server.world))
    server.lies["/events"] = lambda _: show(server, all_events(server.world))
    assert look(server, wallet) == 9
    with server.world.store.log(events_origin(ORIGIN)) as log:
        assert event_log(server, all_events(server.world)).note == log.checkpoint()
