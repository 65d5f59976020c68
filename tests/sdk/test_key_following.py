"""A wallet whose merchant changes the keys of its logs, and one who pretends that it does."""

from typing import Any

import pytest

from commitments.errors import KvittoError, VerificationError
from issuer.key_rotation import retire_keys, rotate_keys
from ledger.event_log import append_event
from ledger.events import events_origin
from ledger.farewells import stored_key_history
from ledger.key_history import rotation_event
from ledger.note import Signer
from sdk import Purchase, Shop, Wallet
from sdk.state import Merchant
from tests.sdk.forgeries import all_events, show
from tests.sdk.shop_server import BASE, ShopServer
from tests.world import ORIGIN, World

TIME = "2026-11-21T12:00:00Z"


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    return wallet


def rotate(world: World) -> None:
    rotate_keys(world.store, world.clock, world.merchant)


def retire(world: World) -> None:
    retire_keys(world.store, world.clock, world.merchant)


def look(server: ShopServer, wallet: Wallet) -> int:
    return wallet.preview(server.shop(), "warranty-2y", remedy="repair").ring_size


def known(wallet: Wallet) -> Merchant:
    return wallet._state.merchants[ORIGIN]


def refused(server: ShopServer, wallet: Wallet, match: str) -> None:
    state = wallet._state
    with pytest.raises(VerificationError, match=match):
        look(server, wallet)
    assert wallet._state == state
    server.lies.clear()
    assert look(server, wallet) == 9


def test_a_wallet_keeps_up(server: ShopServer, wallet: Wallet) -> None:
    assert look(server, wallet) == 9
    for turn in range(1, 4):
        rotate(server.world)
        retire(server.world)
        assert look(server, wallet) == 9
        assert known(wallet).key_changes == 4 * turn
    assert known(wallet).events_keys == server.world.store.write(
        lambda t: tuple(s.verifier for s in t.signers(events_origin(ORIGIN)))
    )


def test_a_wallet_that_was_away_for_long(server: ShopServer, wallet: Wallet) -> None:
    for _ in range(3):
        rotate(server.world)
        retire(server.world)
    claimed = wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    assert claimed.decision == "approved"
    assert len(known(wallet).events_vkeys) == 1


def test_first_contact_after_a_rotation(server: ShopServer) -> None:
    rotate(server.world)
    retire(server.world)
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    assert look(server, wallet) == 9


def test_receipts_and_decisions_under_a_new_key(server: ShopServer, wallet: Wallet) -> None:
    rotate(server.world)
    retire(server.world)
    purchase = server.sell(wallet, "1002")  # accepted before the wallet has read anything else
    assert isinstance(purchase, Purchase)
    shop = server.shop()
    server.lost.add("/claims")
    with pytest.raises(KvittoError):
        wallet.claim(shop, "warranty-2y", remedy="repair", purchase=wallet.purchases[0])
    server.lost.clear()
    rotate(server.world)
    retire(server.world)
    answered = wallet.claim(shop, "warranty-2y", remedy="repair", purchase=wallet.purchases[0])
    assert answered.decision == "approved"


def test_an_answer_to_an_old_claim_comes_under_a_new_key(
    server: ShopServer, wallet: Wallet
) -> None:
    server.lost.add("/claims")
    with pytest.raises(KvittoError):
        wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    server.lost.clear()
    rotate(server.world)
    retire(server.world)
    assert wallet.claim(server.shop(), "warranty-2y", remedy="repair").decision == "approved"


def test_the_merchant_moves_and_has_new_keys(server: ShopServer, wallet: Wallet) -> None:
    rotate(server.world)
    retire(server.world)
    moved = Shop(f"{BASE}:8443", "acme", transport=server.shop()._connection._client._transport)
    assert wallet.preview(moved, "warranty-2y", remedy="repair").ring_size == 9
    assert known(wallet).address.startswith(f"{BASE}:8443")


def test_what_is_fetched_does_not_tell_which_keys_were_known(
    server: ShopServer, wallet: Wallet
) -> None:
    other = server.wallet()
    server.sell(other, "1002")
    server.world.close()
    look(server, other)
    rotate(server.world)
    retire(server.world)
    asked = []
    for each in (wallet, other):
        server.requests.clear()
        each.preview(server.shop(), "warranty-2y", remedy="repair")
        asked.append([str(r.url) for r in server.requests if "ring" not in r.url.path])
    assert asked[0] == asked[1]


# ---- attacks


def test_a_stolen_retired_key_signs_another_log(server: ShopServer, wallet: Wallet) -> None:
    """The thief has the old keys, and the way to this wallet."""
    thief = server.world.signers(events_origin(ORIGIN))[0]
    rotate(server.world)
    retire(server.world)
    look(server, wallet)
    events = all_events(server.world)[:-2]  # as if they had never been retired
    server.thief = thief
    server.lies["/events"] = lambda _: show(server, events)
    server.lies["/keys.json"] = lambda _: {"history": [show(server, events, key_events(events))]}
    refused(server, wallet, "none that is trusted")


def test_a_key_signs_that_it_is_retired(server: ShopServer, wallet: Wallet) -> None:
    """Whoever has stolen it shows the wallet a copy of the log that stands still."""
    server.thief = server.world.signers(events_origin(ORIGIN))[0]
    rotate(server.world)
    before = server.keys()
    retire(server.world)
    server.lies["/keys.json"] = lambda _: before
    server.lies["/events"] = lambda _: show(server, all_events(server.world))
    refused(server, wallet, "no known key")


def key_events(events: list[dict[str, Any]]) -> list[int]:
    return [
        index
        for index, event in enumerate(events)
        if event["type"] in ("log.declared", "log.key_rotated", "log.key_retired")
    ]


def test_old_keys_are_replayed(server: ShopServer, wallet: Wallet) -> None:
    old = server.keys()
    rotate(server.world)
    retire(server.world)
    look(server, wallet)
    server.lies["/keys.json"] = lambda _: old
    refused(server, wallet, "none that is trusted")


def test_a_change_that_was_seen_is_hidden(server: ShopServer, wallet: Wallet) -> None:
    rotate(server.world)
    old = server.keys()
    retire(server.world)
    look(server, wallet)
    server.lies["/keys.json"] = lambda _: old  # signed by the new key, too
    refused(server, wallet, "a change that was seen before is hidden")


def test_key_events_are_hidden_among_the_events(server: ShopServer, wallet: Wallet) -> None:
    rotate(server.world)
    retire(server.world)
    events = all_events(server.world)
    others = [i for i in range(len(events)) if i not in key_events(events)[1:]]
    server.lies["/events"] = lambda _: show(server, events, others)
    refused(server, wallet, "a change that was seen before is hidden")


def test_another_successor_is_shown(server: ShopServer, wallet: Wallet) -> None:
    """The merchant names one successor to this wallet and another to everybody else."""
    old = server.world.signers(events_origin(ORIGIN))[0]
    with server.world.store.read() as connection:
        before = stored_key_history(connection, ORIGIN)
    events = all_events(server.world)
    mine = Signer(events_origin(ORIGIN), b"t" * 32)
    forked = [*events, rotation_event(before, old, mine.verifier, TIME)]
    rotate_keys(server.world.store, server.world.clock, server.world.merchant, ["events"])
    look(server, wallet)
    server.thief = old
    server.lies["/keys.json"] = lambda _: {"history": [show(server, forked, key_events(forked))]}
    refused(server, wallet, "another history was seen before")


@pytest.mark.leaves_damage  # fsck sees the same as the wallet
def test_two_successors_in_one_log(server: ShopServer, wallet: Wallet) -> None:
    with server.world.store.read() as connection:
        before = stored_key_history(connection, ORIGIN)
    old = server.world.signers(events_origin(ORIGIN))[0]
    rotate_keys(server.world.store, server.world.clock, server.world.merchant, ["events"])
    look(server, wallet)
    second = Signer(events_origin(ORIGIN), b"t" * 32).verifier
    numbered = {**rotation_event(before, old, second, TIME), "number": before.changes + 1}
    server.world.store.write(lambda t: append_event(t, ORIGIN, numbered))
    with pytest.raises(VerificationError, match="two successors"):
        look(server, wallet)


def test_the_keys_of_another_merchant(server: ShopServer, wallet: Wallet) -> None:
    stranger = Signer(events_origin(ORIGIN), b"t" * 32)
    server.thief = stranger
    events = all_events(server.world)
    server.lies["/keys.json"] = lambda _: {"history": [show(server, events, [0])]}
    refused(server, wallet, "none that is trusted")


@pytest.mark.parametrize("junk", [{}, {"history": 1}, {"history": []}, {"history": [{}]}, []])
def test_junk_instead_of_keys(server: ShopServer, wallet: Wallet, junk: Any) -> None:
    server.lies["/keys.json"] = lambda _: junk
    with pytest.raises(KvittoError):
        look(server, wallet)
    server.lies.clear()
    assert look(server, wallet) == 9
