"""From twelve words alone: purchases, claims, and which slots are used."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from commitments.errors import FormatError, KvittoError, Refused, VerificationError
from commitments.mailbox import BOX_BYTES
from commitments.wire import encode_base64, parse_base64
from issuer.key_rotation import retire_keys, rotate_keys
from ledger.entries import Purchase as PurchaseEntry
from ledger.events import events_origin
from ledger.monitor import FalseEntries
from ledger.note import Signer
from policies.claim import claim_id, parse_claim
from sdk import NotEligible, ShopError, StaleLog, Wallet, WalletError
from sdk.boxes import find_boxes, leave_box, open_box, seal_box
from sdk.restoring import Restored
from sdk.seed import Seed
from sdk.transfer_state import Handed
from tests.sdk.forgeries import Event, PrivateLog, all_entries, all_events, event_log, show
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, REFUND

SHOWN = ("log.declared", "log.closed", "policy.published")


def again(server: ShopServer, wallet: Wallet, **options: Any) -> Wallet:
    """Another device, where the words are typed in."""
    return server.wallet(words=wallet.words(), **options)


def restored(server: ShopServer, wallet: Wallet) -> tuple[Wallet, Restored]:
    device = again(server, wallet)
    return device, device.restore(server.shop())


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    """Three purchases among others, one of them claimed with."""
    wallet = server.wallet()
    for order in ("1001", "1002", "1003"):
        server.sell(wallet, order)
        server.sell(server.wallet(), f"{order}-other")
    server.world.close()
    wallet.claim(server.shop(), "warranty-2y", remedy="repair", purchase=wallet.purchases[1])
    return wallet


def test_purchases_and_claims_come_back_from_the_words_alone(
    server: ShopServer, wallet: Wallet
) -> None:
    device, came = restored(server, wallet)
    assert [p.order for p in device.purchases] == ["1001", "1002", "1003"]
    assert came.purchases == device.purchases
    assert came.claims == device.claims
    assert came.unconfirmed == ()
    for mine, lost in zip(device.purchases, wallet.purchases, strict=True):
        assert (mine.opening, mine.index, mine.box) == (lost.opening, lost.index, lost.box)
    (claim,), (lost_claim,) = device.claims, wallet.claims
    assert replace(claim, receipt=None) == replace(lost_claim, receipt=None)


def test_a_used_slot_is_used_on_the_next_device_too(server: ShopServer, wallet: Wallet) -> None:
    device, _ = restored(server, wallet)
    before = len(server.requests)
    with pytest.raises(NotEligible, match="no further claim"):
        device.claim(server.shop(), "warranty-2y", remedy="repair", purchase=device.purchases[1])
    assert "/v1/merchants/acme/claims" not in server.paths()[before:]
    other = device.purchases[0]
    result = device.claim(server.shop(), "warranty-2y", remedy="repair", purchase=other)
    assert result.decision == "approved"


def test_no_question_names_a_purchase(server: ShopServer, wallet: Wallet) -> None:
    """Who restores nothing asks for the same, but for the addresses of boxes."""
    asked = []
    for words in (wallet.words(), Seed.create().words):
        server.requests.clear()
        server.wallet(words=words).restore(server.shop())
        asked.append([(r.method, str(r.url), len(r.content)) for r in server.requests])
    mine, nobodys = asked
    assert [r for r in mine if "/mailbox/" not in r[1]] == [
        r for r in nobodys if "/mailbox/" not in r[1]
    ]
    assert {r[2] for r in mine if "/mailbox/" in r[1]} == {
        r[2] for r in nobodys if "/mailbox/" in r[1]
    }


def test_a_refund_can_be_completed_on_the_next_device(server: ShopServer) -> None:
    device, _ = restored(server, refunded(server))
    (claim,) = device.claims
    assert device.retire(server.shop(), claim).status == "completed"
    third, _ = restored(server, device)
    assert [claim.secret_sent for claim in third.claims] == [True]
    with pytest.raises(NotEligible, match="the ownership has ended"):
        third.claim(server.shop(), "refund-14d", remedy="refund")


def refunded(server: ShopServer) -> Wallet:
    """A wallet with the approval of a refund, which waits for the secret."""
    wallet = server.wallet()
    server.world.publish(REFUND)
    server.sell(wallet, "1001")
    server.sell(server.wallet(), "1002")
    server.world.close()
    wallet.claim(server.shop(), "refund-14d", remedy="refund")
    return wallet


def test_a_service_takes_a_secret_and_logs_nothing(server: ShopServer) -> None:
    """Whoever has the secret can link all claims: no log makes it secret again."""
    wallet = refunded(server)
    server.instead["/retirement"] = lambda _: {"junk": 1}
    with pytest.raises(KvittoError):
        wallet.retire(server.shop(), wallet.claims[0])
    assert wallet.restore(server.shop()).claims == ()
    assert [claim.secret_sent for claim in wallet.claims] == [True]


def test_restoring_again_changes_nothing(server: ShopServer, wallet: Wallet) -> None:
    device, _ = restored(server, wallet)
    state = device._state
    assert device.restore(server.shop()) == Restored((), (), (), ())
    assert device._state == state
    came = wallet.restore(server.shop())
    assert came == Restored((), (), (), ())


def test_an_approval_that_was_never_heard_of_comes_back(server: ShopServer) -> None:
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.sell(server.wallet(), "1002")
    server.world.close()
    server.lost.add("/claims")
    with pytest.raises(ShopError):
        wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    assert [claim.outcome for claim in wallet.claims] == [None]
    server.lost.clear()
    (claim,) = wallet.restore(server.shop()).claims
    assert wallet.claims == (claim,)
    assert claim.outcome == "approved"


# ---- requests that were lost with a device


def test_a_receipt_is_accepted_where_its_request_was_lost(
    server: ShopServer, wallet: Wallet
) -> None:
    receipt = server.receipt(wallet, "2001", server.world.sale())
    device, _ = restored(server, wallet)
    bought = device.accept(server.shop(), receipt)
    assert bought.opening == wallet.accept(server.shop(), receipt).opening
    assert (bought.box, device.pending) == (3, ())
    assert device.accept(server.shop(), receipt) == bought


def test_a_receipt_is_accepted_where_the_order_was_asked_for_anew(
    server: ShopServer, wallet: Wallet
) -> None:
    receipt = server.receipt(wallet, "2001", server.world.sale())
    device, _ = restored(server, wallet)
    device.request(server.shop(), "2001")
    assert device.accept(server.shop(), receipt).place == wallet.pending[0].place
    assert device.pending == ()


def test_the_request_of_any_device_that_the_wallet_knows_of_is_found(
    server: ShopServer, wallet: Wallet
) -> None:
    second = again(server, wallet)
    server.sell(second, "2001")
    receipt = server.receipt(second, "2002", server.world.sale())
    third = again(server, wallet)
    with pytest.raises(WalletError, match="no request"):
        third.accept(server.shop(), receipt)
    third.restore(server.shop())
    assert third.accept(server.shop(), receipt).order == "2002"


def test_an_old_copy_of_a_wallet_gives_its_next_order_another_place(server: ShopServer) -> None:
    wallet = server.wallet()
    old = server.wallet()
    old._state = wallet._state
    bought = old.accept(server.shop(), server.receipt(wallet, "2001", server.world.sale()))
    old.request(server.shop(), "2002")
    assert old.pending[0].place not in (None, bought.place)


@pytest.mark.parametrize("whose", ["another buyer's", "another sale", "under another key"])
def test_what_is_not_the_wallets_is_not_found(
    server: ShopServer, wallet: Wallet, whose: str
) -> None:
    device, _ = restored(server, wallet)
    receipt = server.receipt(wallet, "2001", server.world.sale())
    false, said = receipt, "no request"
    if whose == "another buyer's":
        false = server.receipt(server.wallet(), "2002", server.world.sale())
    elif whose == "another sale":
        false = {**receipt, "sale": {**receipt["sale"], "price": 1}}
    else:
        server.thief, said = Signer(ORIGIN, b"t" * 32), "known key"
        forged = PrivateLog(server, ORIGIN, all_entries(server.world))
        false = {**receipt, "proof": forged.proof(receipt["index"])}
    before = device._state
    with pytest.raises(KvittoError, match=said):
        device.accept(server.shop(), false)
    assert device._state == before
    assert device.accept(server.shop(), receipt).order == "2001"


# ---- two devices


def test_two_devices_give_no_key_twice(server: ShopServer, wallet: Wallet) -> None:
    device, _ = restored(server, wallet)
    other, _ = restored(server, wallet)
    requests = [w.request(server.shop(), "2001").commitment for w in (wallet, device, other)]
    assert len(set(requests)) == 3


def test_devices_leave_boxes_beside_each_other(server: ShopServer, wallet: Wallet) -> None:
    device, _ = restored(server, wallet)
    server.sell(wallet, "2001")
    server.sell(device, "2002")
    server.sell(wallet, "2003")
    boxes = [(p.order, p.box) for w in (wallet, device) for p in w.purchases if p.order > "2"]
    assert sorted(number for _, number in boxes if number is not None) == [3, 4, 5]
    third, _ = restored(server, wallet)
    assert {p.order for p in third.purchases} == {p.order for p in wallet.purchases} | {"2002"}


# ---- the mailbox


def test_a_purchase_is_kept_when_the_mailbox_cannot_be_reached(server: ShopServer) -> None:
    wallet = server.wallet()
    server.lies["/mailbox/"] = lambda _: {"junk": 1}
    assert server.sell(wallet, "1001").box is None
    with pytest.raises(ShopError):
        wallet.back_up(server.shop())
    server.lies.clear()
    assert wallet.back_up(server.shop()) == 1
    assert wallet.back_up(server.shop()) == 0
    device, _ = restored(server, wallet)
    assert [p.order for p in device.purchases] == ["1001"]


def test_what_is_too_long_for_a_box_keeps_nothing_else_from_the_mailbox(
    server: ShopServer,
) -> None:
    """A purchase that was handed over, with more used slots than a box has room for."""
    wallet = server.wallet()
    server.instead["/mailbox/"] = lambda _: {"junk": 1}
    server.sell(wallet, "1001")
    server.sell(wallet, "1002")
    server.instead.clear()
    used = tuple(("p" * 200, number) for number in range(30))
    long = replace(wallet.purchases[0], handed=Handed(1, 1, used))
    wallet._state = wallet._state.with_purchase(long)
    with pytest.raises(WalletError, match="too long"):
        wallet.back_up(server.shop())
    assert wallet.not_backed_up == [long]
    assert [p.order for p in restored(server, wallet)[1].purchases] == ["1002"]


def test_a_box_whose_answer_was_lost_is_left_once(server: ShopServer) -> None:
    wallet = server.wallet()
    server.lost.add("/mailbox/deposits")
    assert server.sell(wallet, "1001").box is None
    server.lost.clear()
    wallet.back_up(server.shop())
    assert [p.box for p in wallet.purchases] == [0]
    boxes, following = find_boxes(server.shop(), wallet._state.identity.seed, ORIGIN)
    assert ([box.purchase.order for box in boxes], following) == (["1001"], 1)


def test_all_boxes_look_alike(wallet: Wallet) -> None:
    merchant = wallet._state.merchants[ORIGIN]
    seed = wallet._state.identity.seed
    sealed = [
        seal_box(purchase, merchant, seed.box(ORIGIN, n))
        for n, purchase in enumerate(wallet.purchases)
    ]
    assert {len(box) for box in sealed} == {BOX_BYTES}
    assert len({box[:8] for box in sealed}) == len(sealed)


def test_a_box_opens_in_its_place_only(wallet: Wallet) -> None:
    seed, merchant = wallet._state.identity.seed, wallet._state.merchants[ORIGIN]
    box = seal_box(wallet.purchases[0], merchant, seed.box(ORIGIN, 7))
    assert open_box(box, seed, ORIGIN, 7).purchase.order == "1001"
    for other in (
        (seed, ORIGIN, 8),
        (seed, "ledger.example/other", 7),
        (Seed(bytes(16)), ORIGIN, 7),
    ):
        with pytest.raises(FormatError, match="not a box of this wallet"):
            open_box(box, *other)
    for position in (0, 15, 16, 100, BOX_BYTES - 1):
        changed = bytearray(box)
        changed[position] ^= 1
        with pytest.raises(FormatError, match="not a box of this wallet"):
            open_box(bytes(changed), seed, ORIGIN, 7)


def test_garbage_in_the_mailbox_hides_nothing_and_ends(server: ShopServer, wallet: Wallet) -> None:
    """A service that invents a box for every address, and keeps the true ones."""

    def invent(document: Any) -> Any:
        junk = encode_base64(b"j" * BOX_BYTES)
        return {"boxes": [box or junk for box in document["boxes"]]}

    server.lies["/mailbox/lookups"] = invent
    device, came = restored(server, wallet)
    assert len(came.purchases) == 3
    server.lies.clear()
    assert server.sell(device, "2001").box == 3


def test_places_that_others_have_taken_are_passed_over(server: ShopServer, wallet: Wallet) -> None:
    """A box of the same seed that this software cannot read, and one that was deleted."""
    seed = wallet._state.identity.seed
    shop = server.shop()
    third, fourth = seed.box(ORIGIN, 3), seed.box(ORIGIN, 4)
    shop.deposit(third.address, third.delete_key, b"?" * BOX_BYTES)
    shop.deposit(fourth.address, fourth.delete_key, b"?" * BOX_BYTES)
    shop.delete_box(ORIGIN, fourth.address, fourth.private_key)
    assert server.sell(wallet, "2001").box == 5
    device, _ = restored(server, wallet)
    assert "2001" in {p.order for p in device.purchases}


def test_a_service_where_every_place_is_taken(server: ShopServer, wallet: Wallet) -> None:
    def taken(_request: Any) -> Any:
        raise Refused("duplicate-box", "the address has another box", "address")

    server.instead["/mailbox/deposits"] = taken
    identity, merchant = wallet._state.identity, wallet._state.merchants[ORIGIN]
    server.requests.clear()
    with pytest.raises(KvittoError, match="restore from it first"):
        leave_box(server.shop(), identity, merchant, wallet.purchases[0])
    assert len(server.requests) <= 32  # more would be a gap, behind which nobody looks


# ---- forgetting


def test_what_is_forgotten_does_not_come_back(server: ShopServer, wallet: Wallet) -> None:
    gone = wallet.purchases[1]
    wallet.forget(server.shop(), gone)
    assert [purchase.order for purchase in wallet.purchases] == ["1001", "1003"]
    assert wallet.claims == ()
    device, came = restored(server, wallet)
    assert [purchase.order for purchase in came.purchases] == ["1001", "1003"]
    assert server.sell(device, "2001").box == 3


def test_nothing_is_forgotten_whose_copy_is_not_deleted(server: ShopServer, wallet: Wallet) -> None:
    state = wallet._state
    server.lies["/mailbox/deletions"] = lambda _: {"junk": 1}
    with pytest.raises(ShopError):
        wallet.forget(server.shop(), wallet.purchases[0])
    assert wallet._state == state
    server.lies.clear()
    wallet.forget(server.shop(), wallet.purchases[0])  # deleted already: that is no error


def test_what_waits_for_an_answer_is_not_forgotten(server: ShopServer, wallet: Wallet) -> None:
    server.lost.add("/claims")
    with pytest.raises(ShopError):
        wallet.claim(server.shop(), "warranty-2y", remedy="repair", purchase=wallet.purchases[0])
    with pytest.raises(WalletError, match="no answer yet"):
        wallet.forget(server.shop(), wallet.purchases[0])


# ---- a service that lies


def test_a_purchase_that_the_log_does_not_hold_is_not_restored(
    server: ShopServer, wallet: Wallet
) -> None:
    """The box is the wallet's own, and the sale in it another."""
    seed, merchant = wallet._state.identity.seed, wallet._state.merchants[ORIGIN]
    false = replace(wallet.purchases[0], order="9999", sale=server.world.sale(price=1))
    keys = seed.box(ORIGIN, 3)
    server.shop().deposit(keys.address, keys.delete_key, seal_box(false, merchant, keys))
    device, came = restored(server, wallet)
    assert came.unconfirmed == ("9999",)
    assert "9999" not in {p.order for p in device.purchases}


@pytest.mark.parametrize("log", ["purchases", "events"])
def test_a_log_that_does_not_lead_to_its_checkpoint(
    server: ShopServer, wallet: Wallet, log: str
) -> None:
    device = again(server, wallet)
    path = f"/logs/acme/{log}/tile/entries/"

    def lie(bundle: bytes) -> bytes:
        return bundle[:-1] + bytes([bundle[-1] ^ 1])

    server.lies[path] = lie
    with pytest.raises(FalseEntries):
        device.restore(server.shop())
    assert device.purchases == ()


def test_keys_that_have_changed_since_are_followed(server: ShopServer, wallet: Wallet) -> None:
    rotate_keys(server.world.store, server.world.clock, server.world.merchant)
    retire_keys(server.world.store, server.world.clock, server.world.merchant)
    device, came = restored(server, wallet)
    assert len(came.purchases) == 3
    known = wallet._state.merchants[ORIGIN].purchases_vkeys
    assert not set(known) & set(device._state.merchants[ORIGIN].purchases_vkeys)


def test_a_merchant_that_began_its_logs_anew_restores_nothing(
    server: ShopServer, wallet: Wallet
) -> None:
    """The boxes know which keys the logs had; those of the service do not follow from them."""
    other = Wallet.in_memory()
    merchant = replace(
        wallet._state.merchants[ORIGIN],
        purchases_vkeys=(Signer(ORIGIN, b"o" * 32).verifier.vkey,),
        events_vkeys=(Signer(events_origin(ORIGIN), b"o" * 32).verifier.vkey,),
    )
    identity = other._state.identity
    assert leave_box(server.shop(), identity, merchant, wallet.purchases[0]) == 0
    device = again(server, other)
    with pytest.raises(VerificationError, match="keys"):
        device.restore(server.shop())
    assert (device.purchases, device._state.merchants) == ((), {})


# ---- a merchant that writes into its event log what is not so


def forge(server: ShopServer, kind: str, change: Callable[[Event], Event]) -> None:
    """Show and serve another event log, in which the last event of this type is changed."""
    events = all_events(server.world)
    place = max(n for n, event in enumerate(events) if event["type"] == kind)
    events[place] = change(events[place])
    shown = show(server, events, [n for n, e in enumerate(events) if e["type"] in SHOWN])
    server.instead["/logs/acme/events/"] = event_log(server, events)
    server.instead["/v1/merchants/acme/events"] = lambda _: shown


def approval(**members: Any) -> Callable[[Event], Event]:
    """With another claim in it, whose name is right."""

    def change(event: Event) -> Event:
        claim = {**event["claim"], **members}
        name = claim_id(parse_claim(claim), parse_base64(event["proof"], "proof"))
        return {**event, "claim": claim, "claim_id": name}

    return change


FALSE: dict[str, tuple[Callable[[Event], Event], str]] = {
    "another version of the policy": (approval(version=7), "no policy"),
    "a policy that was never published": (approval(policy="made-up"), "no policy"),
    "a slot that the policy does not have": (approval(number=5), "no policy"),
    "a deadline that the policy does not give": (
        lambda event: {**event, "retire_by": "2036-01-01T00:00:00Z"},
        "another deadline",
    ),
    "no deadline": (lambda event: {**event, "retire_by": None}, "another deadline"),
    "a ring of another span": (approval(size=1), "close"),
    "a later day": (approval(date="2026-11-25"), "another day"),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_merchant_logs_a_false_approval(server: ShopServer, name: str) -> None:
    """It has the tags from the claim, so that the wallet finds its own in it."""
    change, message = FALSE[name]
    wallet = refunded(server)
    forge(server, "claim.decided", lambda event: event)
    device, came = restored(server, wallet)
    assert len(came.claims) == 1
    forge(server, "claim.decided", change)
    device = again(server, wallet)
    with pytest.raises(VerificationError, match=message):
        device.restore(server.shop())
    assert (device.purchases, device.claims) == ((), ())


def test_a_merchant_logs_approvals_under_policies_without_end(
    server: ShopServer, wallet: Wallet
) -> None:
    """For each the wallet would have to make tags of all its purchases."""
    stranger = server.wallet()
    server.sell(stranger, "5001")
    server.world.close()
    stranger.claim(server.shop(), "warranty-2y", remedy="repair")
    forge(server, "claim.decided", approval(policy="made-up"))
    with pytest.raises(VerificationError, match="no policy"):
        restored(server, wallet)


def test_a_merchant_logs_an_end_that_is_none(server: ShopServer) -> None:
    """With a secret that is not the owner's; an auditor sees that."""
    wallet = refunded(server)
    wallet.retire(server.shop(), wallet.claims[0])
    forge(server, "ownership.retired", lambda event: {**event, "secret": "11" * 32})
    device, _ = restored(server, wallet)
    assert [claim.secret_sent for claim in device.claims] == [False]


@pytest.mark.usefixtures("ordinary_collector")
def test_a_merchant_fills_its_log_with_junk(server: ShopServer, wallet: Wallet) -> None:
    junk = [bytes([n % 256]) * 7_000 for n in range(8_000)]
    log = PrivateLog(server, ORIGIN, [*all_entries(server.world), *junk])
    server.instead["/logs/acme/purchases/"] = log
    tracemalloc.start()
    try:
        _, came = restored(server, wallet)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(came.purchases) == 3
    assert peak < 50e6  # and not the 56 MB that it is


# ---- a service that shows how the log was


def test_an_old_event_log_would_lack_claims_that_were_made_since(
    server: ShopServer, wallet: Wallet
) -> None:
    """Their slots would be used again: the same tags over another ring."""
    server.world.clock.advance(days=32)
    device = again(server, wallet)
    with pytest.raises(StaleLog):
        device.restore(server.shop())
    assert device.purchases == ()
    assert len(device.restore(server.shop(), accept_stale=True).claims) == 1


def test_an_event_log_from_before_its_first_close(server: ShopServer) -> None:
    """None is hidden behind another, and claims that were made since are."""
    wallet = server.wallet()
    server.sell(wallet, "1001")
    assert len(restored(server, wallet)[1].purchases) == 1  # the shop is new
    server.world.clock.advance(days=32)
    with pytest.raises(StaleLog):
        restored(server, wallet)
    assert server.wallet().restore(server.shop()) == Restored((), (), (), ())


def test_a_merchant_sells_twice_under_one_order(server: ShopServer, wallet: Wallet) -> None:
    """To two devices. A wallet knows its purchases by their orders."""
    seed, merchant = wallet._state.identity.seed, wallet._state.merchants[ORIGIN]
    first, second, _ = wallet.purchases
    sold = replace(second, order=first.order)
    entry = PurchaseEntry(sold.commitment).encode()
    server.world.store.write(lambda transaction: transaction.append(ORIGIN, [entry]))
    keys = seed.box(ORIGIN, 3)
    server.shop().deposit(
        keys.address,
        keys.delete_key,
        seal_box(replace(sold, place=None), merchant, keys),
    )
    device, came = restored(server, wallet)
    assert came.purchases == device.purchases
    assert [purchase.order for purchase in device.purchases] == ["1001", "1002", "1003"]
    assert device.purchases[0].commitment == first.commitment
