from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from api.problems import MEDIA_TYPE
from ledger.entries import Transferred
from ledger.events import encode_event
from ledger.note import parse_vkey
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from tests.api.shop import Shop
from tests.databases import Databases, fresh
from tests.handover import Handover, hand_over, settle
from tests.world import Bought


def _secret(bought: Bought) -> dict[str, str]:
    return {"secret": bought.keys.secret.to_bytes(32, "big").hex()}


def test_a_purchase_changes_hands(shop: Shop) -> None:
    seller, *_ = shop.open_for_claims()
    settle(shop)
    handover = hand_over(shop, seller)
    answer = shop.post("transfers", handover.document())
    approved = answer.json()
    assert (answer.status_code, approved["status"]) == (201, "awaiting_secret")
    assert [approved[name] for name in ("retirement", "index", "proof")] == [None] * 3
    before = shop.state()
    again = shop.post("transfers", handover.document())
    assert (again.status_code, again.json()) == (200, approved)
    assert shop.state() == before

    path = f"transfers/{approved['transfer_id']}"
    done = shop.post(f"{path}/retirement", _secret(seller))
    assert (done.status_code, done.json()["status"]) == (200, "completed")
    before = shop.state()
    for repeated in (
        shop.post(f"{path}/retirement", _secret(seller)),
        shop.get(path),
        shop.post("transfers", handover.document()),
    ):
        assert (repeated.status_code, repeated.json()) == (200, done.json())
    assert shop.state() == before
    _check_offline(shop, handover, done.json())

    shop.close()
    owner = Bought(done.json()["index"], handover.keys, handover.opening, {})
    assert shop.post("claims", shop.claim_body(seller)).json()["reason"] == "ownership_ended"
    assert shop.post("claims", shop.claim_body(owner)).status_code == 201
    assert len(shop.get("claims").json()["claims"]) == 1  # transfers are none


def _check_offline(shop: Shop, handover: Handover, done: dict[str, Any]) -> None:
    """As the new owner does, before paying."""
    merchant = shop.get("").json()
    events, purchases = (parse_vkey(merchant[f"{log}_vkey"]) for log in ("events", "purchases"))
    for name in ("receipt", "retirement"):
        proof = TlogProof.parse(done[name]["proof"].encode())
        verify_tlog_proof(proof, encode_event(done[name]["event"]), events)
    entry = Transferred(handover.commitment).encode()
    verify_tlog_proof(TlogProof.parse(done["proof"].encode()), entry, purchases)


def test_a_decline_says_why_and_leaves_nothing(shop: Shop) -> None:
    seller, other, _ = shop.open_for_claims()
    settle(shop)
    body = hand_over(shop, seller).document()
    stranger = hand_over(shop, other).document()
    before = shop.state()
    acceptance = stranger["transfer"]["acceptance"]
    for changes, reason in (
        ({"nonce": "0" * 32}, "proof_invalid"),
        ({"acceptance": acceptance}, "acceptance_invalid"),
        (
            {"acceptance": acceptance, "blinded": stranger["transfer"]["blinded"]},
            "proof_invalid",
        ),
    ):
        answer = shop.post("transfers", {**body, "transfer": {**body["transfer"], **changes}})
        assert (answer.status_code, answer.json()["reason"]) == (200, reason)
        assert answer.json()["receipt"] is None
    assert shop.state() == before
    assert shop.post("transfers", body).status_code == 201


def test_a_transfer_needs_no_key_and_is_not_told_who_asks(shop: Shop) -> None:
    operations = {operation.id: operation.document for operation in shop.client.operations}
    for public in ("make_a_transfer", "read_a_transfer", "complete_a_transfer"):
        assert "security" not in operations[public]
        assert {p["in"] for p in operations[public]["parameters"]} == {"path"}


# ---- problems


class Stage(Shop):
    """A shop where a transfer waits, one is possible and one is too early."""

    def prepare(self) -> None:
        self.sellers = self.open_for_claims()
        settle(self)
        self.waiting = hand_over(self, self.sellers[0])
        self.approved = self.waiting.approve().transfer_id
        self.honest = hand_over(self, self.sellers[1])
        self.buy(self.sale())
        self.close()
        self.late = self.sizes()[0]

    def transfer_with(self, **changes: Any) -> httpx.Response:
        body = self.honest.document()
        return self.post("transfers", {**body, "transfer": {**body["transfer"], **changes}})

    def accepted_with(self, **changes: Any) -> httpx.Response:
        acceptance = self.honest.body.acceptance.document()
        return self.transfer_with(acceptance={**acceptance, **changes})

    def retire(self, transfer: str, secret: object) -> httpx.Response:
        return self.post(f"transfers/{transfer}/retirement", {"secret": secret})


@pytest.fixture(scope="module")
def stage(databases: Databases) -> Iterator[Stage]:
    with fresh(databases) as database, Stage(database) as stage:
        stage.prepare()
        yield stage


def _with(**changes: Any) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.transfer_with(**changes)


def _accepted(**changes: Any) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.accepted_with(**changes)


def _proof(proof: object) -> Callable[[Stage], httpx.Response]:
    return lambda s: s.post("transfers", {**s.honest.document(), "proof": proof})


_NOT_ON_CURVE = "02" + "00" * 31 + "01"  # no y for this x
_C_NEW = "transfer.acceptance.commitment"
CASES: list[tuple[str, str | None, Callable[[Stage], httpx.Response]]] = [
    ("malformed", "transfer", lambda s: s.post("transfers", {})),
    ("malformed", "proof", _proof(7)),
    ("malformed", "proof", _proof("AB==")),
    ("malformed", "proof", _proof("AAAA")),
    ("malformed", "transfer.type", _with(type="claim")),
    ("malformed", "transfer.price", _with(price=1)),
    ("malformed", "transfer.nonce", _with(nonce="00")),
    ("malformed", "transfer.lane", _with(lane=-1)),
    ("malformed", "transfer.date", _with(date="2026-11-31")),
    ("malformed", "transfer.blinded", _with(blinded="02")),
    ("malformed", "transfer.blinded", _with(blinded=_NOT_ON_CURVE)),
    ("malformed", "transfer.acceptance", _with(acceptance=None)),
    ("malformed", _C_NEW, _accepted(commitment="02")),
    ("malformed", _C_NEW, _accepted(commitment=_NOT_ON_CURVE)),
    ("malformed", "transfer.acceptance.proof", _accepted(proof="00")),
    ("foreign-origin", "transfer.origin", _with(origin="ledger.example/other")),
    ("transfer-date", "transfer.date", _with(date="2026-11-22")),
    ("transfer-date", "transfer.date", _with(date="2026-11-19")),
    ("unknown-horizon", "transfer.first", _with(first=1)),
    ("unknown-horizon", "transfer.size", _with(size=2)),
    ("unknown-horizon", "transfer.voided_at", _with(voided_at=2**53 - 1)),
    ("unknown-lane", "transfer.lane", _with(lane=1)),
    ("still-voidable", "transfer.size", lambda s: s.transfer_with(size=s.late, voided_at=s.late)),
    (
        "duplicate-transfer",
        _C_NEW,
        lambda s: s.transfer_with(acceptance=s.waiting.body.acceptance.document()),
    ),
    ("unknown-merchant", "merchant", lambda s: s.post("/v1/merchants/nobody/transfers", {})),
    ("unknown-transfer", "transfer_id", lambda s: s.get("transfers/" + "0" * 64)),
    ("unknown-transfer", "transfer_id", lambda s: s.retire("0" * 64, "1" * 64)),
    ("unknown-claim", "claim_id", lambda s: s.get(f"claims/{s.approved}")),
    ("wrong-secret", "secret", lambda s: s.retire(s.approved, "0" * 63 + "1")),
    ("wrong-secret", "secret", lambda s: s.retire(s.approved, "0" * 64)),
    ("malformed", "secret", lambda s: s.retire(s.approved, "f" * 64)),
    ("malformed", "secret", lambda s: s.retire(s.approved, 7)),
]


@pytest.mark.parametrize(("code", "field", "send"), CASES)
def test_a_broken_rule_is_a_problem_and_nothing_is_written(
    stage: Stage, code: str, field: str | None, send: Callable[[Stage], httpx.Response]
) -> None:
    before = stage.state()
    answer = send(stage)
    problem = answer.json()
    assert (problem["type"], problem.get("field")) == (f"urn:kvitto:problem:{code}", field)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert 400 <= answer.status_code < 500
    assert stage.state() == before


def test_a_lapsed_approval_is_a_problem(shop: Shop) -> None:
    seller, *_ = shop.open_for_claims()
    settle(shop)
    approved = hand_over(shop, seller).approve()
    shop.clock.advance(days=2)
    path = f"transfers/{approved.transfer_id}"
    assert shop.get(path).json()["status"] == "lapsed"
    answer = shop.post(f"{path}/retirement", _secret(seller))
    assert answer.json()["type"] == "urn:kvitto:problem:lapsed"


def test_the_stage_is_one_on_which_honest_requests_succeed(stage: Stage) -> None:
    assert stage.transfer_with().status_code == 201
    done = stage.retire(stage.approved, _secret(stage.sellers[0])["secret"])
    assert done.json()["status"] == "completed"
