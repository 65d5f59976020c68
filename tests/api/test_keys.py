"""Keys for parts of the work, and those who try to do more with one than it is for."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.shop import OPERATOR, SALE, Shop

SALES = {"sales": [SALE]}
SCOPES = ("sales", "policies", "claims", "webhooks", "keys")
ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
"""Rules that no database decides."""


def make(shop: Shop, *scopes: str, by: str | None = None, **changes: Any) -> dict[str, Any]:
    answer = ask(shop, *scopes, by=by, **changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def ask(shop: Shop, *scopes: str, by: str | None = None, **changes: Any) -> httpx.Response:
    body = {"label": "till 3", "scopes": list(scopes), **changes}
    return shop.post("keys", body, by or shop.key)


def code(answer: httpx.Response) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition(":")[2]


def listed(shop: Shop, key: str | None = None) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = shop.get("keys", key=key or shop.key).json()["keys"]
    return keys


def rotate(shop: Shop, key: str, which: str, grace: Any, *names: str) -> httpx.Response:
    return shop.post(f"keys/{which}/rotation", {"grace_hours": grace}, key, *names)


def revoke(shop: Shop, key: str, which: str) -> httpx.Response:
    return shop.post(f"keys/{which}/revocation", None, key)


def test_the_first_key_may_do_everything(shop: Shop) -> None:
    (first,) = listed(shop)
    assert first["label"] == "first key"
    assert (first["scopes"], first["created"], first["expires"]) == (["all"], "2026-11-21", None)
    assert shop.post("sales", SALES, shop.key).status_code == 200


def routes(shop: Shop) -> Iterator[tuple[str, str, str]]:
    """Method, path and scope of every operation that takes a merchant's key."""
    for operation in shop.client.operations:
        for one in operation.document.get("security", ()):
            if "merchantKey" in one:
                (scope,) = one["merchantKey"]
                path = operation.template.replace("{merchant}", "acme")
                yield operation.method, re.sub(r"\{\w+\}", "0" * 12, path), scope


@ON_SQLITE
def test_a_key_is_good_for_its_scopes_and_nothing_else(shop: Shop) -> None:
    keys = {scope: make(shop, scope)["api_key"] for scope in SCOPES}
    found = list(routes(shop))
    assert {scope for _, _, scope in found} <= set(SCOPES)
    assert len(found) > 15
    before = shop.state()
    for method, path, scope in found:
        for other, key in keys.items():
            if other != scope:
                answer = shop.client.send(method, path, content=b"{", key=key)
                assert code(answer) == "foreign-scope", (method, path, other)
    assert shop.state() == before
    for method, path, scope in found:
        answer = shop.client.send(method, path, content=b"{", key=keys[scope])
        assert answer.is_success or code(answer) != "foreign-scope", (method, path)


@ON_SQLITE
def test_a_key_for_keys_makes_no_wider_key(shop: Shop) -> None:
    narrow = make(shop, "keys", "policies")["api_key"]
    before = shop.state()
    for scopes in (["all"], ["keys", "all"], ["sales"], ["keys", "sales"], ["webhooks"]):
        answer = ask(shop, *scopes, by=narrow)
        assert (answer.status_code, code(answer)) == (403, "foreign-scope")
        assert answer.json()["field"] == "scopes"
    assert shop.state() == before
    assert make(shop, "policies", "keys", by=narrow)["scopes"] == ["policies", "keys"]


@ON_SQLITE
def test_a_key_for_keys_neither_takes_over_nor_ends_a_wider_one(shop: Shop) -> None:
    (first,) = listed(shop)
    narrow = make(shop, "keys")
    wide = make(shop, "keys", "sales")
    for target in (first, wide):
        for answer in (
            rotate(shop, narrow["api_key"], target["id"], 0),
            revoke(shop, narrow["api_key"], target["id"]),
        ):
            assert code(answer) == "foreign-scope"
    assert len(listed(shop)) == 3
    assert rotate(shop, shop.key, wide["id"], 0).status_code == 201


@ON_SQLITE
def test_no_key_outlives_the_key_that_made_it(shop: Shop) -> None:
    ending = make(shop, "all", expires="2026-12-01T00:00:00Z")["api_key"]
    for expires in (None, "2026-12-01T00:00:01Z"):
        answer = ask(shop, "sales", by=ending, expires=expires)
        assert (code(answer), answer.json()["field"]) == ("foreign-scope", "expires")
    assert make(shop, "sales", by=ending, expires="2026-12-01T00:00:00Z")


def test_a_key_in_its_grace_cannot_make_itself_last(shop: Shop) -> None:
    """A thief of a key that its merchant has replaced."""
    (first,) = listed(shop)
    new = rotate(shop, shop.key, first["id"], 24).json()
    stolen = shop.key
    assert code(ask(shop, "sales", by=stolen)) == "foreign-scope"
    assert code(revoke(shop, stolen, new["id"])) == "foreign-scope"
    again = rotate(shop, stolen, first["id"], 168).json()
    assert again["expires"] == again["replaces"]["expires"] == "2026-11-22T12:00:00Z"
    shop.clock.advance(hours=24)
    for key in (stolen, again["api_key"]):
        assert shop.post("sales", SALES, key).status_code == 401
    assert shop.post("sales", SALES, new["api_key"]).status_code == 200


@pytest.mark.parametrize("hours", [0, 168])
def test_the_old_key_is_good_for_the_grace_that_was_named(shop: Shop, hours: int) -> None:
    old = make(shop, "sales", "policies")
    new = rotate(shop, shop.key, old["id"], hours).json()
    assert (new["label"], new["scopes"]) == (old["label"], old["scopes"])
    assert new["replaces"]["id"] == old["id"] != new["id"]
    for seconds, status in ((-1, 200), (1, 401)):
        if hours or seconds > 0:
            shop.clock.advance(hours=hours if seconds < 0 else 0, seconds=seconds)
            assert shop.post("sales", SALES, old["api_key"]).status_code == status
    assert shop.post("sales", SALES, new["api_key"]).status_code == 200
    assert old["id"] not in [key["id"] for key in listed(shop)]


@ON_SQLITE
def test_a_grace_is_up_to_seven_days(shop: Shop) -> None:
    (first,) = listed(shop)
    before = shop.state()
    for grace in (-1, 169, 1.5, "24", None, True):
        assert rotate(shop, shop.key, first["id"], grace).status_code == 400
    assert shop.state() == before


def test_an_answer_of_a_rotation_that_was_lost_comes_again(shop: Shop) -> None:
    (first,) = listed(shop)
    made = rotate(shop, shop.key, first["id"], 1, "name")
    assert rotate(shop, shop.key, first["id"], 1, "name").content == made.content
    assert len(listed(shop)) == 2
    assert code(rotate(shop, shop.key, first["id"], 2, "name")) == "idempotency-key-reused"


def test_a_key_that_is_revoked_is_worthless_at_once_in_every_process(
    shop: Shop, database: str
) -> None:
    with Shop(database, entered=False) as other:
        other.clock = shop.clock
        made = make(shop, "sales")
        assert other.post("sales", SALES, made["api_key"]).status_code == 200
        assert revoke(shop, shop.key, made["id"]).json()["label"] == "till 3"
        for process in (other, shop):
            answer = process.post("sales", SALES, made["api_key"])
            assert (answer.status_code, code(answer)) == (401, "unauthorised")
    assert code(revoke(shop, shop.key, made["id"])) == "unknown-key"


@ON_SQLITE
def test_a_revoked_key_is_not_told_what_it_once_was(shop: Shop) -> None:
    made = make(shop, "sales")["api_key"]
    shop.post("sales", SALES, made, "name")
    assert shop.post("sales", SALES, made, "name").status_code == 200
    revoke(shop, shop.key, next(key["id"] for key in listed(shop) if key["scopes"] == ["sales"]))
    assert shop.post("sales", SALES, made, "name").status_code == 401


def test_whoever_guesses_learns_nothing(shop: Shop) -> None:
    """No key, a made-up one, an expired one, one of nobody: one answer to all of them."""
    expired = make(shop, "sales", expires="2026-11-21T12:00:01Z")["api_key"]
    revoked = make(shop, "sales")
    revoke(shop, shop.key, revoked["id"])
    shop.clock.advance(seconds=1)
    guesses = [
        *(None, "x", "kv_acme_" + "0" * 64, "kv_nobody_" + "0" * 64, "test_acme_" + "0" * 64),
        *(shop.key[:-1] + "g", "test" + shop.key.removeprefix("kv"), expired, revoked["api_key"]),
    ]
    for merchant in ("acme", "nobody", "no_such"):
        path = f"/v1/merchants/{merchant}/sales"
        answers = [shop.client.send("POST", path, content=b"{", key=guess) for guess in guesses]
        assert {answer.status_code for answer in answers} == {401}
        for answer in answers:
            del answer.headers["x-request-id"]
        headers = {tuple(sorted(answer.headers.items())) for answer in answers}
        assert len({answer.content for answer in answers}) == len(headers) == 1


@ON_SQLITE
def test_a_key_of_another_merchant_sees_and_ends_nothing(shop: Shop) -> None:
    other = shop.enter("other")["api_key"]
    (first,) = listed(shop)
    assert code(shop.get("keys", key=other)) == "foreign-merchant"
    for answer in (ask(shop, "all", by=other), rotate(shop, other, first["id"], 0)):
        assert code(answer) == "foreign-merchant"
    elsewhere = f"/v1/merchants/other/keys/{first['id']}/revocation"
    assert code(shop.post(elsewhere, None, other)) == "unknown-key"
    assert listed(shop) == [first]


def test_the_list_tells_the_day_of_the_last_use_and_no_secret(shop: Shop) -> None:
    made = make(shop, "sales")
    assert next(key for key in listed(shop) if key["id"] == made["id"])["last_used"] is None
    shop.post("sales", SALES, made["api_key"])
    shop.clock.advance(days=2, hours=3)
    shop.post("sales", SALES, made["api_key"])
    answer = shop.get("keys", key=shop.key)
    assert [key["last_used"] for key in answer.json()["keys"]] == ["2026-11-23", "2026-11-23"]
    assert made["api_key"].rpartition("_")[2] not in answer.text


def test_who_has_lost_all_keys_gets_one_from_the_operator(shop: Shop) -> None:
    (first,) = listed(shop)
    revoke(shop, shop.key, first["id"])
    path = "/v1/merchants/acme/keys/recovery"
    for key in (None, shop.key, shop.enter("other")["api_key"]):
        assert shop.post(path, None, key).status_code == 401
    made = shop.post(path, None, OPERATOR).json()
    assert (made["label"], made["scopes"]) == ("recovery", ["all"])
    assert shop.post("sales", SALES, made["api_key"]).status_code == 200
    nobody = shop.post("/v1/merchants/nobody/keys/recovery", None, OPERATOR)
    assert code(nobody) == "unknown-merchant"


@ON_SQLITE
def test_what_no_key_can_be(shop: Shop) -> None:
    before = shop.state()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"label": ""}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"label": "two\nlines"}, "label"),
        ({"label": 7}, "label"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "all"}, "scopes"),
        ({"scopes": ["sales", "sales"]}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": [["all"]]}, "scopes"),
        ({"scopes": ["sales all"]}, "scopes"),
        ({"expires": "2027-01-01"}, "expires"),
        ({"expires": "2027-02-30T00:00:00Z"}, "expires"),
        ({"expires": 1_800_000_000}, "expires"),
        ({"id": "000000000000"}, "id"),
    ]
    for changes, field in cases:
        answer = shop.post("keys", {"label": "a", "scopes": ["sales"], **changes}, shop.key)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert shop.state() == before


@ON_SQLITE
def test_a_key_that_would_have_expired_already(shop: Shop) -> None:
    answer = ask(shop, "sales", expires="2026-11-21T12:00:00Z")
    assert (code(answer), answer.json()["field"]) == ("past-date", "expires")


@ON_SQLITE
def test_a_merchant_has_a_hundred_keys_at_most(shop: Shop) -> None:
    for _ in range(99):
        make(shop, "sales", expires="2026-11-22T12:00:00Z")
    assert code(ask(shop, "sales")) == "too-many"
    shop.clock.advance(days=1)
    assert ask(shop, "sales").status_code == 201


def test_keys_that_replace_and_revoke_each_other_at_once_leave_one_good(shop: Shop) -> None:
    keys = [make(shop, "all") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(revoke, shop, key["api_key"], keys[(n + 1) % 4]["id"])
            for n, key in enumerate(keys)
        ]
        done = [future.result().status_code for future in sent]
    good = {key["id"] for key in listed(shop)} & {key["id"] for key in keys}
    assert len(good) == 4 - done.count(200) > 0
