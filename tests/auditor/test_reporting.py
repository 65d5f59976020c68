"""A merchant that publishes another report than its log makes is found."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from aftersales.report_events import PublishedReport, report_event
from aftersales.report_fold import ReportFold
from aftersales.service_report import service_report
from auditor.record import Record
from auditor.reporting import monthly_report, report_disagreements, report_facts
from commitments.errors import Refused
from ledger.events import parse_event
from tests.aftersales.reporting import AFTER, MONTH, MOVED, Made, facts
from tests.auditor.book import Book
from tests.auditor.logs import Logs
from tests.world import ORIGIN


def shop() -> Record:
    """October with slow answers and declines, and November's first event, at the same index."""
    claims = [
        *[Made(outcome="completed", moved="2026-10-20T12:00:00Z")] * 15,
        *[Made(outcome="declined", reason="other")] * 9,
    ]
    record, made = Book().record, facts(claims)
    record.histories = made.histories
    record.times = [MOVED] * len(made.months.span(MONTH)) + [AFTER]
    return record


def publish(record: Record, report: Any, number: int = 0, time: str = AFTER) -> None:
    event = report_event(PublishedReport(number, MONTH, report), time)
    record.reports.append((len(record.times), event))
    record.times.append(time)


def computed(record: Record) -> Any:
    return service_report(report_facts(record), MONTH)


def quicker(report: Any) -> None:
    report["responses"]["p90"] -= 1


def nobody_declined(report: Any) -> None:
    report["ended"]["policies"][0]["outcomes"]["declined"] = 0


def another_spelling(report: Any) -> None:
    report["transfers"] = False  # equal to 0, and other bytes


def more_said(report: Any) -> None:
    report["ratings"] = {"mean": 5}


def nothing_said(report: Any) -> None:
    report.clear()


@pytest.mark.parametrize(
    "embellish", [quicker, nobody_declined, another_spelling, more_said, nothing_said]
)
def test_a_prettier_report_is_found(embellish: Callable[[Any], None]) -> None:
    record = shop()
    true = computed(record)
    publish(record, true)
    assert report_disagreements(record) == []

    prettier = deepcopy(true)
    embellish(prettier)
    publish(record, prettier, 1)
    (found,) = report_disagreements(record)
    assert (found.rule, [entry.index for entry in found.entries]) == (
        "report-differs",
        [record.reports[1][0]],
    )


def test_a_claim_that_is_answered_later_changes_no_report_of_before() -> None:
    record = shop()
    publish(record, computed(record))
    for history in record.histories.claims.values():
        record.times.append("2026-11-05T00:00:00Z")
        history.moves.append(history.moves[-1])
    assert report_disagreements(record) == []


def test_a_report_before_its_month_is_over_is_found() -> None:
    record = shop()
    record.times.pop()
    publish(record, computed(record), time="2026-10-31T23:59:59Z")
    (found,) = report_disagreements(record)
    assert "not ended" in found.why


def test_reports_are_numbered_without_gaps() -> None:
    for numbers, faults in (([0, 1, 2], 0), ([0, 2, 3], 1), ([0, 0], 1), ([1], 1)):
        record = shop()
        report = computed(record)
        for number in numbers:
            publish(record, report, number)
        assert len(report_disagreements(record)) == faults


def test_the_last_report_of_a_month_counts() -> None:
    record = shop()
    publish(record, {"schema": "an older version's"})
    publish(record, computed(record), 1)
    found = monthly_report(record, MONTH, AFTER)
    assert (found.index, found.differs) == (record.reports[1][0], False)
    assert found.published is not None
    assert found.published.number == 1
    assert len(report_disagreements(record)) == 1  # the first stays a fault
    publish(record, {"schema": "made up"}, 2)
    assert monthly_report(record, MONTH, AFTER).differs


def test_service_and_auditor_count_the_same(honest: Logs) -> None:
    fold, record = ReportFold(ORIGIN), honest.replay().record
    for event in honest.events:
        fold.read(parse_event(event))
    assert record is not None
    seen, told = report_facts(record), fold.facts
    assert seen.histories.claims == told.histories.claims
    assert (seen.voids, sorted(seen.transfers)) == (told.voids, sorted(told.transfers))
    assert seen.months.all == told.months.all == ["2026-11"]
    assert len(seen.histories.claims) > 5
    assert seen.voids
    assert seen.transfers


def test_a_month_has_a_report_when_it_is_over_by_the_log_or_the_clock() -> None:
    record = shop()
    assert monthly_report(record, MONTH, MOVED).final
    assert not monthly_report(record, "2026-11", "2026-12-01T00:00:00Z").final
    with pytest.raises(Refused, match="not ended"):
        monthly_report(record, "2026-11", AFTER)
