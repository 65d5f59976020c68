"""Claims from the buyer's side: what is sent, what is believed, and what survives a crash."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from commitments.errors import FormatError, KvittoError, Refused, VerificationError
from commitments.wire import canonical_json, encode_base64, parse_json
from sdk import (
    ClaimResult,
    NeverJudged,
    NotEligible,
    NotProvableYet,
    PolicyChanged,
    Preview,
    RingTooSmall,
    SeveralQualify,
    StaleLog,
    Unreachable,
    Wallet,
    WalletError,
)
from sdk.logs import read_merchant
from tests.sdk.forgeries import PrivateLog, all_events, event_log
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, REFUND, WARRANTY


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    """A wallet with one purchase that can be proven."""
    server.world.publish(REFUND)
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    return wallet


def claim(server: ShopServer, wallet: Wallet, **changes: Any) -> ClaimResult:
    return wallet.claim(server.shop(), "warranty-2y", remedy="repair", **changes)


def refund(server: ShopServer, wallet: Wallet) -> ClaimResult:
    return wallet.claim(server.shop(), "refund-14d", remedy="refund")


def before_it(server: ShopServer, wallet: Wallet) -> Wallet:
    """The wallet as an older backup of it would be."""
    restored = server.wallet()
    restored._state = wallet._state
    return restored


# ---- deciding


def test_a_claim_is_approved(server: ShopServer, wallet: Wallet) -> None:
    result = claim(server, wallet)
    assert (result.decision, result.status, result.order) == ("approved", "approved", "1001")
    (made,) = wallet.claims
    assert made.claim_id == result.claim_id
    assert made.outcome == "approved"
    assert server.world.events("claim.decided")[0][1]["claim_id"] == result.claim_id


def test_whoever_watches_may_stop_the_proof_and_nothing_has_happened(
    server: ShopServer, wallet: Wallet
) -> None:
    steps: list[tuple[int, int]] = []

    def watch(*step: int) -> None:
        steps.append((step[0], step[1]))
        if len(steps) >= 3:
            raise KeyboardInterrupt

    preview = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    before = wallet._state
    with pytest.raises(KeyboardInterrupt):
        wallet.send(server.shop(), preview, progress=watch)
    assert wallet._state == before
    with pytest.raises(KeyboardInterrupt):
        claim(server, wallet, progress=watch)
    assert wallet.claims == ()
    assert server.posted() == []
    steps.clear()
    assert claim(server, wallet, progress=lambda *step: steps.append(step)).decision == "approved"
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_no_slot_is_left(server: ShopServer, wallet: Wallet) -> None:
    claim(server, wallet)
    server.requests.clear()
    with pytest.raises(NotEligible, match="its one claim has been made"):
        claim(server, wallet)
    assert server.posted() == []


def test_slots_are_drawn_without_repeating(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, version=2, claims_per_purchase=4)
    for _ in range(4):
        assert claim(server, wallet).decision == "approved"
    assert sorted(made.body.number for made in wallet.claims) == [0, 1, 2, 3]
    assert len({made.body.nonce for made in wallet.claims}) == 4


def test_an_old_backup_claims_again(server: ShopServer, wallet: Wallet) -> None:
    backup = before_it(server, wallet)
    first = claim(server, wallet)
    second = claim(server, backup)
    assert (second.decision, second.reason) == ("declined", "already_claimed")
    assert second.earlier == first.claim_id
    with pytest.raises(NotEligible, match="its one claim has been made"):
        claim(server, backup)


def test_a_purchase_of_an_ended_ownership(server: ShopServer, wallet: Wallet) -> None:
    backup = before_it(server, wallet)
    wallet.retire(server.shop(), refund(server, wallet))
    declined = claim(server, backup)
    assert (declined.decision, declined.reason) == ("declined", "ownership_ended")
    with pytest.raises(NotEligible, match="ownership has ended"):
        claim(server, wallet)


def test_a_tampered_proof_is_declined(server: ShopServer, wallet: Wallet) -> None:
    """On its way: the decision is on other bytes than the wallet sent."""

    def tamper(request: httpx.Request) -> Any:
        document = parse_json(request.content)
        proof = bytearray(wallet.claims[0].proof)
        proof[-1] ^= 1
        document["proof"] = encode_base64(bytes(proof))
        return server._answer(httpx.Request("POST", request.url, content=canonical_json(document)))

    server.instead["/claims"] = tamper
    with pytest.raises(FormatError, match="another request"):
        claim(server, wallet)
    server.instead.clear()
    assert claim(server, wallet).decision == "approved"  # the same bytes, sent again
    assert len(wallet.claims) == 1


def test_a_declined_proof_uses_no_slot(server: ShopServer, wallet: Wallet) -> None:
    server.lies["/claims"] = lambda honest: {
        **honest,
        "decision": "declined",
        "status": "declined",
        "reason": "proof_invalid",
        "receipt": None,
    }
    assert claim(server, wallet).reason == "proof_invalid"
    server.lies.clear()
    # The liar has logged the claim, and now says so; the wallet learns which one it was.
    assert claim(server, wallet).earlier == wallet.claims[0].claim_id


# ---- sending what was previewed


def not_sent(server: ShopServer, wallet: Wallet, shown: Preview, match: str) -> None:
    known, sent = wallet.claims, len(server.posted())
    with pytest.raises(WalletError, match=match):
        wallet.send(server.shop(), shown)
    assert (wallet.claims, len(server.posted())) == (known, sent)


def test_a_preview_is_sent_once(server: ShopServer, wallet: Wallet) -> None:
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert wallet.send(server.shop(), shown).decision == "approved"
    not_sent(server, wallet, shown, "another claim was made")


def test_a_preview_is_not_sent_after_the_secret(server: ShopServer, wallet: Wallet) -> None:
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    result = refund(server, wallet)
    not_sent(server, wallet, shown, "another claim was made")
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    wallet.retire(server.shop(), result)
    not_sent(server, wallet, shown, "another claim was made")


def test_a_preview_of_yesterday_is_not_sent(server: ShopServer, wallet: Wallet) -> None:
    """Its date and window would tell that it waited."""
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    server.world.clock.advance(hours=12)
    not_sent(server, wallet, shown, "another day")
    server.world.clock.advance(hours=-12)
    assert wallet.send(server.shop(), shown).decision == "approved"


def test_a_preview_is_not_sent_to_another_merchant(server: ShopServer, wallet: Wallet) -> None:
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    (known,) = wallet._state.merchants.values()
    other = replace(known, origin="ledger.example/other", address="https://other.example/x")
    wallet._state = wallet._state.with_merchant(other)
    with server.shop() as shop:
        shop.address = other.address
        with pytest.raises(WalletError, match="another merchant"):
            wallet.send(shop, shown)
    assert server.posted() == []
    assert wallet.send(server.shop(), shown).decision == "approved"


# ---- choosing the purchase


def test_nothing_is_sent_for_a_purchase_that_does_not_qualify(server: ShopServer) -> None:
    poor = server.wallet()
    server.sell(poor, "1002", price=990, product="tea")
    server.world.close()
    server.requests.clear()
    with pytest.raises(NotEligible) as caught:
        claim(server, poor)
    assert caught.value.reasons == (
        "product tea is not covered",
        "price 9.90 EUR is 0.10 below the minimum 10.00",
    )
    assert server.posted() == []
    assert not any(path.endswith("/ring") for path in server.paths())


def test_reasons_name_the_order_where_there_are_several(server: ShopServer) -> None:
    poor = server.wallet()
    server.sell(poor, "1002", price=990)
    server.sell(poor, "1003", product="tea")
    server.world.close()
    with pytest.raises(NotEligible) as caught:
        claim(server, poor)
    assert caught.value.reasons == (
        "order 1002: price 9.90 EUR is 0.10 below the minimum 10.00",
        "order 1003: product tea is not covered",
    )


def test_an_empty_wallet(server: ShopServer) -> None:
    with pytest.raises(NotEligible, match="no purchase from this merchant"):
        claim(server, server.wallet())


def test_the_only_purchase_that_qualifies_is_taken(server: ShopServer, wallet: Wallet) -> None:
    server.sell(wallet, "1002", price=990)
    server.world.close()
    assert claim(server, wallet).order == "1001"


def test_of_two_purchases_one_has_to_be_named(server: ShopServer, wallet: Wallet) -> None:
    second = server.sell(wallet, "1002")
    server.world.close()
    with pytest.raises(SeveralQualify) as caught:
        claim(server, wallet)
    assert caught.value.orders == ("1001", "1002")
    assert claim(server, wallet, purchase=second).order == "1002"
    assert claim(server, wallet).order == "1001"


def test_a_named_purchase_that_does_not_qualify(server: ShopServer, wallet: Wallet) -> None:
    poor = server.sell(wallet, "1002", price=990)
    server.world.close()
    with pytest.raises(NotEligible, match=r"^price 9\.90 EUR"):
        claim(server, wallet, purchase=poor)


def test_a_named_purchase_from_another_merchant(server: ShopServer, wallet: Wallet) -> None:
    foreign = replace(wallet.purchases[0], origin="ledger.example/other")
    with pytest.raises(NotEligible, match="another merchant"):
        claim(server, wallet, purchase=foreign)


def test_a_purchase_that_is_not_closed_yet(server: ShopServer) -> None:
    wallet = server.wallet()
    server.sell(wallet, "1001")
    with pytest.raises(NotProvableYet):
        claim(server, wallet)
    server.world.close()
    assert claim(server, wallet).decision == "approved"


# ---- what is sent


def test_no_request_carries_a_key(server: ShopServer, wallet: Wallet) -> None:
    """Over a whole life: request, receipt, claim, refund; but for the one secret handed in."""
    wallet = server.wallet()
    server.sell(wallet, "an-unmistakable-order")
    server.world.close()
    claim(server, wallet)
    result = refund(server, wallet)
    opening = wallet.purchases[0].opening
    sent = b"".join(
        str(request.url).encode() + request.content + repr(request.headers).encode()
        for request in server.requests
    )
    keys = (opening.serial, opening.secret, opening.blinding, wallet.purchases[0].keys.serial_0)
    for key in keys:
        assert key.to_bytes(32, "big").hex().encode() not in sent
        assert str(key).encode() not in sent
    assert wallet.purchases[0].commitment.hex().encode() not in sent
    assert b"unmistakable" not in sent
    wallet.retire(server.shop(), result)
    assert server.posted()[-1].content.count(opening.secret.to_bytes(32, "big").hex().encode()) == 1


def test_all_wallets_ask_the_same(server: ShopServer, wallet: Wallet) -> None:
    """Headers and paths of a claim do not tell one wallet from another."""
    other = server.wallet()
    server.sell(other, "1002")
    server.world.close()
    asked = []
    for claimant in (wallet, other):
        server.requests.clear()
        claim(server, claimant)
        names = [(r.method, r.url.path, sorted(r.headers.items())) for r in server.requests]
        asked.append([(m, p, [h for h in hs if h[0] != "content-length"]) for m, p, hs in names])
    assert asked[0] == asked[1]


# ---- what is believed


def without_receipt(answer: Any, _: ShopServer) -> None:
    answer["receipt"] = None


def with_a_false_proof(answer: Any, _: ShopServer) -> None:
    answer["receipt"]["proof"] = answer["receipt"]["proof"].replace("index ", "index 1", 1)


def with_another_event(answer: Any, _: ShopServer) -> None:
    answer["receipt"]["event"]["time"] = "2026-11-21T12:00:59Z"


def with_an_event_of_the_purchase_log(answer: Any, server: ShopServer) -> None:
    log = PrivateLog(server, ORIGIN, [canonical_json(answer["receipt"]["event"])])
    answer["receipt"]["proof"] = log.proof(0)


def approving_another_claim(answer: Any, _: ShopServer) -> None:
    answer["claim_id"] = "0" * 64


def with_more(answer: Any, _: ShopServer) -> None:
    answer["note"] = "trust me"


def approved_with_a_reason(answer: Any, _: ShopServer) -> None:
    answer["reason"] = "proof_invalid"


def maybe(answer: Any, _: ShopServer) -> None:
    answer["decision"] = "maybe"


def with_an_unknown_status(answer: Any, _: ShopServer) -> None:
    answer["status"] = "pending"


def with_an_earlier_claim_that_is_none(answer: Any, _: ShopServer) -> None:
    answer["earlier"] = 7


def with_a_receipt_of_nothing(answer: Any, _: ShopServer) -> None:
    answer["receipt"] = {}


def with_a_proof_that_is_no_text(answer: Any, _: ShopServer) -> None:
    answer["receipt"]["proof"] = 7


def logged(change: Callable[[Any], None]) -> Callable[[Any, ShopServer], None]:
    """A merchant who logs and signs another decision than the one it was asked for."""

    def forge(answer: Any, server: ShopServer) -> None:
        change(answer["receipt"]["event"])
        events = [*all_events(server.world)[:-1], answer["receipt"]["event"]]
        log = event_log(server, events)
        answer["receipt"]["proof"] = log.proof(len(events) - 1)

    return forge


@pytest.mark.parametrize(
    "forge",
    [
        without_receipt,
        with_a_false_proof,
        with_another_event,
        with_an_event_of_the_purchase_log,
        approving_another_claim,
        with_more,
        approved_with_a_reason,
        maybe,
        with_an_unknown_status,
        with_an_earlier_claim_that_is_none,
        with_a_receipt_of_nothing,
        with_a_proof_that_is_no_text,
        logged(lambda event: event.update(decision="declined")),
        logged(lambda event: event.update(claim_id="0" * 64)),
        logged(lambda event: event.update(proof=event["proof"][4:])),
        logged(lambda event: event.update(tags=event["tags"][::-1])),
        logged(lambda event: event.update(retire_by="2026-12-01T00:00:00Z")),
        logged(lambda event: event.update(time="2026-11-20T23:59:59Z")),
        logged(lambda event: event.update(time="2026-11-24T00:00:00Z")),
        logged(lambda event: event.update(type="claim.noted")),
        logged(lambda event: event.update(more=1)),
        logged(lambda event: event["claim"].update(remedy="replacement")),
        logged(lambda event: event["claim"].update(version=True)),
        logged(lambda event: event["claim"].update(nonce="00" * 16)),
    ],
)
def test_decision_receipt_is_forged(
    server: ShopServer, wallet: Wallet, forge: Callable[[Any, ShopServer], None]
) -> None:
    def lie(honest: Any) -> Any:
        forge(honest, server)
        return honest

    server.lies["/claims"] = lie
    with pytest.raises((FormatError, VerificationError)):
        claim(server, wallet)
    (made,) = wallet.claims
    assert made.outcome is None  # no answer has come, as far as the wallet is concerned
    server.lies.clear()
    assert claim(server, wallet).claim_id == made.claim_id


def test_the_forgers_tools_pass_what_is_true(server: ShopServer, wallet: Wallet) -> None:
    forge = logged(lambda _: None)
    server.lies["/claims"] = lambda honest: forge(honest, server) or honest
    assert claim(server, wallet).decision == "approved"


# ---- what survives


def test_the_answer_is_lost(server: ShopServer, wallet: Wallet) -> None:
    server.lost.add("/claims")
    with pytest.raises(Unreachable):
        claim(server, wallet)
    server.lost.clear()
    result = claim(server, wallet)
    assert result.decision == "approved"
    assert len(wallet.claims) == 1
    assert len(server.world.events("claim.decided")) == 1
    assert server.posted()[0].content == server.posted()[1].content


def test_the_answer_is_lost_for_days(server: ShopServer, wallet: Wallet) -> None:
    """Sent again it is too old to be judged; but it was judged, and can be looked up."""
    server.lost.add("/claims")
    with pytest.raises(Unreachable):
        claim(server, wallet)
    server.lost.clear()
    server.world.clock.advance(days=3)
    assert claim(server, wallet).decision == "approved"
    assert len(server.world.events("claim.decided")) == 1


def test_the_request_is_lost_for_days(server: ShopServer, wallet: Wallet) -> None:
    def lose(request: httpx.Request) -> Any:
        raise httpx.ConnectError("down", request=request)

    server.instead["/claims"] = lose
    with pytest.raises(Unreachable):
        claim(server, wallet)
    server.instead.clear()
    server.world.clock.advance(days=3)
    with pytest.raises(NeverJudged):
        claim(server, wallet)
    assert [made.outcome for made in wallet.claims] == ["refused"]
    assert claim(server, wallet).decision == "approved"
    assert [made.outcome for made in wallet.claims] == ["refused", "approved"]


def test_a_refused_claim_uses_no_slot(server: ShopServer, wallet: Wallet) -> None:
    wallet._clock = lambda: server.world.clock() + timedelta(days=5)
    with pytest.raises(Refused) as caught:
        claim(server, wallet)
    assert caught.value.code == "claim-date"
    wallet._clock = server.world.clock
    assert claim(server, wallet).decision == "approved"


@pytest.mark.parametrize("days", [365, -365])
def test_a_clock_a_year_off_sends_nothing(server: ShopServer, wallet: Wallet, days: int) -> None:
    wallet._clock = lambda: server.world.clock() + timedelta(days=days)
    before = wallet._state.purchases
    with pytest.raises(KvittoError, match="clock is"):
        claim(server, wallet)
    assert server.posted() == []
    assert (wallet._state.purchases, wallet.claims) == (before, ())
    wallet._clock = server.world.clock
    assert claim(server, wallet).decision == "approved"


def test_a_claim_is_on_the_disk_before_it_is_sent(server: ShopServer, tmp_path: Path) -> None:
    path = tmp_path / "buyer.wallet"
    options: dict[str, Any] = {"clock": server.world.clock, "smallest_ring": 2}
    with Wallet.create(path, "passphrase", **options) as stored:
        server.sell(stored, "1002")
        server.world.close()
        server.lost.add("/claims")
        with pytest.raises(Unreachable):
            claim(server, stored)
    server.lost.clear()
    with Wallet.open(path, "passphrase", **options) as stored:
        (made,) = stored.claims
        result = claim(server, stored)
        assert result.claim_id == made.claim_id
    with Wallet.open(path, "passphrase", **options) as stored:
        assert stored.claims[0].receipt is not None


def test_a_full_disk_stops_the_claim(
    server: ShopServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"clock": server.world.clock, "smallest_ring": 2}
    with Wallet.create(tmp_path / "buyer.wallet", "passphrase", **options) as stored:
        server.sell(stored, "1002")
        server.world.close()
        stored.preview(server.shop(), "warranty-2y", remedy="repair")
        server.requests.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", _full)
            with pytest.raises(WalletError):
                claim(server, stored)
        assert server.posted() == []
        assert claim(server, stored).decision == "approved"


def _full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


# ---- tags that were seen before


def refuse_claims(server: ShopServer) -> None:
    def refuse(_: httpx.Request) -> Any:
        raise Refused("claim-date", "not the date of today or yesterday (UTC)", "claim.date")

    server.instead["/claims"] = refuse


def refused(server: ShopServer, wallet: Wallet) -> None:
    with pytest.raises(Refused):
        claim(server, wallet)


def test_server_refuses_to_see_the_tags_over_other_rings(server: ShopServer) -> None:
    """What the rings of equal tags have in common stays as large as the buyer asks."""
    wallet = server.wallet(smallest_ring=4)
    server.sell(wallet, "1001")
    server.world.close()
    refuse_claims(server)
    refused(server, wallet)
    for index in range(6):  # the merchant voids suspects in between
        server.world.issuer.void(server.world.merchant, index, "returned")
    server.world.buy(*(server.world.sale() for _ in range(20)))
    server.world.close()
    server.requests.clear()
    with pytest.raises(RingTooSmall) as caught:
        claim(server, wallet)
    assert caught.value.size == 3
    assert server.posted() == []
    bold = server.wallet(smallest_ring=3)
    bold._state = wallet._state
    refused(server, bold)
    (first, second) = (set(made.indices) for made in bold.claims)
    assert len(first & second) == 3


def test_a_claim_that_shows_its_tags_again_keeps_the_span(
    server: ShopServer, wallet: Wallet
) -> None:
    """Over a longer span the cells are finer, and fewer members are in both."""
    refuse_claims(server)
    refused(server, wallet)
    server.world.buy(*(server.world.sale() for _ in range(150)))
    server.world.close()
    server.instead.clear()
    result = claim(server, wallet)
    codes = {each.code: each.text for each in result.advice}
    assert "9 purchases in common" in codes["tags-shown-again"]
    assert "bought from 2024-11-21 to 2026-11-21" in codes["tags-shown-again"]
    first, second = wallet.claims
    assert first.tags == second.tags
    assert first.indices == second.indices


def test_server_refuses_to_see_the_tags_under_other_policies(
    server: ShopServer, wallet: Wallet
) -> None:
    refuse_claims(server)
    refused(server, wallet)
    narrow, other = {"price": {"currency": "EUR", "min": 20_000}}, {"remedies": ["store_credit"]}
    server.world.publish(WARRANTY, version=2, **narrow, **other)
    server.requests.clear()
    with pytest.raises(PolicyChanged):
        wallet.claim(server.shop(), "warranty-2y", remedy="store_credit")
    assert not any(path.endswith("/ring") for path in server.paths())
    server.world.publish(WARRANTY, version=3, **other)  # the same conditions again
    server.instead.clear()
    result = wallet.claim(server.shop(), "warranty-2y", remedy="store_credit")
    assert result.decision == "approved"
    assert [made.body.version for made in wallet.claims] == [1, 3]


def test_a_version_whose_tags_were_not_seen_otherwise_is_preferred(
    server: ShopServer, wallet: Wallet
) -> None:
    """A merchant refuses, publishes something better but narrower, and waits."""
    refuse_claims(server)
    refused(server, wallet)
    server.instead.clear()
    narrow = {"price": {"currency": "EUR", "min": 20_000}}
    server.world.publish(WARRANTY, version=2, purchased={"oldest": "P9Y"}, **narrow)
    assert claim(server, wallet).decision == "approved"
    assert [made.body.version for made in wallet.claims] == [1, 1]


def test_a_slot_whose_tags_were_not_seen_is_preferred(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, version=2, claims_per_purchase=3)
    refuse_claims(server)
    for _ in range(3):
        refused(server, wallet)
    assert len({made.tags for made in wallet.claims}) == 3
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert "tags-shown-again" in [each.code for each in shown.advice]


def test_server_withholds_answers_to_get_proofs(server: ShopServer, wallet: Wallet) -> None:
    """One call, one proof."""
    server.lost.add("/claims")
    with pytest.raises(Unreachable):
        claim(server, wallet)
    server.lost.clear()
    refuse_claims(server)
    server.requests.clear()
    with pytest.raises(NeverJudged):
        claim(server, wallet)
    assert len(server.posted()) == len(wallet.claims) == 1


# ---- ending the ownership


def test_a_refund_in_two_steps(server: ShopServer, wallet: Wallet) -> None:
    result = refund(server, wallet)
    assert (result.decision, result.status) == ("approved", "awaiting_secret")
    assert [made.secret_sent for made in wallet.claims] == [False]
    done = wallet.retire(server.shop(), result)
    assert (done.status, done.claim_id) == ("completed", result.claim_id)
    assert [made.secret_sent for made in wallet.claims] == [True]
    assert len(server.world.events("ownership.retired")) == 1


def dated(event: dict[str, Any], time: str, retire_by: str | None) -> None:
    event.update(time=time, retire_by=retire_by)


@pytest.mark.parametrize(
    "deadline",
    [
        ("2026-11-21T12:00:00Z", "2026-11-28T11:59:59Z"),
        ("2026-11-21T12:00:00Z", "2026-11-29T12:00:00Z"),
        ("2026-11-21T12:00:00Z", None),
        ("2026-11-21T12:00:00Z", ""),
        ("2026-11-14T12:00:00Z", "2026-11-21T12:00:00Z"),
        ("2026-12-21T12:00:00Z", "2026-12-28T12:00:00Z"),
    ],
)
def test_server_logs_another_deadline_than_the_policys(
    server: ShopServer, wallet: Wallet, deadline: tuple[str, str | None]
) -> None:
    """An approval that lapses before the secret can be sent, or that others think has lapsed."""
    forge = logged(lambda event: dated(event, *deadline))
    server.lies["/claims"] = lambda honest: forge(honest, server) or honest
    with pytest.raises(VerificationError, match=r"another (day|deadline)"):
        refund(server, wallet)
    assert wallet.claims[0].outcome is None
    true = logged(lambda event: dated(event, "2026-11-23T23:59:59Z", "2026-11-30T23:59:59Z"))
    server.lies["/claims"] = lambda honest: true(honest, server) or honest
    assert refund(server, wallet).retire_by == "2026-11-30T23:59:59Z"


def test_server_words_another_deadline_than_it_logs(server: ShopServer, wallet: Wallet) -> None:
    server.lies["/claims"] = lambda honest: {**honest, "retire_by": "2027-01-01T00:00:00Z"}
    assert refund(server, wallet).retire_by == "2026-11-28T12:00:00Z"


def no_secret(
    server: ShopServer, wallet: Wallet, result: ClaimResult, kind: type[KvittoError], match: str
) -> None:
    with pytest.raises(kind, match=match):
        wallet.retire(server.shop(), result)
    assert not any(path.endswith("/retirement") for path in server.paths())
    assert not any(made.secret_sent for made in wallet.claims)


def test_server_asks_for_the_secret_of_a_warranty(server: ShopServer, wallet: Wallet) -> None:
    server.lies["/claims"] = lambda honest: {**honest, "status": "awaiting_secret"}
    result = claim(server, wallet)
    assert result.status == "awaiting_secret"
    no_secret(server, wallet, result, WalletError, "needs no secret")


def test_server_asks_for_the_secret_before_the_approval_is_proven(
    server: ShopServer, wallet: Wallet
) -> None:
    def lie(honest: Any) -> Any:
        honest["receipt"]["event"]["time"] = "2026-11-21T12:00:59Z"
        return honest

    server.lies["/claims"] = lie
    with pytest.raises(VerificationError):
        refund(server, wallet)
    (made,) = wallet.claims
    forged = replace(_result(made.claim_id), status="awaiting_secret")
    no_secret(server, wallet, forged, WalletError, "no approval")
    server.lies.clear()
    assert wallet.retire(server.shop(), refund(server, wallet)).status == "completed"


def _result(claim_id: str) -> ClaimResult:
    return ClaimResult(claim_id, "1001", "refund-14d", "approved", "", None, None, None)


def test_server_asks_for_the_secret_of_a_claim_nobody_made(
    server: ShopServer, wallet: Wallet
) -> None:
    refund(server, wallet)
    no_secret(server, wallet, _result("0" * 64), WalletError, "no approval")


def test_an_approval_that_has_lapsed_gets_no_secret(server: ShopServer, wallet: Wallet) -> None:
    result = refund(server, wallet)
    server.world.clock.advance(days=8)
    no_secret(server, wallet, result, WalletError, "lapsed")
    server.world.clock.advance(days=-2)
    assert wallet.retire(server.shop(), result).status == "completed"


def test_the_answer_to_the_secret_is_lost(server: ShopServer, wallet: Wallet) -> None:
    result = refund(server, wallet)
    server.lost.add("/retirement")
    with pytest.raises(Unreachable):
        wallet.retire(server.shop(), result)
    server.lost.clear()
    assert wallet.claims[0].secret_sent
    assert wallet.retire(server.shop(), result).status == "completed"
    assert len(server.world.events("ownership.retired")) == 1


def test_the_answer_to_the_secret_is_lost_for_days(server: ShopServer, wallet: Wallet) -> None:
    result = refund(server, wallet)
    server.lost.add("/retirement")
    with pytest.raises(Unreachable):
        wallet.retire(server.shop(), result)
    server.lost.clear()
    server.world.clock.advance(days=30)
    assert wallet.retire(server.shop(), result).status == "completed"


def test_server_takes_an_approval_back(server: ShopServer, wallet: Wallet) -> None:
    """Once it has the secret. The wallet keeps the receipt that says otherwise."""
    result = refund(server, wallet)
    server.lies["/retirement"] = lambda honest: {
        **honest,
        "decision": "declined",
        "status": "declined",
        "reason": "proof_invalid",
        "receipt": None,
    }
    with pytest.raises(VerificationError, match="taken back"):
        wallet.retire(server.shop(), result)
    assert [(made.outcome, made.secret_sent) for made in wallet.claims] == [("approved", True)]
    server.lies.clear()
    assert wallet.retire(server.shop(), result).status == "completed"


def test_another_merchant_gets_no_secret(server: ShopServer, wallet: Wallet) -> None:
    result = refund(server, wallet)
    (known,) = wallet._state.merchants.values()
    other = replace(known, origin="ledger.example/other", address="https://other.example/x")
    wallet._state = wallet._state.with_merchant(other)
    with server.shop() as shop:
        shop.address = other.address
        with pytest.raises(WalletError, match="another merchant"):
            wallet.retire(shop, result)
    assert wallet.retire(server.shop(), result).status == "completed"


def test_a_refused_secret_is_told(server: ShopServer, wallet: Wallet) -> None:
    """A claim that this copy of the wallet does not know has ended the approval."""
    result = refund(server, wallet)
    advice = claim(server, before_it(server, wallet)).advice
    assert "approval-lapses" in [each.code for each in advice]
    with pytest.raises(Refused) as caught:
        wallet.retire(server.shop(), result)
    assert caught.value.code == "lapsed"


def test_server_asks_for_the_secret_after_a_claim_by_which_the_approval_lapsed(
    server: ShopServer, wallet: Wallet
) -> None:
    result = refund(server, wallet)
    assert claim(server, wallet).decision == "approved"
    no_secret(server, wallet, result, WalletError, "another claim was approved after it")


def test_server_withholds_the_answer_to_the_claim_by_which_the_approval_lapsed(
    server: ShopServer, wallet: Wallet
) -> None:
    result = refund(server, wallet)
    server.lost.add("/claims")
    with pytest.raises(Unreachable):
        claim(server, wallet)
    server.lost.clear()
    no_secret(server, wallet, result, WalletError, "no answer yet")
    assert claim(server, wallet).decision == "approved"
    no_secret(server, wallet, result, WalletError, "another claim was approved after it")


def test_a_claim_made_before_the_approval_and_judged_after_it(
    server: ShopServer, wallet: Wallet
) -> None:
    """What counts is the place in the log, not the order in which the wallet made its claims."""

    def lose(request: httpx.Request) -> Any:
        raise httpx.ConnectError("down", request=request)

    server.instead["/claims"] = lose
    with pytest.raises(Unreachable):
        claim(server, wallet)
    server.instead.clear()
    result = refund(server, wallet)
    assert claim(server, wallet).claim_id == wallet.claims[0].claim_id
    no_secret(server, wallet, result, WalletError, "another claim was approved after it")


def test_server_asks_for_the_secret_while_an_earlier_approval_waits(
    server: ShopServer, wallet: Wallet
) -> None:
    server.world.publish(REFUND, id="refund-30d", purchased={"oldest": "P30D"})
    first = refund(server, wallet)
    second = wallet.claim(server.shop(), "refund-30d", remedy="refund")
    no_secret(server, wallet, second, WalletError, "goes before")
    assert wallet.retire(server.shop(), first).status == "completed"
    server.requests.clear()
    with pytest.raises(WalletError, match="goes before"):
        wallet.retire(server.shop(), second)
    assert server.requests == []


def test_an_earlier_approval_that_has_lapsed_does_not_go_before(
    server: ShopServer, wallet: Wallet
) -> None:
    server.world.publish(REFUND, id="refund-30d", purchased={"oldest": "P30D"})
    refund(server, wallet)
    assert claim(server, wallet).decision == "approved"  # by which the first has lapsed
    second = wallet.claim(server.shop(), "refund-30d", remedy="refund")
    assert wallet.retire(server.shop(), second).status == "completed"


def test_no_secret_is_sent_in_the_last_minutes(server: ShopServer, wallet: Wallet) -> None:
    """It could arrive too late, and be public for nothing."""
    result = refund(server, wallet)
    server.world.clock.advance(days=7, minutes=-9)
    no_secret(server, wallet, result, WalletError, "lapsed")
    server.world.clock.advance(minutes=-1)
    assert wallet.retire(server.shop(), result).status == "completed"


def test_linked_claims_keep_enough_in_common(server: ShopServer, wallet: Wallet) -> None:
    """A refund publishes the secret, and so links all claims of this owner to each other."""
    assert claim(server, wallet).decision == "approved"
    for index in range(4):  # the merchant voids suspects between the two claims
        server.world.issuer.void(server.world.merchant, index, "returned")
    server.world.buy(*(server.world.sale() for _ in range(8)))
    server.world.close()
    careful = server.wallet(smallest_ring=6)
    careful._state = wallet._state
    with pytest.raises(RingTooSmall) as caught:
        refund(server, careful)
    assert caught.value.size == 5
    assert len(careful.claims) == 1
    bold = server.wallet(smallest_ring=5)
    bold._state = wallet._state
    result = refund(server, bold)
    codes = {each.code: each.text for each in result.advice}
    assert "4 purchases" in codes["ring-lost-members"]
    assert "5 purchases in common" in codes["claims-become-linked"]
    careful._state = bold._state
    no_secret(server, careful, result, RingTooSmall, "only 5")
    assert bold.retire(server.shop(), result).status == "completed"


# ---- seeing it before


def test_a_preview_says_what_would_be_learnt_and_sends_nothing(
    server: ShopServer, wallet: Wallet
) -> None:
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert server.posted() == []
    assert wallet.claims == ()
    told = "; ".join(shown.learns)
    for part in ("4006381333931", "2024-11-21 to 2026-11-21", "10.00 EUR to 500.00 EUR", "repair"):
        assert part in told
    assert "249.00" not in told + "; ".join(shown.hidden)
    assert "the batch" in shown.hidden
    assert [each.code for each in shown.advice] == ["no-seed-witness"]


def test_a_preview_has_no_figure_for_the_effective_anonymity(
    server: ShopServer, wallet: Wallet
) -> None:
    """Nine of the twelve qualify. That is for the merchant to count and not for us to print."""
    server.world.buy(*(server.world.sale(product="tea") for _ in range(3)))
    server.world.close()
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert shown.ring_size == 12
    words = " ".join([*shown.learns, *shown.hidden, *(each.text for each in shown.advice)])
    assert "12" in words.split()
    assert "9" not in words.split()


def test_a_preview_of_a_policy_that_asks_little(server: ShopServer, wallet: Wallet) -> None:
    batches = [f"L{n}" for n in range(7)]
    open_policy = {name: WARRANTY[name] for name in WARRANTY.keys() - {"products", "price"}}
    del open_policy["purchased"]
    server.world.publish(open_policy, id="recall", kind="recall", batches=batches)
    server.sell(wallet, "1002", batch="L3")
    server.world.close()
    shown = wallet.preview(server.shop(), "recall", remedy="repair")
    assert "its batch is one of 7: L0, L1, L2, L3, L4 and 2 more" in shown.learns
    for hidden in ("the product", "the day", "the price and the currency"):
        assert hidden in shown.hidden
    assert "which of these batches it is of" in shown.hidden


def test_a_preview_of_a_refund_warns_of_the_secret(server: ShopServer, wallet: Wallet) -> None:
    shown = wallet.preview(server.shop(), "refund-14d", remedy="refund")
    assert any("secret" in line for line in shown.learns)


def test_server_hides_the_newest_closes(server: ShopServer, wallet: Wallet) -> None:
    """To learn who bought before them. The log is manual: nobody promised a close each day."""
    server.world.clock.advance(days=31)
    assert wallet.preview(server.shop(), "warranty-2y", remedy="repair").ring_size == 9
    server.world.clock.advance(seconds=1)
    server.requests.clear()
    with pytest.raises(StaleLog, match="2026-11-21"):
        claim(server, wallet)
    assert not any(path.endswith("/ring") for path in server.paths())
    result = claim(server, wallet, accept_stale=True)
    assert "late-close" in [each.code for each in result.advice]


def test_a_daily_log_is_stale_after_two_days(server: ShopServer, wallet: Wallet) -> None:
    shop, now = server.shop(), server.world.clock()
    view, _ = read_merchant(shop, wallet._state.merchants[ORIGIN], now)
    daily = replace(view, declaration=replace(view.declaration, period="P1D"))
    assert not daily.is_stale(now + timedelta(days=2))
    assert daily.is_stale(now + timedelta(days=2, seconds=1))
    assert not view.is_stale(now + timedelta(days=2, seconds=1))
    assert not replace(daily, closes=()).is_stale(now + timedelta(days=3))
