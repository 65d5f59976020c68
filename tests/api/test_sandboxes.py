"""Sandboxes and their clocks, and those who would have a live merchant moved, or a sandbox pass."""

from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from commitments.sandbox import MOST_AHEAD
from issuer.key_rotation import rotate_keys
from issuer.merchants import find_merchant, list_merchants
from issuer.sandbox_clocks import SandboxClocks
from ledger.events import event_time
from ledger.once import answers, forget_answers
from tests.api.shop import OPERATOR, SALE, Shop, values

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
"""Rules that no database decides."""

SALES = {"sales": [SALE]}


def make(shop: Shop, key: str | None = None, **choices: Any) -> dict[str, Any]:
    answer = shop.post("sandbox", choices, key or shop.key)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def at(sandbox: dict[str, Any], path: str) -> str:
    return f"/v1/merchants/{sandbox['id']}/{path}"


def move(shop: Shop, sandbox: dict[str, Any], **to: Any) -> httpx.Response:
    return shop.post(at(sandbox, "clock"), to, sandbox["api_key"])


def code(answer: httpx.Response) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition(":")[2]


def other_process(shop: Shop, database: str) -> Shop:
    other = Shop(database, entered=False)
    other.clock.now = shop.clock.now
    return other


def test_a_sandbox_is_a_merchant_of_its_own(shop: Shop) -> None:
    sandbox = make(shop)
    assert (sandbox["id"], sandbox["name"]) == ("acme-test", "Acme")
    assert sandbox["origin"] == "ledger.example/test/acme-test"
    assert sandbox["api_key"].startswith("test_acme-test_")
    declared = shop.get(at(sandbox, "").rstrip("/")).json()["declaration"]
    assert (declared["capacity"], declared["period"]) == (64, "manual")
    assert declared["seed_witnesses"] == []
    before = shop.sizes()
    sold = shop.post(at(sandbox, "sales"), SALES, sandbox["api_key"])
    assert values(sold, "slip")[0]["index"] == 0
    note = shop.get("/logs/acme-test/purchases/checkpoint").text
    assert note.startswith("ledger.example/test/acme-test\n1\n")
    assert shop.sizes() == before


@ON_SQLITE
def test_sandboxes_are_not_among_the_merchants(shop: Shop) -> None:
    make(shop)
    listed = shop.get("/v1/merchants").json()["merchants"]
    assert [merchant["id"] for merchant in listed] == ["acme"]
    assert [merchant.id for merchant in list_merchants(shop.store)] == ["acme"]


@ON_SQLITE
def test_no_key_opens_both_a_merchant_and_its_sandbox(shop: Shop) -> None:
    sandbox = make(shop)
    before = shop.state()
    live_on_test = shop.post(at(sandbox, "sales"), SALES, shop.key)
    test_on_live = shop.post("sales", SALES, sandbox["api_key"])
    assert {code(live_on_test), code(test_on_live)} == {"foreign-merchant"}
    for respelt in (
        shop.key.replace("kv_acme_", "test_acme_"),
        shop.key.replace("kv_acme_", "test_acme-test_"),
        sandbox["api_key"].replace("test_acme-test_", "kv_acme-test_"),
        sandbox["api_key"].replace("test_acme-test_", "kv_acme_"),
    ):
        for path in (at(sandbox, "sales"), "sales"):
            assert code(shop.post(path, SALES, respelt)) == "unauthorised"
    assert shop.state() == before


@ON_SQLITE
def test_who_may_make_a_sandbox(shop: Shop) -> None:
    other = shop.enter("other")["api_key"]
    narrow = {"label": "till", "scopes": ["sales", "policies"]}
    till = shop.write("keys", narrow).json()["api_key"]
    before = shop.state()
    refused = {None: "unauthorised", other: "foreign-merchant", till: "foreign-scope"}
    for key, why in refused.items():
        assert code(shop.post("sandbox", {}, key)) == why
        assert code(shop.post("sandbox/removal", None, key)) == why
    assert code(shop.post("/v1/merchants/nobody/sandbox", {}, OPERATOR)) == "unknown-merchant"
    assert shop.state() == before
    sandbox = make(shop, OPERATOR)
    assert code(shop.post("sandbox", {}, shop.key)) == "duplicate-sandbox"
    assert code(shop.post(at(sandbox, "sandbox"), {}, sandbox["api_key"])) == "already-sandbox"


def test_what_was_thrown_away_is_unknown_and_never_comes_back(shop: Shop, database: str) -> None:
    assert code(shop.write("sandbox/removal", None)) == "unknown-sandbox"
    first = make(shop)
    shop.post(at(first, "sales"), SALES, first["api_key"])
    with other_process(shop, database) as other:
        assert other.get(at(first, "policies")).status_code == 200
        assert shop.write("sandbox/removal", None).json()["origin"] == first["origin"]
        for process in (shop, other):
            sold = process.post(at(first, "sales"), SALES, first["api_key"])
            assert code(sold) == "unauthorised"
            assert code(process.get(at(first, "policies"))) == "unknown-merchant"
            assert code(process.get("/logs/acme-test/purchases/checkpoint")) == "not-found"
    second = make(shop)
    assert (second["id"], second["origin"]) == ("acme-test-2", "ledger.example/test/acme-test-2")
    body = {"id": "acme-test", "name": "A shop that looks like a sandbox"}
    assert code(shop.post("/v1/merchants", body, OPERATOR)) == "duplicate-merchant"


@ON_SQLITE
def test_a_merchant_with_the_name_of_a_sandbox_is_in_nobodys_way(shop: Shop) -> None:
    shop.enter("acme-test")
    long_id = "a" * 40
    long_key = shop.enter(long_id)["api_key"]
    assert make(shop)["id"] == "acme-test-2"
    answer = shop.post(f"/v1/merchants/{long_id}/sandbox", {}, long_key)
    assert answer.json()["id"] == "a" * 35 + "-test"


# ---- the clock


def test_a_clock_moves_for_all_processes_at_once(shop: Shop, database: str) -> None:
    sandbox = make(shop)
    with other_process(shop, database) as other:
        shown = other.get(at(sandbox, "clock")).json()
        assert shown == {"time": "2026-11-21T12:00:00Z", "ahead": 0}
        assert move(shop, sandbox, advance="P14DT30M").json()["time"] == "2026-12-05T12:30:00Z"
        assert other.get(at(sandbox, "clock")).json()["time"] == "2026-12-05T12:30:00Z"
        shop.clock.advance(seconds=5)
        assert move(shop, sandbox, time="2027-03-01T00:00:00Z").json()["ahead"] > 90 * 86400
        sold = other.post(at(sandbox, "sales"), _sold_on("2027-03-01"), sandbox["api_key"])
        assert sold.json()["rejected"] == 0
    closed = shop.post(at(sandbox, "closes"), None, sandbox["api_key"]).json()
    assert closed["time"] == "2027-03-01T00:00:00Z"
    too_early = shop.post(at(sandbox, "sales"), _sold_on("2027-03-03"), sandbox["api_key"])
    assert too_early.json()["rejected"] == 1


@ON_SQLITE
def test_times_of_events_never_decrease(shop: Shop, database: str) -> None:
    sandbox = make(shop)
    move(shop, sandbox, advance="P1Y")
    clocks = SandboxClocks(shop.store, shop.clock)  # as a command beside the service has them
    rotate_keys(shop.store, clocks, find_merchant(shop.store, sandbox["id"]))
    with other_process(shop, database) as other:
        other.post(at(sandbox, "closes"), None, sandbox["api_key"])
    move(shop, sandbox, advance="PT1S")
    shop.post(at(sandbox, "closes"), None, sandbox["api_key"])
    shown = shop.get(at(sandbox, "events"), {"types": "log.closed,log.key_rotated"}).json()[
        "events"
    ]
    times = [each["event"]["time"] for each in shown]
    assert (len(times), times) == (5, sorted(times))
    assert times[1] == "2027-11-21T12:00:00Z"


def test_a_move_that_is_sent_again_moves_once(shop: Shop) -> None:
    sandbox = make(shop)
    path, key = at(sandbox, "clock"), sandbox["api_key"]
    first = shop.post(path, {"advance": "P1D"}, key, "one-day")
    assert shop.post(path, {"advance": "P1D"}, key, "one-day").content == first.content
    assert shop.get(path).json() == first.json() == {"time": "2026-11-22T12:00:00Z", "ahead": 86400}
    assert code(shop.post(path, {"advance": "P2D"}, key, "one-day")) == "idempotency-key-reused"


def test_names_of_requests_are_forgotten_by_the_clock(shop: Shop, database: str) -> None:
    sandbox = make(shop)
    send = partial(shop.post, at(sandbox, "sales"), SALES, sandbox["api_key"], "a-name")
    first = send()
    move(shop, sandbox, advance="PT23H59M")
    assert send().content == first.content
    move(shop, sandbox, advance="PT2M")
    later = send().json()
    assert later["rows"][0]["slip"]["index"] == 1
    forget_answers(shop.store, shop.clock)
    with other_process(shop, database) as other:
        again = other.post(at(sandbox, "sales"), SALES, sandbox["api_key"], "a-name")
        assert again.json() == later
    shop.clock.advance(hours=25)
    forget_answers(shop.store, shop.clock)
    with shop.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(answers)) == 0


def _sold_on(day: str) -> dict[str, Any]:
    return {"sales": [{**SALE, "date": day}]}


@ON_SQLITE
def test_the_clock_of_a_live_merchant_moves_for_nobody(shop: Shop) -> None:
    sandbox = make(shop)
    move(shop, sandbox, advance="P1Y")
    before = shop.state()
    for key in (shop.key, OPERATOR, sandbox["api_key"], None):
        answer = shop.post("clock", {"advance": "P1D"}, key)
        assert code(answer) in ("not-a-sandbox", "unauthorised", "foreign-merchant")
    assert code(shop.post("clock", {"advance": "P1D"}, shop.key)) == "not-a-sandbox"
    assert code(shop.get("clock")) == "not-a-sandbox"
    assert shop.state() == before
    assert shop.write("closes", None).json()["time"] == event_time(shop.clock.now)
    assert shop.write("sales", _sold_on("2027-11-01")).json()["rejected"] == 1


@ON_SQLITE
def test_no_clock_goes_back_or_beyond_its_end(shop: Shop) -> None:
    sandbox = make(shop)
    assert move(shop, sandbox, time="2026-12-01T00:00:00Z").status_code == 200
    last = event_time(shop.clock.now + MOST_AHEAD)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"time": "2026-11-30T23:59:59Z"}, "clock-backwards"),
        ({"time": "1970-01-01T00:00:00Z"}, "clock-backwards"),
        ({"time": "9999-12-31T23:59:59Z"}, "clock-too-far"),
        ({"advance": "P31Y"}, "clock-too-far"),
        ({"advance": "PT999999H"}, "clock-too-far"),
        ({"advance": "P999Y9999M9999W99999DT999999H"}, "clock-too-far"),
        ({"advance": "P8999Y"}, "malformed"),
        ({"advance": "P999Y9999M9999W99999DT999999999H"}, "malformed"),
        ({"advance": "-P1D"}, "malformed"),
        ({"advance": "P"}, "malformed"),
        ({"advance": "PT"}, "malformed"),
        ({"advance": "P1DT"}, "malformed"),
        ({"advance": "P1.5D"}, "malformed"),
        ({"advance": 86400}, "malformed"),
        ({"advance": "P1D", "time": "2027-01-01T00:00:00Z"}, "malformed"),
        ({"advance": None}, "malformed"),
        ({"time": "2027-01-01"}, "malformed"),
        ({"time": "2027-01-01T00:00:00+01:00"}, "malformed"),
        ({"time": "2027-02-30T00:00:00Z"}, "malformed"),
        ({}, "malformed"),
        ({"ahead": 5}, "malformed"),
    ]
    for to, why in refused:
        assert (to, code(move(shop, sandbox, **to))) == (to, why)
    assert shop.get(at(sandbox, "clock")).json()["time"] == "2026-12-01T00:00:00Z"
    assert move(shop, sandbox, advance="PT0S").status_code == 200
    assert move(shop, sandbox, time=last).status_code == 200
    assert code(move(shop, sandbox, advance="PT1S")) == "clock-too-far"
    # Nothing overflows there, whatever is counted on from it.
    assert shop.post(at(sandbox, "closes"), None, sandbox["api_key"]).status_code == 201


def test_days_end_as_the_clock_moves(shop: Shop) -> None:
    sandbox = make(shop, period="P1D")
    shop.post(at(sandbox, "sales"), SALES, sandbox["api_key"])
    assert (shop.closer.due(), shop.closer.due()) == (1, 0)
    move(shop, sandbox, advance="P3D")
    shown = shop.get(at(sandbox, "events"), {"types": "log.closed"}).json()["events"]
    _, close = [each["event"] for each in shown if each["event"]["type"] == "log.closed"]
    assert (close["time"], close["size"]) == ("2026-11-24T12:00:00Z", 1)
    move(shop, sandbox, advance="PT1H")
    assert shop.closer.due() == 0
