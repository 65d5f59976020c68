"""The reports of a merchant, computed again and compared with those that it has published."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from aftersales.months import Months, month_of, parse_month
from aftersales.report_events import PublishedReport
from aftersales.service_report import ReportFacts, service_report
from auditor.findings import Disagreement
from auditor.record import Record
from auditor.rules import broken
from commitments.errors import FormatError, Refused, VerificationError
from commitments.wire import canonical_json

__all__ = ["MonthlyReport", "monthly_report", "report_disagreements", "report_facts"]

_RULE = "report-differs"


@dataclass(frozen=True)
class MonthlyReport:
    """The report of a month as the log makes it, and the one that counts of those published.

    ``index`` is that of its event. ``final`` says that no event can be added to the month.
    """

    month: str
    report: dict[str, Any]
    final: bool
    index: int | None = None
    published: PublishedReport | None = None

    @property
    def differs(self) -> bool:
        """Whether something else was published."""
        said = self.published
        return said is not None and canonical_json(said.report) != canonical_json(self.report)


def report_facts(record: Record) -> ReportFacts:
    """What the reports of each month are made of."""
    return ReportFacts(
        record.histories,
        Months(record.times),
        {v.event: v.reason for v in record.voids if v.event is not None and v.reason is not None},
        [each.retired for each in record.transfers.values() if each.retired is not None],
    )


def report_disagreements(record: Record) -> list[Disagreement]:
    """Reports with another number than the next, too early, or that say what the events do not."""
    return list(_disagreements(record)) if record.reports else []


def monthly_report(record: Record, month: str, now: str) -> MonthlyReport:
    """The report of a month that has ended at the event time ``now``, or by the log's own time.

    ``FormatError`` for what is no month, ``Refused`` for one that has not ended.
    """
    facts = report_facts(record)
    final = facts.months.is_over(parse_month(month, "month"))
    if not final and month_of(now) <= month:
        raise Refused("month-not-over", "the month has not ended", "month")
    found = MonthlyReport(month, service_report(facts, month), final)
    for index, event in record.reports:
        with suppress(FormatError, VerificationError):
            published = PublishedReport.from_event(event)
            if published.month == month:  # the last counts
                found = replace(found, index=index, published=published)
    return found


def _disagreements(record: Record) -> Iterator[Disagreement]:
    facts, number = report_facts(record), 0
    told: dict[str, bytes] = {}  # of a month any number can be published
    for index, event in record.reports:
        try:
            published = PublishedReport.from_event(event)
        except (FormatError, VerificationError) as error:
            yield broken(_RULE, str(error), index)
            continue
        if published.number != number:
            yield broken(_RULE, "a report is hidden, or two have one number", index)
        number = published.number + 1
        # The month is over where the report stands: nothing that comes after it is counted
        if published.month not in told:
            told[published.month] = canonical_json(service_report(facts, published.month))
        if canonical_json(published.report) != told[published.month]:
            yield broken(_RULE, f"the events of {published.month} make another report", index)
