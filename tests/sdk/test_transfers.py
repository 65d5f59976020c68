"""A purchase changes hands: what each wallet says, believes, and still knows after a crash."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from commitments.errors import FormatError, KvittoError, Refused, VerificationError
from issuer.key_rotation import retire_keys, rotate_keys
from ledger.entries import Transferred
from ledger.event_log import append_event
from ledger.event_receipt import EventReceipt
from ledger.events import event_time, events_origin
from ledger.log import Log
from ledger.monitor import Head
from sdk import (
    NeverJudged,
    NotEligible,
    NotProvableYet,
    Purchase,
    RingTooSmall,
    StaleLog,
    Transfer,
    TransferResult,
    Unreachable,
    Wallet,
    WalletError,
    receiving,
)
from sdk.disclosure import preview_disclosure
from sdk.handover import Handover
from sdk.mirror import mirror
from sdk.state import GROUP, State
from tests.handover import settle
from tests.sdk.forgeries import all_events, event_log
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, REFUND, WARRANTY
from verifier.approvals import read_receipts
from verifier.decision import retired_event
from verifier.disclosure import verify_disclosure
from zk.prove import no_progress
from zk.transfer import blind

Document = dict[str, Any]


@pytest.fixture
def seller(server: ShopServer) -> Wallet:
    """A wallet with one purchase that no void can undo any more."""
    server.world.publish(REFUND)
    wallet = server.wallet()
    server.sell(wallet, "1001")
    settle(server.world)
    return wallet


@pytest.fixture
def buyer(server: ShopServer) -> Wallet:
    return server.wallet()


def answered(seller: Wallet, buyer: Wallet) -> Document:
    """An offer of the seller's, as the buyer has accepted it."""
    return buyer.accept_offer(seller.offer(seller.purchases[0]))


def send(server: ShopServer, seller: Wallet, returned: Document) -> TransferResult:
    shop = server.shop()
    return seller.send_transfer(shop, seller.preview_transfer(shop, returned))


def hand_over(server: ShopServer, seller: Wallet, buyer: Wallet) -> Document:
    """Up to the handover, which the buyer has not seen yet."""
    result = send(server, seller, answered(seller, buyer))
    assert (result.decision, result.status) == ("approved", "awaiting_secret")
    done = seller.complete_transfer(server.shop(), result)
    assert done.status == "completed"
    return seller.handover(done)


def received(server: ShopServer, seller: Wallet, buyer: Wallet) -> Purchase:
    return buyer.receive(server.shop(), hand_over(server, seller, buyer))


def claim(server: ShopServer, wallet: Wallet, policy: str = "warranty-2y") -> Any:
    return wallet.claim(server.shop(), policy, remedy="repair")


def secrets_sent(server: ShopServer) -> list[httpx.Request]:
    return [request for request in server.requests if request.url.path.endswith("retirement")]


def before_it(server: ShopServer, wallet: Wallet) -> Wallet:
    """The wallet as an older backup of it would be."""
    restored = server.wallet()
    restored._state = wallet._state
    return restored


# ---- honest owners


def test_a_purchase_changes_hands(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    (sold,) = seller.purchases
    purchase = received(server, seller, buyer)
    assert (purchase.sale, purchase.origin) == (sold.sale, sold.origin)
    assert purchase.opening.serial == sold.opening.serial
    assert purchase.opening.secret != sold.opening.secret
    assert purchase.index == server.world.sizes()[0] - 1
    assert purchase.handed is not None
    assert purchase.handed.used == ()
    server.world.close()
    assert claim(server, buyer).decision == "approved"
    with pytest.raises(NotEligible, match="ownership has ended"):
        claim(server, seller)


def test_the_old_owner_is_refused_even_from_an_old_backup(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    backup = before_it(server, seller)
    received(server, seller, buyer)
    server.world.close()
    declined = claim(server, backup)
    assert (declined.decision, declined.reason) == ("declined", "ownership_ended")


def test_what_was_claimed_before_stays_used(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    claim(server, seller)
    purchase = received(server, seller, buyer)
    assert purchase.handed is not None
    assert purchase.handed.used == (("warranty-2y", 0),)
    server.world.close()
    server.requests.clear()
    with pytest.raises(NotEligible, match="its one claim has been made"):
        claim(server, buyer)
    assert not any(request.method == "POST" for request in server.requests)


def test_a_self_transfer_buys_no_second_claim(server: ShopServer, seller: Wallet) -> None:
    claim(server, seller)
    again = received(server, seller, seller)
    server.world.close()
    with pytest.raises(NotEligible):
        claim(server, seller)
    forgetful = before_it(server, seller)
    handed = again.handed
    assert handed is not None
    forgetful._state = forgetful._state.with_purchase(
        replace(again, handed=replace(handed, used=()))
    )
    answer = claim(server, forgetful)
    assert (answer.decision, answer.reason) == ("declined", "already_claimed")


def test_a_chain_of_three_owners(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    server.world.publish(WARRANTY, version=2, claims_per_purchase=3)
    claim(server, seller)
    second = received(server, seller, buyer)
    settle(server.world)
    claim(server, buyer)
    third = server.wallet()
    last = received(server, buyer, third)
    assert last.opening.serial == second.opening.serial
    assert last.handed is not None
    assert len(last.handed.used) == 2
    server.world.close()
    assert claim(server, third).decision == "approved"
    with pytest.raises(NotEligible):
        claim(server, third)


def test_offer_and_acceptance_need_no_network(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    server.requests.clear()
    returned = answered(seller, buyer)
    assert server.requests == []
    assert returned.keys() == {"type", "origin", "blinded", "acceptance"}


def test_each_offer_is_another_and_an_offer_has_one_acceptance(
    seller: Wallet, buyer: Wallet
) -> None:
    (purchase,) = seller.purchases
    one, two = seller.offer(purchase), seller.offer(purchase)
    assert one["blinded"] != two["blinded"]
    assert buyer.accept_offer(one) == buyer.accept_offer(one)
    first, second = buyer.accept_offer(one)["acceptance"], buyer.accept_offer(two)["acceptance"]
    assert first["commitment"] != second["commitment"]
    keys = {accepted.keys.secret for accepted in buyer._state.accepted.values()}
    assert len(keys) == 2


def test_the_preview_says_what_becomes_public(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    returned = answered(seller, buyer)
    bare = seller.preview_transfer(server.shop(), returned)
    assert any("one of" in line for line in bare.learns)
    assert any("secret" in line for line in bare.learns)
    assert not any("links" in line for line in bare.learns)
    claim(server, seller)
    linked = seller.preview_transfer(server.shop(), returned)
    assert any("links" in line for line in linked.learns)
    assert "claims-become-linked" in {advice.code for advice in linked.advice}
    assert secrets_sent(server) == []
    assert seller.transfers == ()


# ---- when it is not the time


def test_a_purchase_that_could_still_be_void_is_not_handed_over(
    server: ShopServer, buyer: Wallet
) -> None:
    seller = server.wallet()
    server.sell(seller, "1001")
    server.world.close()
    returned = answered(seller, buyer)
    with pytest.raises(NotProvableYet, match="14 periods"):
        seller.preview_transfer(server.shop(), returned)
    settle(server.world)
    assert send(server, seller, returned).decision == "approved"


def test_a_ring_that_is_too_small(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    careful = server.wallet(smallest_ring=10_000)
    careful._state = seller._state
    with pytest.raises(RingTooSmall):
        careful.preview_transfer(server.shop(), answered(careful, buyer))
    assert careful.transfers == ()


def test_the_secret_stays_when_too_few_would_be_left(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    result = send(server, seller, answered(seller, buyer))
    seller._smallest_ring = 10_000
    with pytest.raises(RingTooSmall):
        seller.complete_transfer(server.shop(), result)
    assert secrets_sent(server) == []


def test_a_log_that_has_not_closed_for_long(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    returned = answered(seller, buyer)
    server.world.clock.advance(days=40)
    with pytest.raises(StaleLog):
        seller.preview_transfer(server.shop(), returned)
    assert seller.preview_transfer(server.shop(), returned, accept_stale=True).ring_size > 1


def test_a_preview_of_yesterday_is_not_sent(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    preview = seller.preview_transfer(server.shop(), answered(seller, buyer))
    server.world.clock.advance(days=1)
    with pytest.raises(WalletError, match="another day"):
        seller.send_transfer(server.shop(), preview)
    assert seller.transfers == ()


def test_a_preview_is_not_sent_after_a_claim(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    preview = seller.preview_transfer(server.shop(), answered(seller, buyer))
    claim(server, seller)
    with pytest.raises(WalletError, match="preview it again"):
        seller.send_transfer(server.shop(), preview)


def test_the_secret_is_kept_after_a_claim_that_came_between(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    result = send(server, seller, answered(seller, buyer))
    claim(server, seller)
    with pytest.raises(WalletError, match="another claim was approved after it"):
        seller.complete_transfer(server.shop(), result)
    assert secrets_sent(server) == []


def test_the_secret_is_kept_when_the_time_has_run_out(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    result = send(server, seller, answered(seller, buyer))
    server.world.clock.advance(hours=23, minutes=55)  # in 5 minutes
    with pytest.raises(WalletError, match="lapsed"):
        seller.complete_transfer(server.shop(), result)
    assert secrets_sent(server) == []


def test_what_has_lapsed_can_be_sent_anew(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    returned = answered(seller, buyer)
    send(server, seller, returned)
    assert seller.made_of(returned) is not None
    server.world.clock.advance(days=2)
    assert seller.made_of(returned) is None
    result = send(server, seller, returned)
    assert seller.complete_transfer(server.shop(), result).status == "completed"


def test_of_two_transfers_the_earlier_goes_before(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    first = send(server, seller, answered(seller, buyer))
    second = send(server, seller, answered(seller, server.wallet()))
    with pytest.raises(WalletError, match="earlier approval"):
        seller.complete_transfer(server.shop(), second)
    assert seller.complete_transfer(server.shop(), first).status == "completed"
    with pytest.raises(WalletError):
        seller.complete_transfer(server.shop(), second)
    assert len(secrets_sent(server)) == 1


def test_a_refund_that_waits_goes_before_a_transfer(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    refund = seller.claim(server.shop(), "refund-14d", remedy="refund")
    result = send(server, seller, answered(seller, buyer))
    with pytest.raises(WalletError, match="earlier approval"):
        seller.complete_transfer(server.shop(), result)
    assert seller.retire(server.shop(), refund).status == "completed"
    with pytest.raises(WalletError):
        seller.complete_transfer(server.shop(), result)


def test_a_transfer_that_waits_goes_before_a_refund(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    result = send(server, seller, answered(seller, buyer))
    refund = seller.claim(server.shop(), "refund-14d", remedy="refund")
    with pytest.raises(WalletError, match="earlier approval"):
        seller.retire(server.shop(), refund)
    assert seller.complete_transfer(server.shop(), result).status == "completed"


def test_a_secret_that_was_sent_for_an_earlier_transfer_goes_before(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """Whether that was completed in time only its answer says."""

    def swallow(request: httpx.Request) -> Any:
        raise httpx.ReadTimeout("lost", request=request)

    first = send(server, seller, answered(seller, buyer))
    server.world.clock.advance(hours=12)
    second = send(server, seller, answered(seller, server.wallet()))
    server.instead["/retirement"] = swallow
    with pytest.raises(Unreachable):
        seller.complete_transfer(server.shop(), first)
    server.instead.clear()
    server.world.clock.advance(hours=13)
    with pytest.raises(WalletError, match="goes before"):
        seller.complete_transfer(server.shop(), second)


def test_nothing_is_offered_after_the_ownership_has_ended(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    returned = answered(seller, server.wallet())
    received(server, seller, buyer)
    (sold,) = seller.purchases
    with pytest.raises(WalletError, match="ownership has ended"):
        seller.offer(sold)
    with pytest.raises(WalletError, match="ownership has ended"):
        seller.preview_transfer(server.shop(), returned)


def test_a_handover_before_its_time(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    """What opens the purchase is not given away before it is somebody else's."""
    result = send(server, seller, answered(seller, buyer))
    with pytest.raises(WalletError, match="not been completed"):
        seller.handover(result)


# ---- on the way between the two


def test_an_acceptance_of_no_offer_of_this_wallet(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    other = server.wallet()
    server.sell(other, "1002")
    with pytest.raises(WalletError, match="no such offer"):
        seller.preview_transfer(server.shop(), answered(other, buyer))


def test_somebody_on_the_way_puts_other_keys_in(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """It can, before the seller sees it; the buyer then finds that it has bought nothing."""
    offer, thief = seller.offer(seller.purchases[0]), server.wallet()
    buyer.accept_offer(offer)
    result = send(server, seller, thief.accept_offer(offer))
    handover = seller.handover(seller.complete_transfer(server.shop(), result))
    with pytest.raises(VerificationError, match="not to this wallet's keys"):
        buyer.receive(server.shop(), handover)
    assert buyer.purchases == ()


@pytest.mark.parametrize("part", ["commitment", "proof"])
def test_an_acceptance_that_was_changed(
    server: ShopServer, seller: Wallet, buyer: Wallet, part: str
) -> None:
    offer = seller.offer(seller.purchases[0])
    honest, other = buyer.accept_offer(offer), server.wallet().accept_offer(offer)
    mixed = {**honest["acceptance"], part: other["acceptance"][part]}
    with pytest.raises(VerificationError):
        seller.preview_transfer(server.shop(), {**honest, "acceptance": mixed})


@pytest.mark.parametrize("wrong", [None, [], {}, {"type": "offer"}, "offer"])
def test_what_is_none_of_the_three_documents(
    server: ShopServer, seller: Wallet, buyer: Wallet, wrong: Any
) -> None:
    for read in (
        lambda: buyer.accept_offer(wrong),
        lambda: seller.preview_transfer(server.shop(), wrong),
        lambda: buyer.receive(server.shop(), wrong),
    ):
        with pytest.raises(FormatError):
            read()


def test_an_offer_that_is_no_point(buyer: Wallet) -> None:
    with pytest.raises(FormatError) as caught:
        buyer.accept_offer({"type": "offer", "origin": ORIGIN, "blinded": "00" * 33})
    assert caught.value.field
    assert buyer._state.accepted == {}


# ---- the handover


def changed_receipt(receipt: Document, **members: Any) -> Document:
    return {**receipt, "event": {**receipt["event"], **members}}


LIES: dict[str, Callable[[Document], Document]] = {
    "another price": lambda d: {**d, "sale": {**d["sale"], "price": d["sale"]["price"] + 1}},
    "a later date": lambda d: {**d, "sale": {**d["sale"], "date": "2026-11-20"}},
    "another serial": lambda d: {**d, "serial": "00" * 31 + "05"},
    "no serial": lambda d: {**d, "serial": "00" * 32},
    "another beta": lambda d: {**d, "beta": "00" * 31 + "05"},
    "another proof": lambda d: {**d, "proof": d["proof"].replace("index ", "index 1")},
    "an approval of another proof": lambda d: {
        **d,
        "approval": changed_receipt(d["approval"], proof="AAAA"),
    },
    "a retirement of another secret": lambda d: {
        **d,
        "retirement": changed_receipt(d["retirement"], secret="00" * 32),
    },
    "the approval as the retirement": lambda d: {**d, "retirement": d["approval"]},
    "the retirement as the approval": lambda d: {**d, "approval": d["retirement"]},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_the_old_owner_lies(
    server: ShopServer, seller: Wallet, buyer: Wallet, lie: Callable[[Document], Document]
) -> None:
    honest = hand_over(server, seller, buyer)
    with pytest.raises((VerificationError, FormatError)):
        buyer.receive(server.shop(), lie(honest))
    assert buyer.purchases == ()
    assert buyer.receive(server.shop(), honest).sale == seller.purchases[0].sale


def untrue(server: ShopServer, seller: Wallet, transfer: Transfer, first: int) -> Document:
    """A handover whose retirement, and then the entry, a merchant has logged by itself.

    The approval and the retirement are the last two events, in the order that ``first`` says.
    """
    world = server.world
    entry = Transferred(transfer.body.acceptance.commitment).encode()
    world.store.write(lambda t: t.append(ORIGIN, [entry]), ORIGIN)
    size, last = world.sizes()
    with world.store.read() as connection:
        receipts = read_receipts(connection, ORIGIN, [last - 2, last - 1])
        proof = Log.published(connection, ORIGIN, size - 1).tlog_proof(size - 1)
    (sold,) = seller.purchases
    return Handover(
        origin=ORIGIN,
        blinded=transfer.body.blinded,
        sale=sold.sale,
        serial=sold.opening.serial,
        beta=seller._state.offers[transfer.body.blinded].beta,
        approval=receipts[first].document(),
        retirement=receipts[1 - first].document(),
        proof=proof.serialise().decode(),
    ).document()


def log_retirement(server: ShopServer, transfer: Transfer, secret: int) -> None:
    world = server.world
    now = event_time(world.clock())
    event = retired_event("transfer", transfer.transfer_id, now, GROUP.encode_scalar(secret))
    world.store.write(lambda t: append_event(t, ORIGIN, event), events_origin(ORIGIN))


def test_a_merchant_ends_another_ownership_than_the_sellers(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """The seller could go on claiming: its secret is not in the log."""
    send(server, seller, answered(seller, buyer))
    (transfer,) = seller.transfers
    log_retirement(server, transfer, 5)
    with pytest.raises(VerificationError, match="not the owner's secret"):
        buyer.receive(server.shop(), untrue(server, seller, transfer, 0))


@pytest.mark.leaves_damage
def test_a_merchant_ends_an_ownership_before_it_approves(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    returned = answered(seller, buyer)
    preview = seller.preview_transfer(server.shop(), returned)
    transfer = preview.prepared.prove(lambda *_: None)
    log_retirement(server, transfer, seller.purchases[0].opening.secret)
    assert server.world.verifier.transfers.decide(ORIGIN, transfer.body, transfer.proof).approved
    with pytest.raises(VerificationError, match="before the approval"):
        buyer.receive(server.shop(), untrue(server, seller, transfer, 1))


def test_a_merchant_shows_the_buyer_another_branch_of_its_log(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """With another's retirement in the place of the seller's, and without the seller's claims."""
    handover = hand_over(server, seller, buyer)
    events = all_events(server.world)
    end = handover["retirement"]["event"]
    branch = [{**e, "secret": "00" * 31 + "05"} if e == end else e for e in events]
    log = event_log(server, [*branch, events[0]])
    server.instead["/logs/acme/events/"] = log
    buyer.look(server.shop())
    merchant = replace(buyer.merchants[0], events=Head.of(log.note))
    ended, serial = EventReceipt.parse(handover["retirement"]), seller.purchases[0].opening.serial
    with pytest.raises(VerificationError, match="end of the earlier ownership"):
        receiving.slots_used(server.shop(), merchant, serial, ended, no_progress)


def test_a_purchase_without_a_serial_is_not_received(
    seller: Wallet, buyer: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could make no claim: its tags would be nothing. Everything else about it is true."""
    (sold,) = seller.purchases
    blinded = GROUP.encode(blind(GROUP, replace(sold.opening, serial=0), 7))
    buyer.accept_offer({"type": "offer", "origin": ORIGIN, "blinded": blinded.hex()})
    told = Handover(ORIGIN, blinded, sold.sale, 0, 7, {}, {}, "")
    (accepted,) = buyer._state.accepted.values()
    monkeypatch.setattr(receiving, "verify_retirement", lambda *_: (accepted, None))
    monkeypatch.setattr(receiving, "verify_entry", lambda *_: None)
    with pytest.raises(VerificationError, match="no serial"):
        receiving.verify_handover(told, accepted, seller.merchants[0])


def test_the_handover_of_another_purchase(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """The seller has two: it hands one over, and tells the buyer of the other."""
    server.sell(seller, "1002", price=99)
    settle(server.world)
    first, second = seller.purchases
    honest = hand_over(server, seller, buyer)
    told = {
        **honest,
        "sale": second.sale.document(),
        "serial": GROUP.encode_scalar(second.opening.serial).hex(),
    }
    with pytest.raises(VerificationError, match="not of this sale"):
        buyer.receive(server.shop(), told)
    assert first.sale != second.sale


def test_the_entry_is_not_in_the_log(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    """The proof is of another entry than that of the new owner's keys."""
    honest = hand_over(server, seller, buyer)
    (sold,) = seller.purchases
    with pytest.raises(VerificationError):
        buyer.receive(server.shop(), {**honest, "proof": sold.proof})


def test_a_service_that_hides_the_claims_of_the_old_owner(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """All of the event log is read: a bundle with an event left out does not lead to its root."""
    claim(server, seller)
    handover = hand_over(server, seller, buyer)
    server.lies["events/tile/entries"] = lambda bundle: bundle[:-50]
    with pytest.raises(KvittoError):
        buyer.receive(server.shop(), handover)
    assert buyer.purchases == ()


def test_no_question_names_the_purchase(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    handover = hand_over(server, seller, buyer)
    server.requests.clear()
    purchase = buyer.receive(server.shop(), handover)
    assert {request.method for request in server.requests} == {"GET"}
    for name in (purchase.commitment.hex(), handover["serial"], handover["blinded"]):
        assert not any(name in str(request.url) for request in server.requests)


def test_receiving_asks_for_what_every_wallet_asks_for(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """The size of the log in the handover would say which transfer it was."""
    handover = hand_over(server, seller, buyer)
    server.world.publish(WARRANTY, version=2)
    server.requests.clear()
    buyer.receive(server.shop(), handover)
    own = {request.url.path for request in server.requests}
    server.requests.clear()
    stranger = server.wallet()
    stranger.look(server.shop())
    head = stranger.merchants[0].events
    assert head is not None
    list(mirror(server.shop(), "events", head))
    assert own <= {request.url.path for request in server.requests}


def test_received_twice_is_received_once(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    handover = hand_over(server, seller, buyer)
    first = buyer.receive(server.shop(), handover)
    assert buyer.receive(server.shop(), handover) == first
    assert len(buyer.purchases) == 1


def test_a_handover_from_before_the_log_changed_its_keys(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """Its new owner believes the present keys only; the old owner asks for the proofs again."""
    handover = hand_over(server, seller, buyer)
    rotate_keys(server.world.store, server.world.clock, server.world.merchant)
    retire_keys(server.world.store, server.world.clock, server.world.merchant)
    with pytest.raises(VerificationError):
        buyer.receive(server.shop(), handover)
    again = seller.resend_transfer(server.shop(), seller.transfers[0])
    assert again.status == "completed"
    received = buyer.receive(server.shop(), seller.handover(again))
    assert received.sale == seller.purchases[0].sale


def test_a_handover_to_somebody_else(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    handover = hand_over(server, seller, buyer)
    with pytest.raises(WalletError, match="no such offer"):
        server.wallet().receive(server.shop(), handover)


# ---- what the service answers


def test_an_approval_that_is_not_in_the_log(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """The secret would be given away for nothing."""
    returned = answered(seller, buyer)
    server.lies["/transfers"] = lambda honest: {
        **honest,
        "receipt": changed_receipt(honest["receipt"], retire_by="2030-01-01T00:00:00Z"),
    }
    with pytest.raises(VerificationError):
        send(server, seller, returned)
    (made,) = seller.transfers
    assert made.outcome is None
    with pytest.raises(WalletError, match="no approval"):
        seller.complete_transfer(server.shop(), made)
    assert secrets_sent(server) == []


def test_an_answer_to_another_transfer(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    returned = answered(seller, buyer)
    server.lies["/transfers"] = lambda honest: {**honest, "transfer_id": "00" * 32}
    with pytest.raises(FormatError):
        send(server, seller, returned)
    server.lies.clear()
    (made,) = seller.transfers
    assert seller.resend_transfer(server.shop(), made).decision == "approved"


def test_a_completion_that_is_not_in_the_logs(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """The entry would be missing: the service says that it is done, and the log does not."""
    result = send(server, seller, answered(seller, buyer))
    (sold,) = seller.purchases
    server.lies["/retirement"] = lambda honest: {**honest, "proof": sold.proof}
    with pytest.raises(VerificationError):
        seller.complete_transfer(server.shop(), result)
    server.lies.clear()
    assert seller.complete_transfer(server.shop(), result).status == "completed"


def test_a_decline(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    returned = answered(seller, buyer)
    server.lies["/transfers"] = lambda honest: {
        **honest,
        "decision": "declined",
        "status": "declined",
        "reason": "proof_invalid",
        "retire_by": None,
        "receipt": None,
    }
    result = send(server, seller, returned)
    assert (result.decision, result.reason) == ("declined", "proof_invalid")
    with pytest.raises(WalletError, match="no approval"):
        seller.complete_transfer(server.shop(), result)


def test_a_refusal(server: ShopServer, seller: Wallet, buyer: Wallet) -> None:
    def refuse(_request: httpx.Request) -> Any:
        raise Refused("stale-horizon", "not one of the last two closes")

    returned = answered(seller, buyer)
    server.instead["/transfers"] = refuse
    with pytest.raises(Refused):
        send(server, seller, returned)
    server.instead.clear()
    assert seller.transfers[0].outcome == "refused"
    assert send(server, seller, returned).decision == "approved"


# ---- crashes


def stored(path: Path, server: ShopServer, state: State) -> Wallet:
    """The wallet as its file has it after a crash."""
    path.write_bytes(state.encode())
    restored = server.wallet()
    restored._state = State.decode(path.read_bytes())
    return restored


def test_a_crash_between_any_two_steps(
    server: ShopServer, seller: Wallet, buyer: Wallet, tmp_path: Path
) -> None:
    """Both wallets are read again from what is on disk after every step."""

    def crash(wallet: Wallet) -> Wallet:
        return stored(tmp_path / "wallet", server, wallet._state)

    claim(server, seller)
    seller = crash(seller)
    offer = seller.offer(seller.purchases[0])
    seller, returned = crash(seller), buyer.accept_offer(offer)
    buyer = crash(buyer)
    assert buyer.accept_offer(offer) == returned
    send(server, seller, returned)
    seller = crash(seller)
    made = seller.made_of(returned)
    assert made is not None
    seller.complete_transfer(server.shop(), made)
    seller = crash(seller)
    handover = seller.handover(seller.transfers[0])
    purchase = buyer.receive(server.shop(), handover)
    buyer = crash(buyer)
    assert buyer.purchases == (purchase,)
    assert buyer.purchases[0].opening == purchase.opening


def test_the_answer_to_the_transfer_is_lost(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    returned = answered(seller, buyer)
    server.lost.add("/transfers")
    with pytest.raises(Unreachable):
        send(server, seller, returned)
    server.lost.clear()
    made = seller.made_of(returned)
    assert made is not None
    assert made.outcome is None
    with pytest.raises(WalletError, match="no answer yet"):
        seller.preview_transfer(server.shop(), returned)
    again = seller.resend_transfer(server.shop(), made)
    assert again.transfer_id == made.transfer_id
    assert len(server.world.events("transfer.approved")) == 1
    assert seller.complete_transfer(server.shop(), again).status == "completed"


def test_the_answer_to_the_secret_is_lost(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    result = send(server, seller, answered(seller, buyer))
    server.lost.add("/retirement")
    with pytest.raises(Unreachable):
        seller.complete_transfer(server.shop(), result)
    server.lost.clear()
    assert seller.transfers[0].secret_sent
    with pytest.raises(WalletError, match="not been completed"):
        seller.handover(result)
    server.world.clock.advance(days=3)  # however late
    done = seller.complete_transfer(server.shop(), result)
    assert done.status == "completed"
    assert len(server.world.events("ownership.retired")) == 1
    assert buyer.receive(server.shop(), seller.handover(done)).handed is not None


def test_the_sending_of_the_secret_is_durable_before_it_is_sent(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    result = send(server, seller, answered(seller, buyer))
    known: list[bool] = []

    def watch(request: httpx.Request) -> Any:
        known.append(seller.transfers[0].secret_sent)
        return server._answer(request)

    server.instead["/retirement"] = watch
    seller.complete_transfer(server.shop(), result)
    assert known == [True]


def test_a_transfer_that_was_never_judged(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    def lose(request: httpx.Request) -> Any:
        raise httpx.ReadTimeout("lost", request=request)

    returned = answered(seller, buyer)
    server.instead["/transfers"] = lose
    with pytest.raises(Unreachable):
        send(server, seller, returned)
    server.instead.clear()
    server.world.clock.advance(days=5)  # its date is too old to be judged
    (made,) = seller.transfers
    with pytest.raises(NeverJudged):
        seller.resend_transfer(server.shop(), made)
    assert seller.made_of(returned) is None
    assert send(server, seller, returned).decision == "approved"


def test_what_is_remembered_says_nothing_when_printed(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    purchase = received(server, seller, buyer)
    opening = purchase.opening
    states = (seller._state, buyer._state)
    shown: list[object] = [purchase, purchase.handed, *seller.transfers]
    shown += [each for state in states for each in state.offers.values()]
    shown += [each for state in states for each in state.accepted.values()]
    for text in map(repr, shown):
        for value in (opening.serial, opening.secret, opening.blinding):
            assert str(value) not in text


# ---- backup, other devices, disclosures


def test_a_received_purchase_comes_back_from_the_words(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    claim(server, seller)
    server.world.publish(WARRANTY, version=2, claims_per_purchase=2)
    purchase = received(server, seller, buyer)
    assert buyer.back_up(server.shop()) == 1
    server.world.close()
    claim(server, buyer)
    device = server.wallet(words=buyer.words())
    came = device.restore(server.shop())
    assert [each.opening for each in came.purchases] == [purchase.opening]
    assert came.purchases[0].handed == purchase.handed
    assert [each.claim_id for each in came.claims] == [each.claim_id for each in buyer.claims]
    with pytest.raises(NotEligible, match="no further claim"):
        claim(server, device)


def test_each_of_three_owners_is_restored(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """All know the serial; each finds what it has done itself, and the last can still claim."""
    server.world.publish(WARRANTY, version=2, claims_per_purchase=3)
    third, shop = server.wallet(), server.shop()
    claim(server, seller)
    received(server, seller, buyer)
    buyer.back_up(shop)
    settle(server.world)
    claim(server, buyer)
    received(server, buyer, third)
    third.back_up(shop)
    server.world.close()
    devices = []
    for wallet, claims, sold in ((seller, 1, 1), (buyer, 1, 1), (third, 0, 0)):
        device = server.wallet(words=wallet.words())
        came = device.restore(shop)
        assert (len(came.purchases), len(came.claims), len(came.transfers)) == (1, claims, sold)
        devices.append(device)
    for device in devices[:2]:
        with pytest.raises(NotEligible, match="ownership has ended"):
            claim(server, device)
    (last,) = devices[2].purchases
    assert last.handed is not None
    assert len(last.handed.used) == 2
    assert claim(server, devices[2]).decision == "approved"
    with pytest.raises(NotEligible, match="no further claim"):
        claim(server, devices[2])


def test_a_restored_wallet_knows_what_it_has_sold(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """And takes nothing that the next owner has done for its own."""
    claim(server, seller)
    server.world.publish(WARRANTY, version=2, claims_per_purchase=2)
    received(server, seller, buyer)
    server.world.close()
    claim(server, buyer)
    device = server.wallet(words=seller.words())
    came = device.restore(server.shop())
    assert [each.claim_id for each in came.claims] == [each.claim_id for each in seller.claims]
    (back,), (lost,) = came.transfers, seller.transfers
    assert (back.body, back.proof, back.tag) == (lost.body, lost.proof, lost.tag)
    assert back.indices == lost.indices
    with pytest.raises(NotEligible, match="ownership has ended"):
        claim(server, device)
    assert device.restore(server.shop()).transfers == ()


def test_a_restored_wallet_knows_of_an_approval_that_goes_before(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """Else it would give its secret for a later one, and get nothing for it."""
    first = send(server, seller, answered(seller, buyer))
    device = server.wallet(words=seller.words())
    (back,) = device.restore(server.shop()).transfers
    assert (back.transfer_id, back.secret_sent) == (first.transfer_id, False)
    assert back.receipt == seller.transfers[0].receipt
    second = send(server, device, answered(device, server.wallet()))
    with pytest.raises(WalletError, match="goes before"):
        device.complete_transfer(server.shop(), second)
    assert secrets_sent(server) == []
    server.world.clock.advance(days=1, seconds=1)
    later = server.wallet(words=seller.words())
    assert later.restore(server.shop()).transfers == ()  # nothing can come of them any more


def test_a_secret_that_was_sent_stays_so_though_the_log_lacks_it(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    def swallow(request: httpx.Request) -> Any:
        raise httpx.ReadTimeout("lost", request=request)

    result = send(server, seller, answered(seller, buyer))
    server.instead["/retirement"] = swallow
    with pytest.raises(Unreachable):
        seller.complete_transfer(server.shop(), result)
    server.instead.clear()
    assert seller.restore(server.shop()).transfers == ()
    assert seller.transfers[0].secret_sent


def test_the_old_owners_device_is_lost_before_the_handover(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """The words give the offer's beta again: without it the purchase would be nobody's."""
    seller.offer(seller.purchases[0])
    result = send(server, seller, answered(seller, buyer))
    seller.complete_transfer(server.shop(), result)
    device = server.wallet(words=seller.words())
    (back,) = device.restore(server.shop()).transfers
    done = device.resend_transfer(server.shop(), back)
    assert done.status == "completed"
    assert device.handover(done) == seller.handover(result)
    assert buyer.receive(server.shop(), device.handover(done)).handed is not None


def test_a_transfer_goes_on_where_the_words_were_typed_in(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    approved = send(server, seller, answered(seller, buyer))
    device = server.wallet(words=seller.words())
    device.restore(server.shop())
    done = device.complete_transfer(server.shop(), approved)
    assert buyer.receive(server.shop(), device.handover(done)).handed is not None


def test_no_secret_is_given_for_an_offer_that_nobody_can_open(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    second = server.wallet(words=seller.words())  # offers with keys that no other device knows of
    second.restore(server.shop())
    approved = send(server, second, answered(second, buyer))
    third = server.wallet(words=seller.words())
    third.restore(server.shop())
    with pytest.raises(WalletError, match="a device that the wallet does not know"):
        third.complete_transfer(server.shop(), approved)
    assert secrets_sent(server) == []


def test_the_new_owners_device_is_lost_before_the_handover(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    """Or after it, before a copy lay in the mailbox: the file is still there."""
    handover = hand_over(server, seller, buyer)
    device = server.wallet(words=buyer.words())
    purchase = device.receive(server.shop(), handover)
    assert purchase == buyer.receive(server.shop(), handover)
    server.world.close()
    assert claim(server, device).decision == "approved"
    with pytest.raises(WalletError, match="accepted no such offer"):
        server.wallet().receive(server.shop(), handover)


def test_offers_have_keys_of_their_own(seller: Wallet, buyer: Wallet) -> None:
    answered(seller, buyer)
    answered(seller, seller)
    seller.request(ORIGIN, "1002")
    places = [seller.purchases[0].place, *(each.place for each in seller._state.accepted.values())]
    places += [each.place for each in seller.pending]
    assert [place.counter for place in places if place] == [0, 3, 4]  # 1 and 2 are offers


def test_two_devices_that_are_merged_know_of_the_transfer(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    behind = before_it(server, seller)
    returned = answered(seller, buyer)
    result = send(server, seller, returned)
    between = before_it(server, seller)
    seller.complete_transfer(server.shop(), result)
    for device in (behind, between):
        device.merge(seller)
        assert device.handover(device.transfers[0])["type"] == "handover"
        with pytest.raises(NotEligible, match="ownership has ended"):
            claim(server, device)
    seller.merge(between)
    assert seller.transfers[0].completion is not None


def test_a_received_purchase_is_disclosed_as_what_it_is_in_the_log(
    server: ShopServer, seller: Wallet, buyer: Wallet
) -> None:
    purchase = received(server, seller, buyer)
    told: dict[str, Any] = {
        "recipient": "Insurer",
        "purpose": "claim 7",
        "shown": {"product": None},
        "today": purchase.sale.date,
    }
    made = preview_disclosure(purchase, buyer.made_with(purchase), **told).make()
    key = server.signer(ORIGIN).verifier
    verified = verify_disclosure(GROUP, made, key, recipient="Insurer", purpose="claim 7")
    assert verified.index == purchase.index
    (sold,) = seller.purchases
    with pytest.raises(WalletError, match="ended"):
        preview_disclosure(sold, seller.made_with(sold), **told)
