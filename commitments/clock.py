"""The clock that everything with a date asks; tests and the demo pass one of their own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["Clock", "system_clock", "unix_seconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Clock = Callable[[], datetime]
"""The present moment, with its time zone."""


def system_clock() -> datetime:
    """The computer's clock, in UTC."""
    return datetime.now(UTC)


def unix_seconds(moment: datetime) -> int:
    """Whole seconds from 1970 to ``moment``, which knows its time zone."""
    return (moment - _EPOCH) // timedelta(seconds=1)
