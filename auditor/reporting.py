"""The reports of a merchant, computed again and compared with those that it has published."""

from collections.abc import Iterator
from contextlib import suppress

from aftersales.months import Months
from aftersales.report_events import PublishedReport
from aftersales.service_report import ReportFacts, service_report
from auditor.findings import Disagreement
from auditor.record import Record
from auditor.rules import broken
from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json

__all__ = ["counted_reports", "report_disagreements", "report_facts"]

_RULE = "report-differs"


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


def counted_reports(record: Record) -> dict[str, tuple[int, PublishedReport]]:
    """By month, the report that counts, with the index of its event: the last that can be read."""
    counted: dict[str, tuple[int, PublishedReport]] = {}
    for index, event in record.reports:
        with suppress(FormatError, VerificationError):
            published = PublishedReport.from_event(event)
            counted[published.month] = index, published
    return counted


def _disagreements(record: Record) -> Iterator[Disagreement]:
    facts, number = report_facts(record), 0
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
        told = service_report(facts, published.month)
        if canonical_json(published.report) != canonical_json(told):
            yield broken(_RULE, f"the events of {published.month} make another report", index)
