import pytest

from ledger.events import LogDeclaration, events_origin
from tests.api.shop import OPERATOR, Shop
from tests.databases import files_of


def test_a_merchant_is_created_with_a_key_and_two_logs(shop: Shop) -> None:
    created = shop.enter("other")
    assert created["origin"] == "ledger.example/other"
    assert created["api_key"].startswith("kv_other_")
    for origin, key in (
        (created["origin"], created["purchases_vkey"]),
        (events_origin(created["origin"]), created["events_vkey"]),
    ):
        with shop.store.log(origin) as log:
            assert log.vkeys[-1] == key


def test_what_is_not_chosen_is_the_default(shop: Shop) -> None:
    answer = shop.post("/v1/merchants", {"id": "b", "name": "B"}, OPERATOR)
    assert answer.status_code == 201
    declaration = shop.get("/v1/merchants/b").json()["declaration"]
    chosen = [declaration[name] for name in ("capacity", "period", "void_window")]
    assert chosen == [1024, "P1D", 14]


def test_a_merchant_shows_its_declaration(shop: Shop) -> None:
    details = shop.get("").json()
    declaration = LogDeclaration.from_event(details["declaration"])
    assert (details["id"], details["name"]) == ("acme", "Acme")
    assert declaration.purchases.vkey == details["purchases_vkey"]
    assert (declaration.capacity, declaration.period) == (64, "manual")


def test_merchants_are_listed_by_id_without_keys(shop: Shop) -> None:
    shop.enter("aaa")
    assert shop.get("/v1/merchants").json() == {
        "merchants": [
            {"id": "aaa", "name": "Acme", "origin": "ledger.example/aaa"},
            {"id": "acme", "name": "Acme", "origin": "ledger.example/acme"},
        ]
    }


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_key_is_stored_as_its_hash_only(shop: Shop, database: str) -> None:
    secret = shop.key.rpartition("_")[2]
    stored = b"".join(file.read_bytes() for file in files_of(database))
    assert b"api_keys" in stored
    assert secret.encode() not in stored
    assert bytes.fromhex(secret) not in stored


def test_a_refused_merchant_leaves_no_key_behind(shop: Shop) -> None:
    keys = shop.app.state.service.keys
    for body, code in [
        ({"id": "acme", "name": "Again"}, "duplicate-merchant"),
        ({"id": "no_underscore", "name": "B"}, "malformed"),
        ({"id": "b", "name": "B", "capacity": 100}, "malformed"),
        ({"id": "b", "name": "B", "period": "P1W"}, "malformed"),
        ({"id": "b", "name": "B", "void_window": "14"}, "malformed"),
    ]:
        before = shop.state()
        answer = shop.post("/v1/merchants", body, OPERATOR)
        assert answer.json()["type"] == f"urn:kvitto:problem:{code}"
        assert shop.state() == before
    keys.check(shop.key, "acme", "sales")
    assert shop.post("/v1/merchants", {"id": "b", "name": "B"}, OPERATOR).status_code == 201


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "kv_acme_" + "0" * 64,
        "kv_acme_",
        "kv__",
        "acme",
        OPERATOR,
    ],
)
def test_a_made_up_key_opens_nothing(shop: Shop, key: str | None) -> None:
    before = shop.state()
    answer = shop.post("voids", {"index": 0}, key)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:kvitto:problem:unauthorised")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert shop.state() == before


def test_almost_the_key_opens_nothing(shop: Shop) -> None:
    key = shop.key
    for almost in (key.upper(), key[:-1], key + "0", key.removeprefix("kv_"), key[:-1] + "g"):
        assert shop.post("closes", None, almost).status_code == 401
    assert shop.post("closes", None, shop.key).status_code == 201


def test_a_merchants_key_writes_to_its_own_logs_only(shop: Shop) -> None:
    other = shop.enter("other")["api_key"]
    before = shop.state()
    for path in ("purchases", "purchases/bulk", "sales", "voids", "closes", "policies"):
        answer = shop.post(path, {}, other)
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:kvitto:problem:foreign-merchant"
    assert shop.state() == before
    assert shop.post("/v1/merchants/other/closes", None, other).status_code == 201


def test_a_merchants_key_creates_no_merchants(shop: Shop) -> None:
    answer = shop.post("/v1/merchants", {"id": "b", "name": "B"}, shop.key)
    assert answer.status_code == 401


def test_keys_are_checked_before_the_body_is_read(shop: Shop) -> None:
    assert shop.client.send("POST", "/v1/merchants", content=b"{").status_code == 401
    answer = shop.client.send("POST", "/v1/merchants", content=b"{", key=OPERATOR)
    assert answer.status_code == 400
