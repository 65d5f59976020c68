"""What the service says of its own logs, as an auditor has read them."""

import re
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from api import readings
from api.atom import Item, feed
from api.options import Options
from api.readings import Reading
from api.tagged import Tagged
from commitments.p256 import P256
from ledger.event_log import append_event
from tests.api.shop import Shop
from tests.databases import Sqlite, fresh
from tests.vectors.overview.make import count, read
from tests.world import ORIGIN

PATIENCE = 30  # seconds
ATOM = "{http://www.w3.org/2005/Atom}"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"  # RFC 3339


@pytest.fixture
def shop(sqlite: Sqlite) -> Iterator[Shop]:
    with fresh(sqlite) as database, Shop(database) as shop:
        yield shop


def _read(shop: Shop, path: str) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE
    while (answer := shop.get(path)).status_code == 503:
        assert answer.headers["retry-after"] == "1"
        assert time.monotonic() < deadline
    assert answer.status_code == 200, answer.text
    return answer


def _links(parent: ET.Element, relation: str) -> list[str | None]:
    links = parent.findall(f"{ATOM}link")
    return [link.get("href") for link in links if link.get("rel") == relation]


def _break_a_rule(shop: Shop, kind: str = "acme.invented") -> int:
    event = {"type": kind, "time": "2026-11-21T12:00:00Z"}
    return shop.store.commit(lambda transaction: append_event(transaction, ORIGIN, event))


def test_the_overview_is_what_the_log_says(shop: Shop) -> None:
    bought = shop.open_for_claims()
    shop.claim(bought[0])
    assert _read(shop, "overview").json() == count(*read(shop))
    refund = shop.claim(bought[1], "refund-14d")
    shop.verifier.retire(ORIGIN, refund.claim_id, bought[1].keys.secret)
    shop.issuer.void(shop.merchant, bought[2].index, "returned")
    said = _read(shop, "overview").json()
    assert said == count(*read(shop))
    assert [row["count"] for row in said["claims"]] == [1, 1]


def test_each_merchant_has_its_own(shop: Shop) -> None:
    shop.open_for_claims()
    for name in ("one", "two"):
        shop.enter(name)
    said = [_read(shop, f"/v1/merchants/{name}/overview").json() for name in ("one", "acme", "two")]
    assert [(each["origin"].rpartition("/")[2], each["events"]) for each in said] == [
        ("one", 1),
        ("acme", shop.sizes()[1]),
        ("two", 1),
    ]
    assert shop.get("/v1/merchants/three/overview").status_code == 404


def test_each_process_reads_for_itself(sqlite: Sqlite) -> None:
    with (
        fresh(sqlite) as database,
        Shop(database) as shop,
        Shop(database, entered=False) as other,
    ):
        for buyer in shop.open_for_claims():
            shop.claim(buyer)
            said = _read(other, "overview").json()
            assert said == _read(shop, "overview").json() == count(*read(shop))


def test_a_sandbox_has_its_own_findings(shop: Shop) -> None:
    _break_a_rule(shop)
    sandbox = shop.write("sandbox", {}).json()["id"]
    assert _read(shop, f"/v1/merchants/{sandbox}/findings").json()["disagreements"] == []
    assert len(_read(shop, "findings").json()["disagreements"]) == 1


def test_a_broken_rule_is_found_and_stays(shop: Shop) -> None:
    shop.open_for_claims()
    assert _read(shop, "findings").json()["disagreements"] == []
    index = _break_a_rule(shop)
    (broken,) = _read(shop, "findings").json()["disagreements"]
    assert (broken["rule"], broken["entries"]) == (
        "event-type",
        [{"log": "events", "index": index}],
    )
    shop.clock.advance(days=3)
    shop.buy(shop.sale())
    assert _read(shop, "findings").json()["disagreements"] == [broken]


def test_findings_are_those_of_the_detectors(shop: Shop) -> None:
    bought = shop.open_for_claims()
    shop.claim(bought[0])
    shop.issuer.void(shop.merchant, bought[1].index, "suspected_fraud")
    shop.clock.advance(days=30)
    found = _read(shop, "findings").json()
    overdue = [each for each in found["findings"] if each["detector"] == "missed-deadlines"]
    assert overdue
    assert found["events"] == shop.sizes()[1]
    assert len({each["id"] for each in found["findings"]}) == len(found["findings"])


def test_the_feed_is_one(shop: Shop) -> None:
    """RFC 4287, 4.1.1 and 4.1.2: what a feed and an entry must have, and how often."""
    shop.claim(shop.open_for_claims()[0])
    index = _break_a_rule(shop)
    shop.clock.advance(days=30)
    answer = _read(shop, "findings.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert root.tag == f"{ATOM}feed"
    for parent in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (element,) = parent.findall(f"{ATOM}{name}")
            assert element.text
        assert re.fullmatch(MOMENT, parent.findtext(f"{ATOM}updated") or "")
        assert (parent.findtext(f"{ATOM}id") or "").startswith("urn:kvitto:")
        alternate = [
            link for link in parent.findall(f"{ATOM}link") if link.get("rel") == "alternate"
        ]
        assert len(alternate) == 1
    (author,) = root.findall(f"{ATOM}author/{ATOM}name")
    assert author.text == "ledger.example"
    assert _links(root, "self") == [answer.request.url.path]
    entries = root.findall(f"{ATOM}entry")
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(entries) > 1
    times = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert times == sorted(times, reverse=True)
    assert root.findtext(f"{ATOM}updated") == times[0]
    related = [link for entry in entries for link in _links(entry, "related")]
    assert f"/dashboard#/acme/entry/events/{index}" in related


def test_a_feed_keeps_its_ids_and_its_tag(shop: Shop) -> None:
    _break_a_rule(shop)
    first = _read(shop, "findings.atom")
    known = {"If-None-Match": first.headers["etag"]}
    path = "/v1/merchants/acme/findings.atom"
    shop.buy(shop.sale())  # which makes no finding
    assert shop.client.send("GET", path, headers=known).status_code == 304
    _break_a_rule(shop, "acme.again")
    second = shop.client.send("GET", path, headers=known)
    assert second.status_code == 200
    ids = [
        [entry.text for entry in ET.fromstring(each.content).iter(f"{ATOM}id")]  # noqa: S314
        for each in (first, second)
    ]
    assert set(ids[0]) < set(ids[1])


def test_text_in_a_feed_is_text() -> None:
    hostile = "</title><script>alert(1)</script>&\x00\x1b\ud7ff"
    item = Item("urn:x:1", hostile, "2026-11-21T12:00:00Z", hostile, "<notice>", "/?a&b")
    written = feed(
        "urn:x", hostile, hostile, "2026-11-21T12:00:00Z", address="/", page="/", items=[item]
    )
    root = ET.fromstring(written)  # noqa: S314 - our own
    assert not [element for element in root.iter() if "script" in element.tag]
    shown = hostile.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert root.findtext(f"{ATOM}title") == shown
    assert root.findtext(f"{ATOM}entry/{ATOM}content") == shown


def test_who_asks_before_a_log_is_read_is_told_how_far_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.buy(*[shop.sale()] * 20)
    monkeypatch.setattr(readings, "_PATIENCE", 0.2)
    monkeypatch.setattr(readings, "_PORTION_SECONDS", 0.0)
    monkeypatch.setattr(readings, "_PURCHASES", 1)
    monkeypatch.setattr(readings, "_REST_SECONDS", 0.05)
    answer = shop.get("overview")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:kvitto:problem:not-read"
    assert re.fullmatch(r"\d+ of 21 entries are read", answer.json()["detail"])
    assert _read(shop, "overview").json()["purchases"] == 20


def test_a_log_that_is_too_large_is_left_to_others(sqlite: Sqlite) -> None:
    options = Options(audit_megabytes=0)
    with fresh(sqlite) as database, Shop(database, options=options) as shop:
        answer = shop.get("findings")
    assert answer.status_code == 503
    assert "retry-after" not in answer.headers


def test_what_nobody_has_asked_for_longest_is_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.enter("other")
    kept = shop.app.state.service.readings
    for name in ("acme", "other"):
        _read(shop, f"/v1/merchants/{name}/overview")
    assert list(kept._readings) == ["ledger.example/acme", "ledger.example/other"]
    monkeypatch.setattr(kept, "_most_bytes", 2 * readings._EVENT_BYTES - 1)
    _read(shop, "overview")
    assert list(kept._readings) == ["ledger.example/acme"]


def test_an_error_while_reading_is_not_the_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_reading: Reading, _store: Any) -> bool:
        raise RuntimeError("no")

    with monkeypatch.context() as patched:
        patched.setattr(Reading, "read", fail)
        assert shop.get("overview").status_code == 500
    assert _read(shop, "overview").json()["events"] == 1


def test_an_answer_that_took_long_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("api.readings.time.monotonic", lambda: now)

    def make(reading: Reading, _now: str) -> Tagged:
        nonlocal now
        now += 2  # seconds
        return Tagged.json(reading.events)

    reading = Reading(ORIGIN, P256)

    def said(time: str = "2026-11-21T12:00:59Z") -> bytes:
        return reading.answer("x", time, make).body

    assert said("2026-11-21T12:00:00Z") == b"0"
    reading.events = 7
    now = 2 + 19.9
    assert said() == b"0"
    now = 2 + 20.1
    assert said() == b"7"
