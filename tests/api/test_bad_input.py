"""Whatever is sent: never an error of the service, and what is refused leaves nothing written."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from api.documents import (
    catalogue,
    claims,
    mailbox,
    merchants,
    policies,
    purchases,
    transfers,
    voids,
)
from api.problems import MEDIA_TYPE
from policies.policy import Policy
from tests.api.boxes import deletion, deposit
from tests.api.shop import OPERATOR, SALE, Shop, values
from tests.databases import Databases, fresh
from tests.handover import hand_over, settle
from tests.world import WARRANTY

CHUNK = b" " * 4096
_PRODUCT = {"code": "A", "name": "Kettle", "group": "kitchen"}
MODELS: dict[str, type[BaseModel]] = {
    "/v1/merchants": merchants.NewMerchant,
    "purchases": purchases.NewPurchase,
    "purchases/bulk": purchases.NewPurchases,
    "sales": purchases.NewSales,
    "redemptions": purchases.Redemption,
    "voids": voids.NewVoid,
    "voids/bulk": voids.NewVoids,
    "catalogue": catalogue.CatalogueRule,
    "catalogue/products": catalogue.NewProducts,
    "catalogue/removals": catalogue.Removal,
    "policies": Policy,
    "policies/warranty-2y/1/withdrawal": policies.Withdrawal,
    "claims": claims.NewClaim,
    "claims/{refund}/retirement": claims.Retirement,
    "transfers": transfers.NewTransfer,
    "transfers/{transfer}/retirement": claims.Retirement,
    "mailbox/deposits": mailbox.Deposit,
    "mailbox/lookups": mailbox.Lookup,
    "mailbox/deletions": mailbox.Deletion,
}


class Target:
    """A shop with a good body for each route that takes one."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        bought = shop.open_for_claims()
        refund = shop.post("claims", shop.claim_body(bought[1], "refund-14d")).json()
        (slip,) = values(shop.write("sales", {"sales": [SALE]}), "slip")
        request = shop.purchase_body()["request"]
        shop.post("mailbox/deposits", deposit(b"b" * 32))
        self.refund = refund["claim_id"]
        settle(shop)
        self.transfer = hand_over(shop, bought[2]).approve().transfer_id
        self.bodies: dict[str, Any] = {
            "/v1/merchants": {"id": "new", "name": "New", "period": "manual"},
            "purchases": shop.purchase_body(),
            "purchases/bulk": {"purchases": [shop.purchase_body(), shop.purchase_body()]},
            "sales": {"sales": [SALE, SALE]},
            "redemptions": {"code": slip["code"], "request": request},
            "voids": {"index": 0, "reason": "returned"},
            "catalogue": {"only_listed": False},
            "catalogue/products": {"products": [_PRODUCT, {**_PRODUCT, "code": "B"}]},
            "catalogue/removals": {"codes": ["C"]},
            "voids/bulk": {"voids": [{"index": 1, "reason": "entry_error"}]},
            "policies": {**WARRANTY, "version": 2},
            "policies/warranty-2y/1/withdrawal": {"from": "2026-12-01"},
            "claims": shop.claim_body(bought[0]),
            "claims/{refund}/retirement": {"secret": "01" * 32},
            "transfers": hand_over(shop, bought[2]).document(),
            "transfers/{transfer}/retirement": {"secret": "01" * 32},
            "mailbox/deposits": deposit(b"a" * 32),
            "mailbox/lookups": {"addresses": ["61" * 32] * 32},
            "mailbox/deletions": deletion(b"b" * 32),
        }

    def check(self, route: str, content: bytes) -> None:
        """Send it; refuse what the description refuses; write nothing unless it is accepted."""
        before = self.shop.state()
        key = OPERATOR if route.startswith("/") else self.shop.key
        path = route.format(refund=self.refund, transfer=self.transfer)
        full = path if route.startswith("/") else f"/v1/merchants/acme/{path}"
        answer = self.shop.client.send("POST", full, content=content, key=key)
        assert answer.status_code in (200, 201) or 400 <= answer.status_code < 500
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == MEDIA_TYPE
        elif not answer.json().get("rejected"):
            MODELS[route].model_validate_json(content)
        if answer.status_code != 201 and not _recorded(answer, route):
            assert self.shop.state() == before


def _recorded(answer: httpx.Response, route: str) -> bool:
    """Whether some row of several was good, or the list of products may have changed."""
    if route.startswith("catalogue"):
        return answer.is_success
    return any(row["status"] == "accepted" for row in answer.json().get("rows", ()))


@pytest.fixture(scope="module")
def target(databases: Databases) -> Iterator[Target]:
    with fresh(databases) as database, Shop(database) as shop:
        yield Target(shop)


numbers = st.integers(-3, 3) | st.sampled_from([2**31, 2**48, 2**53, 2**63, 2**64, 10**400])
hostile = ["", " ", "0", "-1", "1_0", "٣", "NaN", "2026-11-31", "9999-12-31", "EUX", "../.."]
shaped = ["0" * 64, "f" * 64, "02" + "00" * 32, "03" + "ff" * 32, "AA=", "\x00", "\ud800"]
texts = st.text(max_size=8) | st.sampled_from([*hostile, *shaped])
junk = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> bytes:
    """The document with one part replaced, removed, added or repeated, or with bad bytes."""
    changed = json.loads(json.dumps(document))
    place = changed
    while True:
        steps = list(place) if isinstance(place, dict) else list(range(len(place)))
        step = draw(st.sampled_from(steps))
        if not isinstance(place[step], dict | list) or not place[step] or draw(st.booleans()):
            break
        place = place[step]
    how = draw(st.sampled_from(["replace", "remove", "add", "repeat", "cut", "flip"]))
    if how == "remove":
        del place[step]
    elif how == "add" and isinstance(place, dict):
        place[draw(texts)] = draw(junk)
    elif how in ("add", "replace"):
        place[step] = draw(junk)
    content = json.dumps(changed, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if how == "repeat":
        name = draw(st.sampled_from(sorted(document)))
        content = b'{"%s": 0, ' % name.encode() + content[1:]
    if how in ("cut", "flip"):
        at = draw(st.integers(0, len(content) - 1))
        rest = content[at + 1 :] if how == "flip" else b""
        content = content[:at] + draw(st.binary(min_size=1, max_size=1)) + rest
    return content


@pytest.mark.parametrize("route", MODELS)
@given(data=st.data())
def test_a_damaged_body(target: Target, route: str, data: st.DataObject) -> None:
    target.check(route, data.draw(damaged(target.bodies[route])))


@given(
    route=st.sampled_from(sorted(MODELS)),
    content=st.binary(max_size=50)
    | st.text().map(str.encode)
    | junk.map(json.dumps).map(str.encode),
)
def test_any_bytes(target: Target, route: str, content: bytes) -> None:
    target.check(route, content)


@given(
    prefix=st.sampled_from(["", "v1/", "v1/merchants/acme/", "logs/acme/purchases/tile/"]),
    path=st.text(alphabet="abcx019/.%_-{}~é٣\x00\n ", max_size=30),
    safe=st.sampled_from(["/", "/.", "/%", ""]),
    query=st.text(max_size=10),
)
def test_any_path(target: Target, prefix: str, path: str, safe: str, query: str) -> None:
    before = target.shop.state()
    address = f"/{prefix}{quote(path, safe)}"
    for parameters in ({}, {"first": query}, {query: "1"}):
        answer = target.shop.client.send("GET", address, query=parameters)
        assert answer.status_code < 500
    assert target.shop.state() == before


@given(size=texts | numbers.map(str), lane=texts | numbers.map(str))
def test_any_ring(target: Target, size: str, lane: str) -> None:
    query = {"first": 0, "size": size, "voided_at": 3, "lane": lane}
    try:
        answer = target.shop.get("ring", query)
    except UnicodeEncodeError:  # the client cannot even ask
        return
    assert answer.status_code == (200 if (size, lane) == ("3", "0") else answer.status_code)
    assert answer.status_code < 500


def test_the_undamaged_bodies_are_accepted(shop: Shop) -> None:
    target = Target(shop)
    for route, body in target.bodies.items():
        MODELS[route].model_validate_json(json.dumps(body))
    shop.clock.advance(seconds=1)
    routes = ("purchases", "voids", "policies", "claims", "transfers")
    for route in routes:
        assert shop.write(route, target.bodies[route]).status_code == 201
    for route in ("purchases/bulk", "sales", "voids/bulk"):
        answer = shop.write(route, target.bodies[route])
        assert (answer.status_code, answer.json()["rejected"]) == (200, 0)
    assert shop.post("/v1/merchants", target.bodies["/v1/merchants"], OPERATOR).status_code == 201
    for route, status in (("deposits", 201), ("lookups", 200), ("deletions", 200)):
        answer = shop.post(f"mailbox/{route}", target.bodies[f"mailbox/{route}"])
        assert answer.status_code == status


def test_the_descriptions_refuse_something() -> None:
    for model in MODELS.values():
        with pytest.raises(ValidationError):
            model.model_validate_json("{}")


class Endless:
    """A body without an end and without a length."""

    def __init__(self) -> None:
        self.chunks = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.chunks += 1
            yield CHUNK


@pytest.mark.parametrize(
    ("path", "limit"),
    [(path, 1 << 16) for path in ("claims", "transfers", "mailbox/lookups")]
    + [("purchases/bulk", 1 << 23)],
)
def test_a_body_without_end_is_not_read_to_its_end(shop: Shop, path: str, limit: int) -> None:
    body = Endless()
    answer = shop.client.send(
        "POST", f"/v1/merchants/acme/{path}", content=aiter(body), key=shop.key
    )
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:kvitto:problem:too-large")
    assert answer.headers["connection"] == "close"
    assert body.chunks * len(CHUNK) <= limit + 2 * len(CHUNK)


def test_a_body_without_end_and_without_a_key_is_not_read_at_all(shop: Shop) -> None:
    body = Endless()
    answer = shop.client.send("POST", "/v1/merchants/acme/purchases/bulk", content=aiter(body))
    assert (answer.status_code, body.chunks) == (401, 0)
