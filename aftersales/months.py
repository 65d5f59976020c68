"""Months of an event log: which events belong to which (docs/protocol.md 4, *Events*).

The month of an event is that of the latest ``time`` among it and the events before it. So a clock
that was set back puts nothing into a month that is over, and each month is one piece of the log.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from datetime import date, timedelta

from commitments.errors import FormatError

__all__ = ["Months", "month_of", "next_month", "parse_month"]

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_LONGER = timedelta(days=31)  # than any month, from its first day


def parse_month(text: object, field: str) -> str:
    """The month, as 2026-10; ``FormatError`` for any other spelling."""
    if not isinstance(text, str) or not _MONTH.fullmatch(text) or text < "0001" or text > "9999-11":
        raise FormatError("not a month such as 2026-10", field)
    return text


def month_of(time: str) -> str:
    """That of an event time."""
    return time[: len("2026-10")]


def next_month(month: str) -> str:
    """The month after one that :func:`parse_month` has read."""
    return (date.fromisoformat(f"{month}-01") + _LONGER).isoformat()[: len("2026-10")]


class Months:
    """The months of a log whose events have been at ``times``, in the order of the log."""

    def __init__(self, times: Iterable[str] = ()) -> None:
        self._size = 0
        self._months: list[str] = []
        self._starts: list[int] = []
        for time in times:
            self.read(time)

    def read(self, time: str) -> None:
        """The next event, of this time."""
        month = month_of(time)
        if not self._months or month > self._months[-1]:
            self._months.append(month)
            self._starts.append(self._size)
        self._size += 1

    @property
    def all(self) -> list[str]:
        """Those that have events, in their order."""
        return list(self._months)

    def span(self, month: str) -> range:
        """The indices of its events; an empty range at its place where it has none."""
        return range(self._start(month), self._start(next_month(month)))

    def is_over(self, month: str) -> bool:
        """Whether an event of a later month stands in the log: nothing can be added to this one."""
        return bool(self._months) and self._months[-1] > month

    def _start(self, month: str) -> int:
        position = bisect_left(self._months, month)
        return self._starts[position] if position < len(self._starts) else self._size
