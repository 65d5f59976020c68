"""Two devices with the same words, whose files meet."""

from dataclasses import replace

import pytest

from commitments.errors import KvittoError
from ledger.fork import ForkedLog
from ledger.monitor import Head
from ledger.note import Signer
from sdk import NotEligible, ShopError, Wallet, WalletError
from tests.handover import settle
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN


def another(server: ShopServer, wallet: Wallet) -> Wallet:
    return server.wallet(words=wallet.words())


def copy(server: ShopServer, wallet: Wallet) -> Wallet:
    """The same file in another place."""
    copied = server.wallet()
    copied._state = wallet._state
    return copied


@pytest.fixture
def devices(server: ShopServer) -> tuple[Wallet, Wallet]:
    """Each with a purchase of its own, which one of them has claimed with."""
    mine = server.wallet()
    other = another(server, mine)
    server.sell(mine, "1001")
    server.sell(other, "2001")
    server.sell(server.wallet(), "3001")
    server.world.close()
    other.claim(server.shop(), "warranty-2y", remedy="repair")
    return mine, other


def test_each_knows_afterwards_what_both_knew(
    server: ShopServer, devices: tuple[Wallet, Wallet]
) -> None:
    mine, other = devices
    mine.merge(other)
    assert {purchase.order for purchase in mine.purchases} == {"1001", "2001"}
    assert mine.claims == other.claims
    with pytest.raises(NotEligible, match="no further claim"):
        mine.claim(server.shop(), "warranty-2y", remedy="repair", purchase=other.purchases[0])
    first = mine.purchases[0]
    claimed = mine.claim(server.shop(), "warranty-2y", remedy="repair", purchase=first)
    assert claimed.decision == "approved"
    other.merge(mine)
    assert {claim.claim_id for claim in other.claims} == {claim.claim_id for claim in mine.claims}


def test_merging_again_changes_nothing(devices: tuple[Wallet, Wallet]) -> None:
    mine, other = devices
    mine.merge(other)
    state = mine._state
    mine.merge(other)
    mine.merge(mine)
    assert mine._state == state


def test_an_answer_that_one_has_heard_both_have(server: ShopServer) -> None:
    mine = server.wallet()
    server.sell(mine, "1001")
    server.sell(server.wallet(), "1002")
    server.world.close()
    server.lost.add("/claims")
    with pytest.raises(ShopError):
        mine.claim(server.shop(), "warranty-2y", remedy="repair")
    server.lost.clear()
    behind = copy(server, mine)
    mine.claim(server.shop(), "warranty-2y", remedy="repair")
    for first, second in ((behind, mine), (mine, behind)):
        first.merge(second)
        assert [claim.outcome for claim in first.claims] == ["approved"]


def test_a_copied_file_gives_no_key_again(server: ShopServer) -> None:
    mine = server.wallet()
    behind = copy(server, mine)
    given = [mine.request(server.shop(), order) for order in ("1", "2")]
    behind.merge(mine)
    given.append(behind.request(server.shop(), "3"))
    assert behind.pending[-1].place not in {each.place for each in mine.pending}
    assert len({request.commitment for request in given}) == 3


def test_a_receipt_that_came_to_one_is_waited_for_by_none(server: ShopServer) -> None:
    mine = server.wallet()
    mine.request(server.shop(), "1001")
    behind = copy(server, mine)
    server.sell(mine, "1001")
    behind.merge(mine)
    assert behind.pending == ()
    assert [purchase.order for purchase in behind.purchases] == ["1001"]


def refused(
    mine: Wallet, other: Wallet, message: str | None, kind: type[KvittoError] = WalletError
) -> None:
    before = mine._state
    with pytest.raises(kind, match=message):
        mine.merge(other)
    assert mine._state == before


def test_wallets_of_two_people_stay_apart(server: ShopServer) -> None:
    refused(server.wallet(), server.wallet(), "other words")


def test_requests_for_one_order_from_both(server: ShopServer) -> None:
    mine = server.wallet()
    other = another(server, mine)
    for wallet in (mine, other):
        wallet.request(server.shop(), "1001")
    refused(mine, other, "both wallets wait for order 1001")


def test_the_same_request_from_both(server: ShopServer) -> None:
    """Of a file that was copied: the same keys, with another proof."""
    mine = server.wallet()
    behind = copy(server, mine)
    given = [wallet.request(server.shop(), "1001") for wallet in (mine, behind)]
    assert given[0] != given[1]
    mine.merge(behind)
    assert server.sell(mine, "1001").order == "1001"


def test_receipts_that_contradict(devices: tuple[Wallet, Wallet]) -> None:
    mine, other = devices
    (false,) = (replace(p, order="1001") for p in other.purchases)
    other._state = other._state.with_purchase(false)
    refused(mine, other, "different receipts for order 1001")


def test_devices_that_were_shown_different_logs(
    server: ShopServer, devices: tuple[Wallet, Wallet]
) -> None:
    mine, other = devices
    mine.restore(server.shop())
    shown = mine._state.merchants[ORIGIN]
    assert shown.events is not None
    forged = Head(shown.events.size, b"f" * 32, shown.events.note)
    other._state = other._state.with_merchant(replace(shown, events=forged))
    refused(mine, other, None, ForkedLog)


def test_a_device_that_first_met_somebody_else(server: ShopServer) -> None:
    """It has pinned the keys of an impostor; a log's head of theirs would replace the true one."""
    mine = server.wallet()
    server.sell(mine, "1001")
    mine.look(server.shop())
    other = another(server, mine)
    known = mine._state.merchants[ORIGIN]
    false = Signer(ORIGIN, b"f" * 32).verifier.vkey
    for changes in (None, known.key_changes):
        pinned = replace(known, purchases_vkeys=(false,), key_changes=changes)
        other._state = other._state.with_merchant(pinned)
        refused(mine, other, "different keys")
        refused(other, mine, "different keys")


def test_a_device_that_was_shown_other_events(
    server: ShopServer, devices: tuple[Wallet, Wallet]
) -> None:
    mine, other = devices
    mine.look(server.shop())
    shown = mine._state.merchants[ORIGIN]
    other._state = other._state.with_merchant(replace(shown, shown_digest=b"f" * 32))
    refused(mine, other, "different events")


def test_of_what_each_has_seen_of_the_logs_the_later_counts(
    server: ShopServer, devices: tuple[Wallet, Wallet]
) -> None:
    mine, other = devices
    behind = mine._state.merchants[ORIGIN]
    mine.merge(other)
    seen = other._state.merchants[ORIGIN]
    merged = mine._state.merchants[ORIGIN]
    assert (merged.shown, merged.closes) == (seen.shown, seen.closes) > (behind.shown, 0)
    assert merged.events == seen.events
    assert server.sell(mine, "1002").order == "1002"


def test_both_have_accepted_one_offer(server: ShopServer) -> None:
    """With keys of their own: the old owner has sold to those of one of them."""
    seller, mine = server.wallet(), server.wallet()
    other = another(server, mine)
    server.sell(seller, "1001")
    server.sell(seller, "1002")
    settle(server.world)
    offer = seller.offer(seller.purchases[0])
    returned, unused = other.accept_offer(offer), mine.accept_offer(offer)
    assert returned != unused
    preview = seller.preview_transfer(server.shop(), returned)
    done = seller.complete_transfer(server.shop(), seller.send_transfer(server.shop(), preview))
    mine.merge(other)
    assert mine.accept_offer(offer) == unused
    bought = mine.receive(server.shop(), seller.handover(done))
    other.merge(mine)
    assert mine.purchases == other.purchases == (bought,)
    assert other.accept_offer(offer) == returned
