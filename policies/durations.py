"""ISO 8601 durations in calendar units, as policies use them: ``P2Y``, ``P14D``, ``P1Y6M``."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from commitments.errors import FormatError
from commitments.wire import parse_decimal

__all__ = ["Duration", "parse_duration"]

_DURATION = re.compile(
    r"P(?:(?P<years>[0-9]{1,3})Y)?(?:(?P<months>[0-9]{1,4})M)?"
    r"(?:(?P<weeks>[0-9]{1,4})W)?(?:(?P<days>[0-9]{1,5})D)?",
    re.ASCII,
)
_UNITS = ("years", "months", "weeks", "days")


@dataclass(frozen=True)
class Duration:
    """A length in calendar months and days. Two years are 24 months, not 730 days."""

    months: int
    days: int

    def after(self, day: date) -> date:
        """The day this long after ``day``; counted as :meth:`before` counts.

        ``FormatError`` beyond the year 9999.
        """
        try:
            return _add_months(day, self.months) + timedelta(days=self.days)
        except (ValueError, OverflowError):
            raise FormatError("reaches beyond the calendar", "duration") from None

    def before(self, day: date) -> date:
        """The day this long before ``day``.

        Months first, the day of the month cut to what the month has (a year before 29 February
        is 28 February), then days. ``FormatError`` before the year 1.
        """
        try:
            return _add_months(day, -self.months) - timedelta(days=self.days)
        except (ValueError, OverflowError):
            raise FormatError("reaches before the calendar", "duration") from None


def _add_months(day: date, count: int) -> date:
    months = day.year * 12 + day.month - 1 + count
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


@lru_cache(maxsize=256)
def parse_duration(text: str, field: str = "duration") -> Duration:
    """Read ``PnYnMnWnD``; no time of day, at least one unit.

    ``FormatError`` for anything else.
    """
    match = _DURATION.fullmatch(text)
    if match is None or text == "P":
        raise FormatError("not an ISO 8601 duration such as P2Y or P14D", field)
    counts = (parse_decimal(match[unit] or "0", field) for unit in _UNITS)
    years, months, weeks, days = counts
    return Duration(12 * years + months, 7 * weeks + days)
