"""``kvitto report``: from the logs and not from what the merchant says; and publishing one."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from aftersales.report_events import PublishedReport, report_event
from aftersales.service_report import service_report
from cli.report_page import render_report
from cli.report_words import report_sections, report_title
from tests.aftersales.reporting import MONTH, Made, facts
from tests.auditor.told import Told, told_story
from tests.cli.terminal import TODAY, Terminal
from tests.databases import Sqlite

NOVEMBER = "2026-11"


@pytest.fixture(scope="module")
def told(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return told_story(sqlite, tmp_path_factory.mktemp("told"))


@pytest.fixture
def reader(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def report(reader: Terminal, told: Told, place: Path, form: str, status: int = 0) -> str:
    mirror = reader.directory / "mirror"
    options = ("--month", NOVEMBER, "--mirror", mirror, "--key", told.key.vkey, "--format", form)
    return reader.run("report", place, *options, status=status).stdout


def publishing(told: Told, directory: Path, change: Callable[[Any], Any]) -> Path:
    """The logs with a report of November that is published in December."""
    first = told.write(told.logs.and_then(_event({})), directory / "first")
    true = json.loads(report(Terminal(directory), told, first, "json", 1))["report"]
    return told.write(told.logs.and_then(_event(change(true))), directory / "place")


def _event(report: Any) -> Any:
    return report_event(PublishedReport(0, NOVEMBER, report), "2026-12-01T00:00:00Z")


def test_what_the_merchant_has_published_is_computed_again(
    reader: Terminal, told: Told, tmp_path: Path
) -> None:
    place = publishing(told, tmp_path / "honest", lambda report: report)
    found = json.loads(report(reader, told, place, "json"))
    assert (found["merchant"], found["month"], found["final"]) == ("acme", NOVEMBER, True)
    assert found["published"] == {
        "index": len(told.logs.events),
        "number": 0,
        "differs": False,
    }
    assert found["report"]["schema"] == "kvitto-report/v1"


def test_a_prettier_report_is_not_believed(reader: Terminal, told: Told, tmp_path: Path) -> None:
    place = publishing(told, tmp_path / "liar", lambda report: {**report, "overdue": 0})
    found = json.loads(report(reader, told, place, "json", 1))
    assert found["published"]["differs"]
    assert found["report"]["overdue"] is None
    for form in ("text", "html"):
        assert "says something else" in report(reader, told, place, form, 1)
    trusted = ("--key", told.key.vkey, "--mirror", tmp_path / "audit")
    audited = reader.json("audit", place, *trusted, status=1)
    rules = {each["rule"] for each in audited["merchants"][0]["disagreements"]}
    # The story's month ends in December 2026: until then its report is from the future, too.
    assert rules - {"event-time"} == {"report-differs"}


def test_a_month_that_is_not_over_has_no_report(reader: Terminal, told: Told) -> None:
    options = ("report", told.exported, "--mirror", reader.directory / "mirror", "--month")
    assert "not ended" in reader.run(*options, "2999-01", status=1).stderr
    assert "month" in reader.run(*options, "May", status=2).stderr


class _Page(HTMLParser):
    """Tags, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def page(merchant: str) -> str:
    claims = [Made(outcome="completed")] * 12 + [Made(outcome="declined", reason="other")] * 7
    found = service_report(facts(claims), MONTH)
    hostile = {"warranty-2y": "<img src=x onerror=alert(1)>"}
    title = report_title(merchant, MONTH)
    return render_report(title, {"log": "a&b"}, None, report_sections(found, hostile))


def test_the_page_stands_on_its_own_and_its_text_is_never_markup() -> None:
    text = page("<script>alert(1)</script>")
    shown = _Page()
    shown.feed(text)
    assert {"script", "img", "link", "iframe", "a"}.isdisjoint(shown.tags)
    assert not {"src", "href", "onerror", "onclick"} & {name for name, _ in shown.attributes}
    assert "url(" not in text
    assert "&lt;script&gt;" in text
    assert ("lang", "en") in shown.attributes
    assert shown.tags.count("caption") == shown.tags.count("table") > 2
    assert {"row", "col"} <= {value for name, value in shown.attributes if name == "scope"}
    assert "service in October 2026" in text


def test_a_shop_publishes_and_everybody_computes(terminal: Terminal, address: str) -> None:
    last_month = (date.fromisoformat(TODAY).replace(day=1) - timedelta(days=1)).isoformat()[:7]
    terminal.run("merchant", "report", "publish", last_month)
    (listed,) = terminal.json("merchant", "report", "list")["reports"]
    assert (listed["month"], listed["counts"]) == (last_month, True)
    mirror = terminal.directory / "mirror"
    options = ("--month", last_month, "--mirror", mirror)
    found = terminal.json("report", address, *options)
    assert found["published"] == {"index": listed["index"], "number": 0, "differs": False}
    assert "Claims made" in terminal.run("report", address, *options).stdout
    again = terminal.error("merchant", "report", "publish", last_month, status=1)
    assert again["type"] == "duplicate-report"
