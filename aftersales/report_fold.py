"""What reports are made of, folded from the events of a log."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aftersales.histories import Histories
from aftersales.months import Months
from aftersales.service_report import ReportFacts
from commitments.errors import FormatError, Refused, VerificationError
from ledger.events import OWNERSHIP_RETIRED
from ledger.voided import VOIDED, Voided

__all__ = ["ReportFold"]


class ReportFold:
    """Reads the events of the event log that belongs to ``origin``, in their order.

    An event that breaks the rules counts for nothing: to say so is an audit's business.
    """

    def __init__(self, origin: str) -> None:
        self.size = 0
        self._histories = Histories(origin)
        self._months = Months()
        self._voids: dict[int, str] = {}
        self._transfers: list[int] = []

    @property
    def facts(self) -> ReportFacts:
        """Those of the events so far."""
        return ReportFacts(self._histories, self._months, self._voids, self._transfers)

    def read(self, event: Mapping[str, Any]) -> None:
        """The next event, at the index ``size``."""
        self._months.read(event["time"])
        with suppress(FormatError, VerificationError, Refused):
            self._histories.read(self.size, event)
            if event["type"] == VOIDED:
                self._voids[self.size] = Voided.from_event(event).reason
            elif event["type"] == OWNERSHIP_RETIRED and "transfer_id" in event:
                self._transfers.append(self.size)
        self.size += 1
