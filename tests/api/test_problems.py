"""Each rule that a request can break: a problem with a stable type, its field, nothing written."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from api.problems import MEDIA_TYPE
from commitments.mailbox import BOX_BYTES, LOOKUP_BOXES
from commitments.p256 import P256
from commitments.wire import encode_base64
from tests.api.boxes import deletion, deposit, lookup
from tests.api.shop import OPERATOR, SALE, Shop, values
from tests.databases import Databases, fresh
from tests.world import WARRANTY, Bought, new_keys, new_request

LONGEST = 1 << 16
BOX, EMPTIED, NEW = (bytes([n]) * 32 for n in range(3))
NOBODYS = "/v1/merchants/nobody/mailbox"


class Stage(Shop):
    """A shop in which every rule can be broken."""

    buyers: list[Bought]
    refund: str
    ordered: dict[str, Any]
    redeemed: str
    open_slip: str
    expired_slip: str

    def prepare(self) -> None:
        self.foreign_key = self.enter("other")["api_key"]
        self.daily_key = self.enter("daily", period="P1D")["api_key"]
        expired = {**WARRANTY, "id": "expired", "valid_to": "2026-11-01"}
        crowded = {**WARRANTY, "id": "crowded", "smallest_ring": 50}
        self.buyers = self.open_for_claims(expired, crowded)
        self.write(f"{_ENDED}/withdrawal", _FROM)
        self.keys = new_keys()
        self.ordered = self.same_request()
        self.write("purchases", self.ordered)
        self.close()
        self.write("sales", {"sales": [SALE]})
        self.close()
        claim = self.post("claims", self.claim_body(self.buyers[1], "refund-14d")).json()
        self.refund = claim["claim_id"]
        slips = values(self.write("sales", {"sales": [SALE, SALE]}), "slip")
        self.open_slip, self.redeemed = (slip["code"] for slip in slips)
        self.post("redemptions", self.redemption(self.redeemed))
        for address in (BOX, EMPTIED):
            self.post("mailbox/deposits", deposit(address))
        self.post("mailbox/deletions", deletion(EMPTIED))
        self.clock.advance(days=-1)
        slips = values(self.write("sales", {"sales": [SALE], **_by("2026-11-20")}), "slip")
        self.expired_slip = slips[0]["code"]
        self.clock.advance(days=1)

    def same_request(self) -> dict[str, Any]:
        """Another order each time, and the same commitment in the request."""
        order = self.order(self.sale(), self.keys)
        request = order.request.document()
        return {"order": order.reference, "sale": SALE, "request": request}

    def redemption(self, code: str) -> dict[str, Any]:
        return {"code": code, "request": new_request(code, new_keys()).document()}

    def claim_with(self, built_for: str = "warranty-2y", **changes: Any) -> httpx.Response:
        body = self.claim_body(self.buyers[0], built_for)
        return self.post("claims", {**body, "claim": {**body["claim"], **changes}})

    def purchase_with(self, **changes: Any) -> httpx.Response:
        return self.write("purchases", self.purchase_body(**changes))

    def retire(self, claim: str, secret: object) -> httpx.Response:
        return self.post(f"claims/{claim}/retirement", {"secret": secret})


def _by(day: object) -> dict[str, object]:
    return {"redeem_by": day}


@pytest.fixture(scope="module")
def stage(databases: Databases) -> Iterator[Stage]:
    with fresh(databases) as database, Stage(database) as stage:
        stage.prepare()
        yield stage


def _with_other_sale(stage: Stage) -> httpx.Response:
    return stage.write("purchases", {**stage.ordered, "sale": {**SALE, "price": 1}})


def _sale(**changes: Any) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.purchase_with(sale={**SALE, **changes})


def _request(**changes: Any) -> Callable[[Stage], httpx.Response]:
    def send(stage: Stage) -> httpx.Response:
        body = stage.purchase_body()
        return stage.write("purchases", {**body, "request": {**body["request"], **changes}})

    return send


def _claim(**changes: Any) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.claim_with(**changes)


def _policy(**changes: Any) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.write("policies", {**WARRANTY, "version": 2, **changes})


_FIRST, _OTHER, _ENDED = "policies/warranty-2y/1", "policies/warranty-2y/9", "policies/crowded/1"
_FROM = {"from": "2026-12-01"}


def _withdrawal(day: str) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.write(f"{_FIRST}/withdrawal", {"from": day})


def _raw(content: bytes) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.client.send("POST", "/v1/merchants/acme/claims", content=content)


def _box(**changes: Any) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.post("mailbox/deposits", {**deposit(NEW), **changes})


def _lookup(addresses: list[str]) -> Callable[[Stage], httpx.Response]:
    return lambda stage: stage.post("mailbox/lookups", {"addresses": addresses})


def _foreign(address: bytes) -> dict[str, Any]:
    return deletion(address, key=b"e" * 32)


_NOT_ON_CURVE = "02" + "00" * 31 + "01"  # no y for this x
_NOT_A_SCALAR = P256.order.to_bytes(32, "big").hex()

CASES: list[tuple[str, str | None, Callable[[Stage], httpx.Response]]] = [
    # bodies
    ("malformed", "body", _raw(b"")),
    ("malformed", "body", _raw(b"{")),
    ("malformed", "body", _raw(b"[]")),
    ("malformed", "body", _raw(b"\xff{}")),
    ("malformed", "body", _raw(b"\xef\xbb\xbf{}")),
    ("malformed", "body", _raw(b'{"claim": {}, "claim": {}}')),
    ("malformed", "body", _raw(b'{"claim": NaN}')),
    ("malformed", "body", _raw(b'{"claim": -Infinity}')),
    ("malformed", "body", _raw(b'{"claim": 1.0}')),
    ("malformed", "body", _raw(b'{"claim": 1e3}')),
    ("malformed", "body", _raw(b"[" * 60_000)),
    ("malformed", "claim.nonce", _raw(b'{"claim": {"nonce": "\\ud800"}}')),
    ("malformed", "claim.nonce", _raw(b'{"claim": {"nonce": "A\xcc\x8a"}}')),
    ("malformed", "claim.size", _raw(b'{"claim": {"size": 9007199254740993}}')),
    ("malformed", "claim", _raw(b"{}")),
    ("malformed", "prove", lambda s: s.post("claims", {"claim": {}, "proof": "", "prove": ""})),
    ("too-large", None, _raw(b" " * (LONGEST + 1))),
    ("too-large", None, lambda s: s.write("policies", {"title": "x" * LONGEST})),
    # merchants
    (
        "duplicate-merchant",
        "id",
        lambda s: s.post("/v1/merchants", {"id": "acme", "name": "A"}, OPERATOR),
    ),
    ("malformed", "id", lambda s: s.post("/v1/merchants", {"id": "Acme", "name": "A"}, OPERATOR)),
    ("malformed", "id", lambda s: s.post("/v1/merchants", {"id": 7, "name": "A"}, OPERATOR)),
    ("malformed", "name", lambda s: s.post("/v1/merchants", {"id": "b", "name": ""}, OPERATOR)),
    ("malformed", "name", lambda s: s.post("/v1/merchants", {"id": "b"}, OPERATOR)),
    ("unauthorised", None, lambda s: s.post("/v1/merchants", {"id": "b", "name": "B"})),
    ("unknown-merchant", "merchant", lambda s: s.get("/v1/merchants/nobody")),
    ("unknown-merchant", "merchant", lambda s: s.get("/v1/merchants/nobody/claims")),
    ("unknown-merchant", "merchant", lambda s: s.post("/v1/merchants/nobody/claims", {})),
    # purchases
    ("unauthorised", None, lambda s: s.post("purchases", s.purchase_body())),
    ("foreign-merchant", None, lambda s: s.post("purchases", s.purchase_body(), s.foreign_key)),
    ("malformed", "sale.price", _sale(price=-1)),
    ("malformed", "sale.price", _sale(price=2**48)),
    ("malformed", "sale.price", _sale(price="100")),
    ("malformed", "sale.price", _sale(price=True)),
    ("malformed", "sale.currency", _sale(currency="EUX")),
    ("malformed", "sale.currency", _sale(currency="eur")),
    ("malformed", "sale.currency", _sale(currency=978)),
    ("malformed", "sale.date", _sale(date="2026-02-30")),
    ("malformed", "sale.date", _sale(date="20261115")),
    ("malformed", "sale.date", _sale(date="1969-12-31")),
    ("malformed", "sale.product", _sale(product="4006381333932")),
    ("malformed", "sale.product", _sale(product="")),
    ("malformed", "sale.batch", _sale(batch="a\u0000b")),
    ("malformed", "sale.unit", _sale(unit="x" * 201)),
    ("malformed", "sale.colour", _sale(colour="red")),
    ("malformed", "sale", lambda s: s.purchase_with(sale=None)),
    ("malformed", "order", lambda s: s.purchase_with(order=None)),
    ("malformed", "order", lambda s: s.purchase_with(order="")),
    ("malformed", "order", lambda s: s.purchase_with(order="x" * 201)),
    ("malformed", "order", lambda s: s.purchase_with(order="a\nb")),
    ("malformed", "request", lambda s: s.purchase_with(request="00")),
    ("malformed", "request.commitment", _request(commitment=_NOT_ON_CURVE)),
    ("malformed", "request.commitment", _request(commitment="00" * 33)),
    ("malformed", "request.commitment", _request(commitment="02")),
    ("malformed", "request.commitment", _request(commitment="04" + "00" * 64)),
    ("malformed", "request.commitment", _request(commitment=7)),
    ("malformed", "request.proof", _request(proof="0" * 255)),
    ("malformed", "request.proof", _request(proof="A" * 256)),
    ("not-verified", None, _request(proof="01" * 128)),
    ("not-verified", None, lambda s: s.purchase_with(order="another order")),
    ("future-date", "sale.date", _sale(date="2026-11-23")),
    ("duplicate-order", "order", _with_other_sale),
    ("duplicate-request", "request", lambda s: s.write("purchases", s.same_request())),
    ("malformed", "purchases", lambda s: s.write("purchases/bulk", {"purchases": []})),
    ("malformed", "purchases", lambda s: s.write("purchases/bulk", {"purchases": {}})),
    ("too-many", "purchases", lambda s: s.write("purchases/bulk", {"purchases": [0] * 1001})),
    ("malformed", "sales", lambda s: s.write("sales", {"sales": []})),
    ("too-many", "voids", lambda s: s.write("voids/bulk", {"voids": [0] * 1001})),
    ("malformed", "reason", lambda s: s.write("voids", {"index": 0})),
    ("malformed", "reason", lambda s: s.write("voids", {"index": 0, "reason": "because"})),
    ("malformed", "reason", lambda s: s.write("voids", {"index": 0, "reason": None})),
    ("too-many", "sales", lambda s: s.write("sales", {"sales": [0] * 1001})),
    ("unknown-code", "code", lambda s: s.post("redemptions", s.redemption("AAAA-BBBB"))),
    ("expired-code", "code", lambda s: s.post("redemptions", s.redemption(s.expired_slip))),
    ("past-date", "redeem_by", lambda s: s.write("sales", {"sales": [SALE], **_by("2026-11-20")})),
    ("malformed", "redeem_by", lambda s: s.write("sales", {"sales": [SALE], **_by("soon")})),
    ("malformed", "redeem_by", lambda s: s.write("sales", {"sales": [SALE], **_by(20_261_120)})),
    ("malformed", "code", lambda s: s.post("redemptions", {**s.redemption("A"), "code": 7})),
    ("already-redeemed", "code", lambda s: s.post("redemptions", s.redemption(s.redeemed))),
    (
        "not-verified",
        None,
        lambda s: s.post("redemptions", {**s.redemption(s.redeemed), "code": s.open_slip}),
    ),
    (
        "unknown-entry",
        "index",
        lambda s: s.write("voids", {"index": 2**53 - 1, "reason": "returned"}),
    ),
    ("not-voidable", "index", lambda s: s.write("voids", {"index": 4, "reason": "returned"})),
    ("malformed", "index", lambda s: s.write("voids", {"index": -1, "reason": "returned"})),
    ("malformed", "index", lambda s: s.write("voids", {"index": "0", "reason": "returned"})),
    ("malformed", "index", lambda s: s.write("voids", {"index": False, "reason": "returned"})),
    ("not-manual", None, lambda s: s.post("/v1/merchants/daily/closes", None, s.daily_key)),
    # policies
    ("malformed", "kind", _policy(kind="gift")),
    ("malformed", "purchased.oldest", _policy(purchased={"oldest": "two years"})),
    ("malformed", "price.min", _policy(price={"currency": "EUR", "min": -1})),
    ("malformed", "smallest_ring", _policy(smallest_ring=0)),
    ("malformed", "discount", _policy(discount=5)),
    ("foreign-origin", "origin", _policy(origin="ledger.example/other")),
    ("duplicate-policy", "version", _policy(version=1)),
    ("unknown-policy", "claim.policy", lambda s: s.get("policies/warranty-2y/9")),
    ("not-found", None, lambda s: s.get("policies/warranty-2y/01")),
    ("not-next-version", "version", _policy(version=3)),
    ("retroactive-end", "from", _withdrawal("2026-11-21")),
    ("already-ended", "from", lambda s: s.write(f"{_ENDED}/withdrawal", _FROM)),
    ("unknown-policy", "claim.policy", lambda s: s.write(f"{_OTHER}/withdrawal", _FROM)),
    ("malformed", "from", _withdrawal("tomorrow")),
    ("malformed", "later", lambda s: s.write(f"{_FIRST}/withdrawal", {**_FROM, "later": 2})),
    ("not-found", None, lambda s: s.write("policies/warranty-2y/01/withdrawal", _FROM)),
    # claims
    (
        "malformed",
        "proof",
        lambda s: s.post("claims", {"claim": s.claim_body(s.buyers[0])["claim"], "proof": 7}),
    ),
    (
        "malformed",
        "proof",
        lambda s: s.post("claims", {**s.claim_body(s.buyers[0]), "proof": "AB=="}),
    ),
    (
        "malformed",
        "proof",
        lambda s: s.post("claims", {**s.claim_body(s.buyers[0]), "proof": "AAAA"}),
    ),
    ("malformed", "claim", lambda s: s.post("claims", {"claim": [], "proof": ""})),
    ("malformed", "claim.nonce", _claim(nonce="00")),
    ("malformed", "claim.lane", _claim(lane=-1)),
    ("malformed", "claim.remedy", _claim(remedy="apology")),
    ("malformed", "claim.remedy", _claim(remedy="refund")),
    ("malformed", "claim.number", _claim(number=1)),
    ("foreign-origin", "claim.origin", _claim(origin="ledger.example/other")),
    ("unknown-policy", "claim.policy", _claim(policy="warranty-3y")),
    ("unknown-policy", "claim.policy", _claim(version=2)),
    ("policy-not-valid", "claim.policy", _claim(built_for="expired")),
    ("ring-too-small", "claim.lane", _claim(built_for="crowded")),
    ("claim-date", "claim.date", _claim(date="2026-11-22")),
    ("claim-date", "claim.date", _claim(date="2026-11-19")),
    ("malformed", "claim.date", _claim(date="2026-11-31")),
    ("unknown-horizon", "claim.first", _claim(first=1)),
    ("unknown-horizon", "claim.size", _claim(size=2)),
    ("unknown-horizon", "claim.size", _claim(size=2**53 - 1)),
    ("stale-horizon", "claim.voided_at", _claim(size=3, voided_at=3)),
    ("unknown-lane", "claim.lane", _claim(lane=1)),
    ("unknown-claim", "claim_id", lambda s: s.get("claims/" + "0" * 64)),
    ("unknown-claim", "claim_id", lambda s: s.retire("0" * 64, "1" * 64)),
    ("wrong-secret", "secret", lambda s: s.retire(s.refund, "0" * 63 + "1")),
    ("wrong-secret", "secret", lambda s: s.retire(s.refund, "0" * 64)),
    ("malformed", "secret", lambda s: s.retire(s.refund, _NOT_A_SCALAR)),
    ("malformed", "secret", lambda s: s.retire(s.refund, "1" * 63)),
    ("malformed", "secret", lambda s: s.retire(s.refund, 7)),
    # the mailbox
    ("malformed", "address", _box(address="61" * 31)),
    ("malformed", "address", _box(address="A1" * 32)),
    ("malformed", "address", _box(address=None)),
    ("malformed", "delete_key", _box(delete_key="61" * 33)),
    ("malformed", "ciphertext", _box(ciphertext="")),
    ("malformed", "ciphertext", _box(ciphertext=encode_base64(bytes(BOX_BYTES - 1)))),
    ("malformed", "ciphertext", _box(ciphertext=encode_base64(bytes(BOX_BYTES + 1)))),
    ("malformed", "ciphertext", _box(ciphertext=encode_base64(bytes(BOX_BYTES))[:-3] + "B==")),
    ("malformed", "size", _box(size=BOX_BYTES)),
    ("duplicate-box", "address", lambda s: s.post("mailbox/deposits", deposit(BOX, b"x"))),
    ("duplicate-box", "address", _box(address=BOX.hex(), delete_key=b"e".hex() * 32)),
    ("already-deleted", "address", _box(address=EMPTIED.hex())),
    ("unknown-merchant", "merchant", lambda s: s.post(f"{NOBODYS}/deposits", deposit(NEW))),
    ("malformed", "addresses", lambda s: s.post("mailbox/lookups", {"addresses": []})),
    ("malformed", "addresses", _lookup([NEW.hex()] * (LOOKUP_BOXES - 1))),
    ("malformed", "addresses", _lookup([NEW.hex()] * (LOOKUP_BOXES + 1))),
    ("malformed", "addresses", lambda s: s.post("mailbox/lookups", {"addresses": NEW.hex()})),
    ("malformed", "addresses[31]", _lookup([NEW.hex()] * (LOOKUP_BOXES - 1) + ["61"])),
    ("unknown-merchant", "merchant", lambda s: s.post(f"{NOBODYS}/lookups", lookup(NEW))),
    ("unknown-box", "address", lambda s: s.post("mailbox/deletions", deletion(NEW))),
    ("not-verified", "signature", lambda s: s.post("mailbox/deletions", _foreign(BOX))),
    ("not-verified", "signature", lambda s: s.post("mailbox/deletions", _foreign(EMPTIED))),
    (
        "malformed",
        "signature",
        lambda s: s.post("mailbox/deletions", {**deletion(BOX), "signature": "00" * 63}),
    ),
    ("unknown-merchant", "merchant", lambda s: s.post(f"{NOBODYS}/deletions", deletion(BOX))),
    # the router's own
    ("not-found", None, lambda s: s.get("/v1/nothing")),
    ("not-found", None, lambda s: s.get("/v1/merchants/")),
    ("method-not-allowed", None, lambda s: s.client.send("DELETE", "/v1/merchants/acme")),
    ("method-not-allowed", None, lambda s: s.client.send("PUT", "/v1/merchants")),
]


@pytest.mark.parametrize(("code", "field", "send"), CASES)
def test_a_broken_rule_is_a_problem_and_nothing_is_written(
    stage: Stage,
    code: str,
    field: str | None,
    send: Callable[[Stage], httpx.Response],
) -> None:
    before = stage.state()
    answer = send(stage)
    problem = answer.json()
    assert (problem["type"], problem.get("field")) == (f"urn:kvitto:problem:{code}", field)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert problem["status"] == answer.status_code
    assert 400 <= answer.status_code < 500
    assert stage.state() == before


def test_the_stage_is_one_on_which_honest_requests_succeed(stage: Stage) -> None:
    assert stage.purchase_with().status_code == 201
    assert stage.post("redemptions", stage.redemption(stage.open_slip)).status_code == 201
    assert stage.write("voids", {"index": 2, "reason": "returned"}).status_code == 201
    assert _policy()(stage).status_code == 201
    assert stage.claim_with().status_code == 201
    assert _box()(stage).status_code == 201
    assert stage.post("mailbox/lookups", lookup(NEW)).status_code == 200
    assert stage.post("mailbox/deletions", deletion(NEW)).status_code == 200
    secret = stage.buyers[1].keys.secret.to_bytes(32, "big").hex()
    assert stage.retire(stage.refund, secret).status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("", "GET, HEAD"), ("claims", "GET, HEAD, POST"), ("mailbox/lookups", "POST")],
)
def test_a_method_that_is_not_allowed_names_those_that_are(
    shop: Shop, path: str, allowed: str
) -> None:
    answer = shop.client.send("PUT", f"/v1/merchants/acme/{path}".rstrip("/"))
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
