"""Event times as text, which sorts as time does; and months of them, such as ``2026-10``."""

from datetime import UTC, datetime, timedelta

from ledger.closes import day_period
from ledger.events import event_time, parse_event_time

__all__ = [
    "later",
    "moment",
    "month_end",
    "month_of",
    "months_back",
    "period_end",
    "period_of",
    "period_start",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (datetime(9000, 1, 1, tzinfo=UTC) - _EPOCH).days


def moment(time: str) -> datetime:
    """The moment of an event time."""
    return parse_event_time(time, "time")


def later(time: str, by: timedelta) -> str:
    """The event time that much later."""
    return event_time(moment(time) + by)


def period_start(period: int) -> str:
    """The midnight in UTC with which a day of a daily log begins, by its number.

    No later than events can be: of a day that is closed early the number is the merchant's.
    """
    return event_time(_EPOCH + timedelta(days=min(period, _LAST)))


def period_end(period: int) -> str:
    """The midnight with which it ends."""
    return period_start(period + 1)


def period_of(time: str) -> int:
    """The number of the day that an event time lies in."""
    return day_period(moment(time))


def month_of(time: str) -> str:
    """The month of an event time."""
    return time[: len("2026-10")]


def month_end(month: str) -> str:
    """The first second after the month."""
    return f"{months_back(month, -1)}-01T00:00:00Z"


def months_back(month: str, count: int) -> str:
    """The month ``count`` months before."""
    first = datetime.fromisoformat(f"{month}-01")
    months = first.year * 12 + first.month - 1 - count
    return f"{months // 12:04}-{months % 12 + 1:02}"
