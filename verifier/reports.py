"""A merchant's service-quality reports: computed here from its log, and published as events."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from aftersales.months import month_of, parse_month
from aftersales.report_events import REPORT_PUBLISHED, PublishedReport, report_event
from aftersales.report_fold import ReportFold
from aftersales.service_report import service_report
from commitments.clock import Clocks
from commitments.errors import Refused
from ledger.event_log import append_event, events_of
from ledger.event_receipt import EventReceipt
from ledger.events import event_time, events_origin, parse_event
from ledger.log import Log
from ledger.once import Once, unless_done
from ledger.store import Store, Transaction
from verifier.approvals import read_receipts

__all__ = ["MonthlyReport", "Reports"]

_CHUNK = 1000  # events in memory at a time
_MOST_KEPT = 1024  # reports, of some kilobytes each

Document = dict[str, Any]


@dataclass(frozen=True)
class MonthlyReport:
    """What was published last for a month, and what its events say; ``None`` until it is over."""

    published: EventReceipt | None
    computed: Document | None


class Reports:
    """The reports of one service, for all its merchants. Any number of threads may ask."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self._kept: OrderedDict[tuple[str, str], Document] = OrderedDict()
        self._lock = Lock()

    def publish(
        self, origin: str, month: str, once: Once | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Log the report of a month, which the log itself makes; index and event.

        ``FormatError`` for what is no month; ``Refused`` for one that has not ended, and where the
        report that was published last for it is the same.
        """
        self.read(origin, month)  # so that most often nothing is left to do while the log is held

        def unit(transaction: Transaction) -> tuple[int, dict[str, Any]]:
            connection, now = transaction.connection, event_time(self._clocks.at(origin))
            if month_of(now) <= month:
                raise Refused("month-not-over", "the month has not ended", "month")
            report = self._kept.get((origin, month))
            if report is None:  # no event of a later month was committed: some may have come since
                fold = _folded(connection, origin, transaction.size(events_origin(origin)))
                report = service_report(fold.facts, month)
            earlier = _published(connection, origin)
            same = [event for _, event in earlier if event["month"] == month]
            if same and same[-1]["report"] == report:
                raise Refused("duplicate-report", "the same was published", "month")
            event = report_event(PublishedReport(len(earlier), month, report), now)
            return append_event(transaction, origin, event), event

        index, event = self._store.write(unless_done(unit, once), events_origin(origin))
        return index, event

    def published(self, origin: str) -> list[tuple[int, dict[str, Any]]]:
        """Index and event of all that were published, in their order."""
        with self._store.read() as connection:
            return _published(connection, origin)

    def read(self, origin: str, month: str) -> MonthlyReport:
        """What was published for a month, and what the log says now. ``FormatError`` for none."""
        parse_month(month, "month")
        with self._store.read() as connection:
            found = [i for i, event in _published(connection, origin) if event["month"] == month]
            receipts = read_receipts(connection, origin, found[-1:])
            over = month_of(event_time(self._clocks.at(origin))) > month
            computed = self._computed(connection, origin, month) if over else None
        return MonthlyReport(receipts[0] if receipts else None, computed)

    def _computed(self, connection: Connection, origin: str, month: str) -> Document:
        """The report that the log makes. It is kept once no event can be added to its month.

        ``connection`` sees committed rows only. One log is read at a time: this takes seconds where
        it has ten thousands of claims.
        """
        log = Log(connection, events_origin(origin))
        if month < month_of(parse_event(log.entry(0))["time"]):  # for which no log is read
            return service_report(ReportFold(origin).facts, month)
        with self._lock:
            if (origin, month) not in self._kept:
                fold = _folded(connection, origin, log.size)
                report = service_report(fold.facts, month)
                if not fold.facts.months.is_over(month):
                    return report
                self._kept[origin, month] = report
                if len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
            return self._kept[origin, month]


def _published(connection: Connection, origin: str) -> list[tuple[int, dict[str, Any]]]:
    return events_of(connection, origin, [REPORT_PUBLISHED])


def _folded(connection: Connection, origin: str, size: int) -> ReportFold:
    log, fold = Log(connection, events_origin(origin)), ReportFold(origin)
    for start in range(0, size, _CHUNK):
        for entry in log.entries(start, min(start + _CHUNK, size)):
            fold.read(parse_event(entry))
    return fold
