"""Reports are what the log says, however they are asked for; nobody publishes another one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aftersales.report_events import REPORT_PUBLISHED, PublishedReport, report_event
from aftersales.report_fold import ReportFold
from aftersales.service_report import service_report
from ledger.event_log import append_event
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import events_origin, parse_event
from tests.api.shop import Shop
from tests.databases import Sqlite, fresh
from tests.world import ORIGIN
from verifier.rebuild import rebuild

EVENTS = events_origin(ORIGIN)
MONTH = {"month": "2026-11"}


@pytest.fixture
def small_shop(sqlite: Sqlite) -> Iterator[Shop]:
    """For what no engine does differently."""
    with fresh(sqlite, damaged=False) as url, Shop(url) as opened:
        yield opened


def recomputed(shop: Shop) -> Any:
    fold = ReportFold(ORIGIN)
    with shop.store.log(EVENTS) as log:
        for entry in log.entries(0, log.size):
            fold.read(parse_event(entry))
    return service_report(fold.facts, "2026-11")


def void(shop: Shop, count: int) -> None:
    for bought in shop.buy(*[shop.sale()] * count):
        shop.write("voids", {"index": bought.index, "reason": "returned"})


def test_a_report_is_published_after_its_month_and_is_what_the_log_says(shop: Shop) -> None:
    void(shop, 6)
    early = shop.write("reports", MONTH)
    assert (early.status_code, early.json()["type"]) == (422, "urn:kvitto:problem:month-not-over")
    assert shop.get("reports/2026-11").json() == {"published": None, "computed": None}

    shop.clock.advance(days=12)
    before = shop.get("reports/2026-11").json()
    assert (before["published"], before["computed"]["voids"]["count"]) == (None, 6)
    answer = shop.write("reports", MONTH)
    assert answer.status_code == 201
    event = answer.json()["event"]
    assert event == {
        "type": "report.published",
        "time": "2026-12-03T12:00:00Z",
        "number": 0,
        "month": "2026-11",
        "report": recomputed(shop),
    }
    after = shop.get("reports/2026-11").json()
    assert after["computed"] == before["computed"] == event["report"]
    assert (after["published"]["index"], after["published"]["event"]) == (
        answer.json()["index"],
        event,
    )


def test_the_published_report_is_proven(small_shop: Shop) -> None:
    small_shop.clock.advance(days=12)
    small_shop.write("reports", MONTH)
    published = small_shop.get("reports/2026-11").json()["published"]
    receipt = EventReceipt.parse({name: published[name] for name in ("event", "proof")})
    with small_shop.store.log(EVENTS) as log:
        verify_event_receipt(receipt, *log.verifiers)


def test_one_month_has_one_report_whoever_sends_it_again(shop: Shop) -> None:
    shop.clock.advance(days=45)
    first = shop.post("reports", MONTH, shop.key, "november")
    assert shop.post("reports", MONTH, shop.key, "november").json() == first.json()
    again = shop.write("reports", MONTH)
    assert (again.status_code, again.json()["title"]) == (409, "Duplicate report")
    shop.write("reports", {"month": "2026-12"})
    assert [
        (each["number"], each["month"], each["counts"])
        for each in shop.get("reports").json()["reports"]
    ] == [(0, "2026-11", True), (1, "2026-12", True)]


def test_a_wrong_report_of_an_earlier_version_is_followed_by_another(shop: Shop) -> None:
    shop.clock.advance(days=12)
    older = report_event(PublishedReport(0, "2026-11", {"schema": "older"}), "2026-12-01T00:00:00Z")
    shop.store.write(lambda tx: append_event(tx, ORIGIN, older), EVENTS)
    assert shop.write("reports", MONTH).json()["event"]["number"] == 1
    assert [each["counts"] for each in shop.get("reports").json()["reports"]] == [False, True]
    assert shop.get("reports/2026-11").json()["published"]["event"]["number"] == 1


def test_two_who_publish_at_once_publish_one(shop: Shop) -> None:
    shop.clock.advance(days=12)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: shop.write("reports", MONTH), range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(shop.events(REPORT_PUBLISHED)) == 1


def test_what_comes_before_the_months_end_is_in_the_report_even_at_the_last_moment(
    small_shop: Shop,
) -> None:
    """Nothing is kept of a month as long as an event of it may be on its way."""
    void(small_shop, 6)
    small_shop.clock.advance(days=12)
    assert small_shop.get("reports/2026-11").json()["computed"]["voids"]["count"] == 6
    small_shop.clock.advance(days=-12)
    void(small_shop, 1)
    small_shop.clock.advance(days=12)
    assert small_shop.write("reports", MONTH).json()["event"]["report"]["voids"]["count"] == 7
    small_shop.clock.advance(days=-12)
    void(small_shop, 1)  # a clock that was set back: these are of December
    assert small_shop.get("reports/2026-10").json()["computed"]["voids"]["count"] == 0
    small_shop.clock.advance(days=12)
    assert small_shop.get("reports/2026-11").json()["computed"]["voids"]["count"] == 7


def test_for_months_before_the_log_began_nothing_is_read(
    small_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = service_report(ReportFold(ORIGIN).facts, "2026-10")
    monkeypatch.setattr(ReportFold, "read", None)
    assert small_shop.get("reports/2026-10").json()["computed"] == empty
    monkeypatch.undo()
    small_shop.clock.advance(days=12)
    assert small_shop.get("reports/2026-11").json()["computed"] == empty


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "november", "2026-11-01"])
def test_only_months_have_reports(small_shop: Shop, month: str) -> None:
    assert small_shop.get("reports/2026-11").status_code == 200
    assert small_shop.get(f"reports/{month}").json()["field"] == "month"
    assert small_shop.write("reports", {"month": month}).json()["field"] == "month"


def test_only_a_key_for_policies_publishes(small_shop: Shop) -> None:
    small_shop.clock.advance(days=12)
    wanted = {"label": "till", "scopes": ["sales"], "expires": None}
    till = small_shop.write("keys", wanted).json()["api_key"]
    assert small_shop.post("reports", MONTH, till).json()["title"] == "Foreign scope"
    assert small_shop.post("reports", MONTH).status_code == 401
    assert small_shop.events(REPORT_PUBLISHED) == []


def test_a_database_that_is_made_again_has_its_reports(shop: Shop) -> None:
    shop.clock.advance(days=12)
    shop.write("reports", MONTH)
    before = shop.get("reports/2026-11").json(), shop.get("reports").json()
    rebuild(shop.store)
    assert (shop.get("reports/2026-11").json(), shop.get("reports").json()) == before
