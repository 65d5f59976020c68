"""What follows a claim, from the buyer's side: what is sent, and what is believed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from aftersales.steps import verify_step
from commitments.errors import FormatError, KvittoError, Refused, VerificationError
from commitments.wire import encode_base64, parse_json
from policies.attachments import open_attachment, seal_attachment
from sdk import Claim, NotEligible, Unreachable, Wallet, WalletError
from sdk.connection import EVENTS
from sdk.state import State
from tests.sdk.forgeries import all_events, event_log
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, REFUND, WARRANTY

CONTACT = X25519PrivateKey.from_private_bytes(b"c" * 32)
REVIEWED = {
    **WARRANTY,
    "id": "reviewed",
    "review": True,
    "contact_key": CONTACT.public_key().public_bytes_raw().hex(),
    "remedies": ["repair", "refund"],
}


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    """A wallet with a claim that is looked at."""
    for policy in (REVIEWED, REFUND):
        server.world.publish(policy)
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    wallet.claim(server.shop(), "reviewed", remedy="repair")
    return wallet


def the_claim(wallet: Wallet) -> Claim:
    return wallet.claims[-1]


def take(server: ShopServer, wallet: Wallet, step: str, **members: Any) -> str:
    return wallet.take_step(server.shop(), the_claim(wallet), step, **members).state


def follow(server: ShopServer, wallet: Wallet) -> str:
    return wallet.follow(server.shop(), the_claim(wallet)).state


# ---- the way of a claim


def test_evidence_is_asked_for_given_and_looked_at(server: ShopServer, wallet: Wallet) -> None:
    claim = the_claim(wallet)
    assert follow(server, wallet) == "under_review"
    server.step(claim.claim_id, "ask", b"Where did it break?", wants=["photo"])
    case = wallet.follow(server.shop(), claim)
    assert (case.state, case.wants) == ("needs_information", ("photo",))
    (message,) = wallet.messages(server.shop(), claim)
    assert (message.number, message.content) == (0, b"Where did it break?")
    assert take(server, wallet, "answer", attachments=[b"at the handle", b"\xff\xd8"]) == (
        "under_review"
    )
    _, answer = server.world.events("claim.step")[-1]
    sealed = [
        server.world.verifier.cases.attachment(ORIGIN, claim.claim_id, digest)
        for digest in answer["attachments"]
    ]
    opened = [open_attachment(each, claim.claim_id, CONTACT) for each in sealed]
    assert opened == [b"at the handle", b"\xff\xd8"]
    server.step(claim.claim_id, "approve", resolution="repair", share=100)
    assert follow(server, wallet) == "approved"


def test_a_partial_approval_is_accepted(server: ShopServer, wallet: Wallet) -> None:
    server.step(the_claim(wallet).claim_id, "approve", resolution="refund", share=40)
    assert follow(server, wallet) == "approved"
    assert wallet.take_step(server.shop(), the_claim(wallet), "accept").agreed


def test_a_claim_is_followed_after_the_wallet_was_closed(
    server: ShopServer, wallet: Wallet
) -> None:
    server.step(the_claim(wallet).claim_id, "decline", reason="no_fault_found")
    assert follow(server, wallet) == "declined"
    read = State.decode(wallet._state.encode())
    (claim,) = read.claims.values()
    assert claim.case is not None
    assert (claim.case.state, claim.case.reason) == ("declined", "no_fault_found")


def test_messages_are_gone_when_the_buyer_has_them_erased(
    server: ShopServer, wallet: Wallet
) -> None:
    server.step(the_claim(wallet).claim_id, "note", b"hello")
    wallet.erase(server.shop(), the_claim(wallet))
    (message,) = wallet.messages(server.shop(), the_claim(wallet))
    assert message.content is None


def test_a_claim_is_watched(server: ShopServer, wallet: Wallet) -> None:
    claim_id = the_claim(wallet).claim_id
    happens: list[Callable[[], Any]] = [
        lambda: server.step(claim_id, "ask", wants=["photo"]),
        lambda: server.world.buy(server.world.sale()),
        lambda: server.step(claim_id, "note", b"hello"),
    ]

    class Live(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for happen in happens:
                happen()
                yield b"id: 1\n\n"

    def stream(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Type": EVENTS}, stream=Live())

    server.instead["/stream"] = stream
    seen = [(case.state, case.number) for case in wallet.watch(server.shop(), the_claim(wallet))]
    assert seen == [("under_review", 0), ("needs_information", 1), ("needs_information", 2)]


# ---- slots


def test_a_claim_that_came_to_nothing_can_be_made_again(server: ShopServer, wallet: Wallet) -> None:
    first = the_claim(wallet)
    with pytest.raises(NotEligible):
        wallet.claim(server.shop(), "reviewed", remedy="repair")
    assert take(server, wallet, "withdraw") == "canceled"
    assert wallet.claim(server.shop(), "reviewed", remedy="refund").decision == "under_review"
    again = the_claim(wallet)
    assert again.claim_id != first.claim_id
    assert (again.slot, again.tags) == (first.slot, first.tags)
    assert again.body.buyer != first.body.buyer


def test_a_restored_wallet_knows_cases_and_has_their_keys(
    server: ShopServer, wallet: Wallet
) -> None:
    claim_id = the_claim(wallet).claim_id
    server.step(claim_id, "ask", b"When?", wants=["description"])
    take(server, wallet, "answer", attachments=[b"today"])
    device = server.wallet(words=wallet.words())
    device.restore(server.shop())
    restored = the_claim(device)
    assert replace(restored, receipt=the_claim(wallet).receipt) == the_claim(wallet)
    assert restored.case is not None
    assert restored.case.number == 2
    (message,) = device.messages(server.shop(), restored)
    assert message.content == b"When?"
    assert take(server, device, "withdraw") == "canceled"


def test_a_refund_is_followed_to_its_end(server: ShopServer, wallet: Wallet) -> None:
    result = wallet.claim(server.shop(), "refund-14d", remedy="refund")
    claim = wallet._state.claims[result.claim_id]
    assert wallet.follow(server.shop(), claim).due is None
    wallet.retire(server.shop(), claim)
    case = wallet.follow(server.shop(), claim)
    assert (case.retired, case.due is None) == (True, False)


# ---- cashing in


def test_an_approval_is_cashed_in_by_what_the_wallet_signs(
    server: ShopServer, wallet: Wallet
) -> None:
    with pytest.raises(WalletError):
        wallet.redemption(the_claim(wallet), "acme/desk-1")
    server.step(the_claim(wallet).claim_id, "approve", resolution="repair", share=100)
    with pytest.raises(WalletError):  # the wallet has not heard of it
        wallet.redemption(the_claim(wallet), "acme/desk-1")
    follow(server, wallet)
    server.requests.clear()
    token = wallet.redemption(the_claim(wallet), "acme/desk-1")
    assert server.requests == []
    assert token["receipt"]["event"]["claim_id"] == the_claim(wallet).claim_id
    step = {
        "type": "claim.step",
        "claim_id": the_claim(wallet).claim_id,
        "number": 1,
        "by": "buyer",
        "step": "redeem",
        "attachments": [],
        **{name: token[name] for name in ("shop", "signed", "signature")},
    }
    buyer = the_claim(wallet).body.buyer
    assert buyer is not None
    verify_step(step, buyer)
    server.world.verifier.cases.take(ORIGIN, step["claim_id"], step, [])
    assert follow(server, wallet) == "in_process"
    with pytest.raises(WalletError):
        wallet.redemption(the_claim(wallet), "acme/desk-2")


@pytest.mark.parametrize("shop", ["", "two words", "a|b", "x" * 101])
def test_a_shop_has_a_plain_name(server: ShopServer, wallet: Wallet, shop: str) -> None:
    server.step(the_claim(wallet).claim_id, "approve", resolution="repair", share=100)
    follow(server, wallet)
    with pytest.raises(FormatError):
        wallet.redemption(the_claim(wallet), shop)


# ---- what is not sent


def test_a_step_that_cannot_be_taken_is_not_sent(server: ShopServer, wallet: Wallet) -> None:
    server.requests.clear()
    with pytest.raises(Refused) as refused:
        take(server, wallet, "accept")
    assert refused.value.code == "wrong-state"
    assert server.posted() == []


def test_nothing_is_attached_where_nobody_could_read_it(server: ShopServer, wallet: Wallet) -> None:
    wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    server.requests.clear()
    with pytest.raises(WalletError):
        take(server, wallet, "note", attachments=[b"hello"])
    assert server.posted() == []


def test_nothing_that_is_sent_names_the_purchase(server: ShopServer, wallet: Wallet) -> None:
    server.step(the_claim(wallet).claim_id, "ask", wants=["photo"])
    server.requests.clear()
    take(server, wallet, "answer", attachments=[b"a photo"])
    wallet.messages(server.shop(), the_claim(wallet))
    (purchase,) = wallet.purchases
    sent = b"".join(request.url.raw_path + request.content for request in server.requests)
    secrets = (
        purchase.order.encode(),
        purchase.commitment.hex().encode(),
        b"a photo",
        encode_base64(b"a photo").encode(),
    )
    assert not [secret for secret in secrets if secret in sent]


def test_a_lost_answer_is_found_by_following(server: ShopServer, wallet: Wallet) -> None:
    server.lost.add("/steps")
    with pytest.raises(Unreachable):
        take(server, wallet, "withdraw")
    server.lost.clear()
    assert follow(server, wallet) == "canceled"


def test_a_claim_of_an_earlier_version_has_no_keys(server: ShopServer, wallet: Wallet) -> None:
    claim = the_claim(wallet)
    old = replace(claim, body=replace(claim.body, buyer=None))
    wallet._state = wallet._state.with_claim(old)
    with pytest.raises(WalletError):
        wallet.messages(server.shop(), old)


# ---- lies

Lie = Callable[[dict[str, Any]], Any]


def without_last(case: dict[str, Any]) -> Any:
    return {**case, "steps": case["steps"][:-1]}


def without_first(case: dict[str, Any]) -> Any:
    return {**case, "steps": case["steps"][1:]}


def twice(case: dict[str, Any]) -> Any:
    return {**case, "steps": [*case["steps"], case["steps"][-1]]}


def another_reason(case: dict[str, Any]) -> Any:
    *others, last = case["steps"]
    return {**case, "steps": [*others, {**last, "event": {**last["event"], "reason": "other"}}]}


def another_proof(case: dict[str, Any]) -> Any:
    *others, last = case["steps"]
    return {**case, "steps": [*others, {**last, "proof": case["decision"]["proof"]}]}


def step_as_decision(case: dict[str, Any]) -> Any:
    return {**case, "decision": case["steps"][0]}


def no_steps(case: dict[str, Any]) -> Any:
    return {**case, "steps": None}


def a_list(_case: dict[str, Any]) -> Any:
    return []


LIES = [
    without_last,
    without_first,
    twice,
    another_reason,
    another_proof,
    step_as_decision,
    no_steps,
    a_list,
]


@pytest.mark.parametrize("lie", LIES)
def test_a_case_that_the_log_does_not_prove(server: ShopServer, wallet: Wallet, lie: Lie) -> None:
    claim_id = the_claim(wallet).claim_id
    server.step(claim_id, "note", b"hello")
    server.step(claim_id, "decline", reason="no_fault_found")
    follow(server, wallet)
    known = wallet._state
    server.lies["/case"] = lie
    with pytest.raises((VerificationError, FormatError)):
        follow(server, wallet)
    assert wallet._state == known


def test_events_in_another_order_than_the_log_has_them(server: ShopServer, wallet: Wallet) -> None:
    """Who has left is without a number: only its place says what came after."""
    result = wallet.claim(server.shop(), "refund-14d", remedy="refund")
    claim = wallet._state.claims[result.claim_id]
    wallet.retire(server.shop(), claim)
    server.step(result.claim_id, "note", b"hello")
    server.lies["/case"] = lambda case: {**case, "steps": case["steps"][::-1]}
    with pytest.raises(VerificationError, match="order"):
        wallet.follow(server.shop(), claim)
    server.lies.clear()
    assert wallet.follow(server.shop(), claim).retired


def test_a_case_of_another_claim(server: ShopServer, wallet: Wallet) -> None:
    first = the_claim(wallet)
    wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    other = server.world.verifier.cases.read(ORIGIN, the_claim(wallet).claim_id).document()
    server.lies["/case"] = lambda _case: other
    with pytest.raises(VerificationError):
        wallet.follow(server.shop(), first)


def test_a_step_in_the_log_that_breaks_the_rules(server: ShopServer, wallet: Wallet) -> None:
    """A merchant whose software forgets the rules takes back what it has granted."""
    claim_id = the_claim(wallet).claim_id
    server.step(claim_id, "approve", resolution="repair", share=100)
    follow(server, wallet)
    step = {
        "type": "claim.step",
        "time": "2026-11-21T13:00:00Z",
        "claim_id": claim_id,
        "number": 1,
        "by": "merchant",
        "step": "decline",
        "reason": "other",
        "attachments": [],
    }
    events = [*all_events(server.world), step]
    log = event_log(server, events)
    forged = {"index": len(events) - 1, "event": step, "proof": log.proof(len(events) - 1)}
    server.lies["/case"] = lambda case: {**case, "steps": [*case["steps"], forged]}
    with pytest.raises(VerificationError, match="not allowed"):
        follow(server, wallet)


@pytest.mark.parametrize("step", ["withdraw", "note"])
def test_a_step_that_was_sent_and_not_logged(server: ShopServer, wallet: Wallet, step: str) -> None:
    claim = the_claim(wallet)
    now = server.world.verifier.cases.read(ORIGIN, claim.claim_id).document()
    server.instead["/steps"] = lambda _request: now
    attachments = [b"hello"] if step == "note" else []
    with pytest.raises(VerificationError, match="not among"):
        wallet.take_step(server.shop(), claim, step, attachments=attachments)


def test_a_step_in_the_log_that_is_dated_in_the_future(server: ShopServer, wallet: Wallet) -> None:
    """Who was asked has the response time to answer, by whatever clock the merchant goes."""
    server.step(the_claim(wallet).claim_id, "ask", wants=["photo"])
    follow(server, wallet)
    known = wallet._state
    server.world.clock.advance(days=8)
    server.step(the_claim(wallet).claim_id, "decline", reason="no_answer")
    server.world.clock.advance(days=-8)
    with pytest.raises(VerificationError, match="future"):
        follow(server, wallet)
    assert wallet._state == known
    server.world.clock.advance(days=7)
    assert follow(server, wallet) == "declined"


def test_a_message_that_is_left_out(server: ShopServer, wallet: Wallet) -> None:
    server.step(the_claim(wallet).claim_id, "note", b"hello", b"and more")
    server.lies["/inbox"] = lambda answer: {"attachments": answer["attachments"][:1]}
    with pytest.raises(VerificationError, match="left out"):
        wallet.messages(server.shop(), the_claim(wallet))


def first_as(**members: Any) -> Lie:
    return lambda answer: {"attachments": [{**answer["attachments"][0], **members}]}


def replaced(server: ShopServer, wallet: Wallet) -> Lie:
    del server
    claim = the_claim(wallet)
    assert claim.body.buyer is not None
    other = seal_attachment(b"pay here instead", claim.claim_id, claim.body.buyer.inbox)
    return first_as(content=encode_base64(other))


def with_another(answer: dict[str, Any]) -> Any:
    return {"attachments": [*answer["attachments"], {**answer["attachments"][0], "number": 1}]}


@pytest.mark.parametrize(
    "make",
    [
        replaced,
        lambda *_: with_another,
        lambda *_: first_as(number=1),
        lambda *_: first_as(digest="00" * 32),
        lambda *_: first_as(content=""),
        lambda *_: first_as(content=7),
        lambda *_: first_as(more=1),
        lambda *_: lambda _answer: {"attachments": None},
        lambda *_: lambda _answer: [],
    ],
)
def test_a_message_that_the_merchant_has_not_logged(
    server: ShopServer, wallet: Wallet, make: Callable[..., Lie]
) -> None:
    server.step(the_claim(wallet).claim_id, "note", b"hello")
    server.lies["/inbox"] = make(server, wallet)
    with pytest.raises((VerificationError, FormatError)):
        wallet.messages(server.shop(), the_claim(wallet))


def test_another_reads_no_messages(server: ShopServer, wallet: Wallet) -> None:
    server.step(the_claim(wallet).claim_id, "note", b"hello")
    thief = server.wallet()
    claim = the_claim(wallet)
    with pytest.raises(WalletError):
        thief.messages(server.shop(), claim)
    thief._state = thief._state.with_claim(claim)
    with pytest.raises(KvittoError):
        thief.messages(server.shop(), claim)
    wallet.messages(server.shop(), claim)
    request = next(r for r in server.requests if r.url.path.endswith("/inbox"))
    server.world.clock.now += timedelta(minutes=6)
    asked = parse_json(request.content)
    with pytest.raises(Refused):  # who has read it on the way is too late
        server.world.verifier.cases.inbox(ORIGIN, claim.claim_id, asked["time"], asked["signature"])
