"""The event ``report.published``: a report that its merchant stands by (docs/protocol.md 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aftersales.months import month_of, parse_month
from commitments.errors import FormatError, VerificationError
from ledger.events import check_event

__all__ = ["REPORT_PUBLISHED", "PublishedReport", "report_event"]

REPORT_PUBLISHED = "report.published"

_FIELDS = ("number", "month", "report")


@dataclass(frozen=True)
class PublishedReport:
    """The report of a month, the ``number``-th that this log publishes, counted from 0.

    Of several for one month the last counts.
    """

    number: int
    month: str
    report: Mapping[str, Any]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "PublishedReport":
        """Read the event; ``FormatError`` for another form.

        ``VerificationError`` where the month has not ended at the event's time.
        """
        check_event(event, REPORT_PUBLISHED, _FIELDS)
        if type(event["number"]) is not int or event["number"] < 0:
            raise FormatError("not a count", "number")
        month = parse_month(event["month"], "month")
        if not isinstance(event["report"], dict):
            raise FormatError("not a report", "report")
        if month_of(event["time"]) <= month:
            raise VerificationError("the month has not ended", "month")
        return cls(event["number"], month, event["report"])


def report_event(published: PublishedReport, time: str) -> dict[str, Any]:
    """The event, as of ``time``."""
    return {
        "type": REPORT_PUBLISHED,
        "time": time,
        "number": published.number,
        "month": published.month,
        "report": dict(published.report),
    }
