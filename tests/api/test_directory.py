"""The list of logs: who has it can check everything else."""

from typing import Any

from ledger.note import parse_vkey
from tests.api.shop import Shop
from tests.world import REFUND, WARRANTY


def _directory(shop: Shop, **query: str) -> dict[str, Any]:
    answer = shop.get("/v1/directory", query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_log_is_listed_with_what_it_takes_to_check_it(shop: Shop) -> None:
    shop.open_for_claims()
    (acme,) = _directory(shop)["merchants"]
    assert (acme["id"], acme["origin"], acme["sandbox"]) == ("acme", "ledger.example/acme", False)
    for name in ("purchases", "events"):
        log = acme["logs"][name]
        (key,) = map(parse_vkey, log["vkeys"])
        assert shop.get(f"{log['url']}/checkpoint").text.startswith(f"{key.name}\n")
    assert acme["policies"] == [
        {
            "policy": policy["id"],
            "version": 1,
            "title": policy["title"],
            "published": "2026-11-21T12:00:00Z",
            "ended": None,
        }
        for policy in (WARRANTY, REFUND)
    ]


def test_what_changes_is_told(shop: Shop) -> None:
    shop.open_for_claims()
    before = _directory(shop)
    assert _directory(shop) == before
    shop.write("policies/warranty-2y/1/withdrawal", {"from": "2026-12-01"})
    shop.enter("other")
    acme, other = _directory(shop)["merchants"]
    assert [policy["ended"] for policy in acme["policies"]] == ["2026-12-01", None]
    assert (other["id"], other["policies"]) == ("other", [])


def test_sandboxes_are_listed_for_who_asks(shop: Shop) -> None:
    sandbox = shop.write("sandbox", {}).json()["id"]
    assert [m["id"] for m in _directory(shop)["merchants"]] == ["acme"]
    listed = _directory(shop, sandboxes="true")["merchants"]
    assert [(m["id"], m["sandbox"]) for m in listed] == [("acme", False), (sandbox, True)]
    assert shop.get("/v1/directory", {"sandboxes": "yes"}).status_code == 400


def test_many_merchants_are_listed_by_id(shop: Shop) -> None:
    for number in range(12):
        shop.enter(f"shop-{number:02}")
    names = [m["id"] for m in _directory(shop)["merchants"]]
    assert names == ["acme", *(f"shop-{number:02}" for number in range(12))]


def test_a_list_that_is_known_is_not_sent_again(shop: Shop) -> None:
    first = shop.get("/v1/directory")
    assert first.headers["cache-control"] == "public, max-age=60"
    known = {"If-None-Match": first.headers["etag"]}
    assert shop.client.send("GET", "/v1/directory", headers=known).status_code == 304
    shop.enter("other")
    assert shop.client.send("GET", "/v1/directory", headers=known).status_code == 200
