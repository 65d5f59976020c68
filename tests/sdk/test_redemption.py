"""Tokens that are handed to a cash desk: what it checks before it asks anybody."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.redemption import RedemptionToken
from commitments.errors import FormatError, KvittoError, Refused, VerificationError
from commitments.wire import parse_base64
from ledger.events import event_time, events_origin
from ledger.quorum import Quorum
from policies.claim import ClaimBody, claim_id
from sdk import Wallet
from tests.sdk.forgeries import all_events, event_log
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN

DESK = "acme/desk-1"
Document = dict[str, Any]


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    """A wallet with an approved claim."""
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    return wallet


def token(wallet: Wallet, shop: str = DESK) -> Document:
    return wallet.redemption(wallet.claims[-1], shop)


def check(server: ShopServer, document: Any, shop: str = DESK, **options: Quorum) -> ClaimBody:
    key = server.signer(events_origin(ORIGIN)).verifier
    parsed = RedemptionToken.parse(document)
    assert parsed.document() == document
    return parsed.verify(shop, server.world.clock(), key, **options)


def test_a_desk_checks_a_token_without_asking_anybody(server: ShopServer, wallet: Wallet) -> None:
    made = token(wallet)
    server.requests.clear()
    assert check(server, made) == wallet.claims[-1].body
    assert server.requests == []


def test_a_claim_that_nobody_has_approved_is_nothing_to_a_desk_without_network(
    wallet: Wallet,
) -> None:
    """Whoever has made it can sign a token for it; so can who was declined, or has not left."""
    made = token(wallet)
    assert RedemptionToken.parse(made).shows_approval
    for changes in ({"decision": "under_review"}, {"retire_by": "2026-11-28T12:00:00Z"}):
        event = {**made["receipt"]["event"], **changes}
        other = {**made, "receipt": {**made["receipt"], "event": event}}
        assert not RedemptionToken.parse(other).shows_approval


def test_of_two_shops_one_wins(server: ShopServer, wallet: Wallet) -> None:
    tokens = [RedemptionToken.parse(token(wallet, shop)) for shop in (DESK, "acme/desk-2")]
    cases, claim_id = server.world.verifier.cases, wallet.claims[-1].claim_id
    cases.take(ORIGIN, claim_id, tokens[0].step(0), [])
    for number, code in ((0, "already-moved"), (1, "already-redeemed")):
        with pytest.raises(Refused) as refused:
            cases.take(ORIGIN, claim_id, tokens[1].step(number), [])
        assert refused.value.code == code
    with pytest.raises(Refused) as again:  # the winner's, sent again: nobody is told twice to pay
        cases.take(ORIGIN, claim_id, tokens[0].step(0), [])
    assert again.value.code == "already-redeemed"


@pytest.mark.parametrize("age", [timedelta(days=1, seconds=1), -timedelta(minutes=6)])
def test_a_token_holds_for_a_day(server: ShopServer, wallet: Wallet, age: timedelta) -> None:
    made = token(wallet)
    server.world.clock.now += age
    with pytest.raises(Refused) as refused:
        check(server, made)
    assert refused.value.code == "wrong-time"


def other_shop(made: Document) -> Document:
    return {**made, "shop": "acme/desk-2"}


def other_time(made: Document) -> Document:
    return {**made, "signed": "2026-11-21T12:00:01Z"}


def no_signature(made: Document) -> Document:
    return {**made, "signature": "00" * 64}


def other_event(made: Document) -> Document:
    event = {**made["receipt"]["event"], "time": "2026-11-21T12:00:01Z"}
    return {**made, "receipt": {**made["receipt"], "event": event}}


@pytest.mark.parametrize("lie", [other_shop, other_time, no_signature, other_event])
def test_a_changed_token(
    server: ShopServer, wallet: Wallet, lie: Callable[[Document], Document]
) -> None:
    changed = lie(token(wallet))
    with pytest.raises(VerificationError):
        check(server, changed, changed["shop"])


def test_a_token_for_another_shop(server: ShopServer, wallet: Wallet) -> None:
    with pytest.raises(VerificationError, match="another shop"):
        check(server, token(wallet), "acme/desk-2")


def test_the_signature_of_another_claim(server: ShopServer, wallet: Wallet) -> None:
    """A receipt is public: whoever has one signs with keys of a claim of their own."""
    thief = server.wallet()
    server.sell(thief, "1002")
    server.world.close()
    thief.claim(server.shop(), "warranty-2y", remedy="repair")
    with pytest.raises(VerificationError, match="signature"):
        check(server, {**token(thief), "receipt": token(wallet)["receipt"]})


def test_a_decision_that_is_in_no_log(server: ShopServer, wallet: Wallet) -> None:
    made = token(wallet)
    forged = {**made["receipt"]["event"], "time": event_time(server.world.clock.now)}
    forged["retire_by"] = forged["time"]
    made["receipt"] = {"event": forged, "proof": made["receipt"]["proof"]}
    with pytest.raises(VerificationError):
        check(server, made)


def test_a_decision_under_the_name_of_another(server: ShopServer, wallet: Wallet) -> None:
    """The log's owner logs the buyer's claim once more, under a name of its choice."""
    made = token(wallet)
    renamed = {**made["receipt"]["event"], "claim_id": "ab" * 32}
    with pytest.raises(VerificationError, match="name"):
        check(server, in_the_log(server, made, renamed))


def in_the_log(server: ShopServer, made: Document, event: Document) -> Document:
    """The token with the receipt of an event that the log's owner logs."""
    events = [*all_events(server.world), event]
    proof = event_log(server, events).proof(len(events) - 1)
    return {**made, "receipt": {"event": event, "proof": proof}}


def test_another_event_than_a_decision(server: ShopServer, wallet: Wallet) -> None:
    made = token(wallet)
    decision = made["receipt"]["event"]
    check(server, in_the_log(server, made, decision))
    for event in (all_events(server.world)[0], {**decision, "type": "claim.announced"}):
        with pytest.raises(FormatError):
            check(server, in_the_log(server, made, event))


def test_a_claim_without_keys_is_cashed_in_by_nobody(server: ShopServer, wallet: Wallet) -> None:
    made = token(wallet)
    decision = made["receipt"]["event"]
    body = replace(wallet.claims[-1].body, buyer=None)
    name = claim_id(body, parse_base64(decision["proof"], "proof"))
    bare = {**decision, "claim": body.document(), "claim_id": name}
    with pytest.raises(VerificationError, match="no keys"):
        check(server, in_the_log(server, made, bare))


@pytest.mark.parametrize(
    "changes",
    [{"type": "token"}, {"more": 1}, {"receipt": None}, {"signature": 1}, {"signed": "now"}],
)
def test_what_is_no_token(server: ShopServer, wallet: Wallet, changes: Document) -> None:
    with pytest.raises(KvittoError):
        check(server, {**token(wallet), **changes})
    with pytest.raises(FormatError):
        RedemptionToken.parse([])
