"""Webhooks as a shop's developer meets them: over HTTP, with what a receiver verifies."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from api.options import Options
from examples.webhook_receiver import verify
from tests.api.receivers import Receiver
from tests.api.shop import Shop
from tests.databases import Databases, Sqlite, fresh

ALLOWED = Options(webhook_networks="127.0.0.0/8", webhook_http=True)


@pytest.fixture(scope="module")
def databases(sqlite: Sqlite) -> Databases:
    """One engine; test_webhook_storage.py has what the engines could do differently."""
    return sqlite


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with Shop(database, options=ALLOWED) as opened:
        opened.clock.now = datetime.now(UTC)  # that of who verifies
        yield opened


NOBODY = "http://127.0.0.1:9999/"


@pytest.fixture(scope="module")
def refusing(sqlite: Sqlite) -> Iterator[tuple[Shop, str]]:
    """A shop for requests that change nothing, and its webhook."""
    with fresh(sqlite) as database, Shop(database, options=ALLOWED) as opened:
        yield opened, f"webhooks/{make(opened, NOBODY)['id']}"


def make(shop: Shop, url: str, **changes: Any) -> dict[str, Any]:
    answer = shop.write("webhooks", {"url": url, **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def problem(answer: Any) -> tuple[str, str | None]:
    document = answer.json()
    return document["type"].rpartition(":")[2], document.get("field")


def test_a_shop_hears_of_a_claim_and_verifies_it(shop: Shop, receiver: Receiver) -> None:
    bought, _, _ = shop.open_for_claims()
    made = make(shop, receiver.url, types=["claim.decided"], description="returns desk")
    decision = shop.post("claims", shop.claim_body(bought)).json()
    (got,) = receiver.wait()
    read = Webhook(made["secret"]).verify(got.body, got.headers)
    assert read == verify(made["public_keys"][0], got.headers, got.body)
    assert read["type"] == "claim.decided"
    data = read["data"]
    assert (data["merchant"], data["event"]["claim_id"]) == ("acme", decision["claim_id"])
    # What was left out, and that all of it is so, is in the log.
    shown = shop.get(f"claims/{data['event']['claim_id']}").json()["receipt"]
    assert f"index {data['index']}\n" in shown["proof"]
    assert data["event"].items() <= shown["event"].items()


def test_a_test_tells_what_is_wrong(shop: Shop, receiver: Receiver) -> None:
    made = make(shop, receiver.url)
    path = f"webhooks/{made['id']}/test"
    assert shop.write(path, None).json() == {"delivered": True, "status": 204, "error": None}
    assert receiver.got[0].document["data"] == {"merchant": "acme"}
    assert Webhook(made["secret"]).verify(receiver.got[0].body, receiver.got[0].headers)
    receiver.status = 401
    failed = {"delivered": False, "status": 401, "error": "status"}
    assert shop.write(path, None).json() == failed
    assert shop.get(f"webhooks/{made['id']}", key=shop.key).json()["failing_since"] is None


def test_a_write_that_is_sent_again(shop: Shop, receiver: Receiver) -> None:
    body = {"url": receiver.url}
    made = shop.write("webhooks", body, "creation").json()
    assert shop.write("webhooks", body, "creation").json() == made
    path = f"webhooks/{made['id']}"
    for action in ("rotation", "test"):
        done = shop.write(f"{path}/{action}", None, action).json()
        assert shop.write(f"{path}/{action}", None, action).json() == done
    assert len(receiver.got) == 1
    assert len(shop.get(path, key=shop.key).json()["public_keys"]) == 2


def test_a_webhook_is_its_merchants_alone(shop: Shop, receiver: Receiver) -> None:
    made = make(shop, receiver.url)
    other = shop.enter("other")["api_key"]
    for method, path in ROUTES:
        body = BODIES.get((method, path.rpartition("/")[2]))
        path_of = "/v1/merchants/{}/" + path.replace("{id}", made["id"])
        answer = shop.client.send(method, path_of.format("acme"), body=body, key=other)
        assert problem(answer) == ("foreign-merchant", None)
        answer = shop.client.send(method, path_of.format("acme"), body=body)
        assert problem(answer) == ("unauthorised", None)
        if path != "webhooks":
            answer = shop.client.send(method, path_of.format("other"), body=body, key=other)
            assert problem(answer) == ("unknown-webhook", "webhook")
    assert receiver.got == []
    sales = shop.write("keys", {"label": "till", "scopes": ["sales"]}).json()["api_key"]
    assert problem(shop.get("webhooks", key=sales)) == ("foreign-scope", None)
    hooks = shop.write("keys", {"label": "erp", "scopes": ["webhooks"]}).json()["api_key"]
    assert shop.get("webhooks", key=hooks).status_code == 200


SETTINGS = {"url": "https://shop.example/", "types": None, "description": "", "enabled": True}
ROUTES = [
    *(
        ("GET", "webhooks"),
        ("POST", "webhooks"),
        ("GET", "webhooks/{id}"),
        ("PUT", "webhooks/{id}"),
    ),
    *(
        ("DELETE", "webhooks/{id}"),
        ("POST", "webhooks/{id}/rotation"),
        ("POST", "webhooks/{id}/test"),
    ),
    *(("POST", "webhooks/{id}/replay"), ("GET", "webhooks/{id}/deliveries")),
    ("POST", "webhooks/{id}/deliveries/msg_1/replay"),
]
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "webhooks"): {"url": "https://shop.example/"},
    ("PUT", "{id}"): SETTINGS,
    ("POST", "replay"): {"since": "2026-11-20T00:00:00Z"},
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": None}, "url"),
        ({"url": 5}, "url"),
        ({"url": "https://shop.example/\r\nX: 1"}, "url"),
        ({"types": []}, "types"),
        ({"types": "claim.decided"}, "types"),
        ({"types": ["claim.decided", "claim.decided"]}, "types"),
        ({"types": ["claim.*"]}, "types"),
        ({"types": ["webhook.test"]}, "types"),
        ({"types": [None]}, "types"),
        ({"types": [["claim.decided"]]}, "types"),
        ({"description": "a" * 201}, "description"),
        ({"description": "a\nb"}, "description"),
        ({"description": None}, "description"),
        ({"secret": "whsec_AAAA"}, "secret"),
        ({"enabled": 1}, "enabled"),
    ],
)
def test_what_is_no_webhook(
    refusing: tuple[Shop, str], changes: dict[str, Any], field: str
) -> None:
    (shop, path), before = refusing, refusing[0].state()
    if field != "enabled":
        body = {"url": f"{NOBODY}x", **changes}
        assert problem(shop.write("webhooks", body)) == ("malformed", field)
    wanted = {**SETTINGS, "url": f"{NOBODY}x", **changes}
    assert problem(shop.put(path, wanted, shop.key)) == ("malformed", field)
    assert shop.state() == before


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://[::1]/", "https://shop.example:22/"])
def test_where_no_webhook_may_go(refusing: tuple[Shop, str], url: str) -> None:
    (shop, path), before = refusing, refusing[0].state()
    assert problem(shop.write("webhooks", {"url": url})) == ("forbidden-address", "url")
    changed = shop.put(path, {**SETTINGS, "url": url}, shop.key)
    assert problem(changed) == ("forbidden-address", "url")
    assert shop.state() == before


@pytest.mark.parametrize(
    "since",
    [
        *("2026-11-20", "2026-11-20T00:00:00", "2026-11-20T00:00:00+00:00", ""),
        *("2026-11-20T24:00:00Z", "2026-11-20T00:00:00.0Z", "2026-02-30T00:00:00Z"),
        *("20261120T000000Z", 5, None),
    ],
)
def test_what_is_no_moment(refusing: tuple[Shop, str], since: Any) -> None:
    shop, path = refusing
    good = {"since": "2026-11-20T00:00:00Z"}
    assert shop.write(f"{path}/replay", good).json() == {"replayed": 0}
    assert problem(shop.write(f"{path}/replay", {"since": since})) == ("malformed", "since")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(("state=lost", "state"), ("state=", "state"), ("cursor=-1", "cursor")),
        *(("cursor=01", "cursor"), ("cursor=", "cursor"), ("limit=0", "limit")),
        *(("limit=101", "limit"), ("since=5", "since")),
    ],
)
def test_what_is_no_page(refusing: tuple[Shop, str], query: str, field: str) -> None:
    shop, path = refusing
    good = shop.get(f"{path}/deliveries", "state=dead&cursor=5&limit=1", shop.key)
    assert good.json() == {"deliveries": [], "next": None}
    assert problem(shop.get(f"{path}/deliveries", query, shop.key)) == ("malformed", field)


def test_changing_everything_about_it(shop: Shop, receiver: Receiver) -> None:
    made = make(shop, receiver.url)
    wanted = {
        "url": f"{receiver.url}/new",
        "types": ["log.closed", "claim.decided"],
        "description": "new",
        "enabled": False,
    }
    path = f"webhooks/{made['id']}"
    changed = shop.put(path, wanted, shop.key).json()
    shown = {name: changed[name] for name in wanted}
    assert shown == {**wanted, "types": ["claim.decided", "log.closed"]}
    assert changed["disabled_because"] == "merchant"
    assert "secret" not in changed
    assert shop.get("webhooks", key=shop.key).json() == {"webhooks": [changed]}
    assert shop.delete(path, shop.key).json() == {"status": "deleted"}
    assert shop.get("webhooks", key=shop.key).json() == {"webhooks": []}


def test_a_sandbox_that_is_thrown_away_sends_nothing_more(shop: Shop, receiver: Receiver) -> None:
    sandbox = shop.write("sandbox", {"period": "manual"}).json()
    path, key = f"/v1/merchants/{sandbox['id']}", sandbox["api_key"]
    assert shop.post(f"{path}/webhooks", {"url": receiver.url}, key).status_code == 201
    shop.post(f"{path}/closes", None, key)
    assert receiver.wait()[0].document["data"]["merchant"] == sandbox["id"]
    assert shop.write("sandbox/removal", None).is_success
    assert shop.state()["webhook_endpoints"] == shop.state()["webhook_keys"] == 0


def test_nothing_of_what_is_sent_is_logged(
    shop: Shop, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 500
    with caplog.at_level(logging.DEBUG, "kvitto"):
        made = make(shop, f"{receiver.url}?key=a-key-of-the-shop")
        shop.buy(shop.sale())
        shop.close()
        receiver.wait()
    logged = json.dumps([record.getMessage() for record in caplog.records])
    for private in ("a-key-of-the-shop", made["secret"], receiver.got[0].id, "127.0.0.1"):
        assert private not in logged
