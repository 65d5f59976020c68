"""The clocks that everything with a date asks; tests and the demo pass one of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = [
    "SYSTEM_CLOCKS",
    "Clock",
    "Clocks",
    "OneClock",
    "system_clock",
    "unix_seconds",
    "unix_time",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Clock = Callable[[], datetime]
"""The present moment, with its time zone."""


class Clocks(Protocol):
    """The clocks of a service: what it does for a merchant is dated by that of its origin."""

    def at(self, origin: str) -> datetime:
        """The present moment in the logs of ``origin``, with its time zone."""


@dataclass(frozen=True)
class OneClock:
    """The same clock for all origins."""

    clock: Clock

    def at(self, _origin: str, /) -> datetime:
        """What the clock says."""
        return self.clock()


def system_clock() -> datetime:
    """The computer's clock, in UTC."""
    return datetime.now(UTC)


SYSTEM_CLOCKS = OneClock(system_clock)
"""The computer's clock, for all origins."""


def unix_seconds(moment: datetime) -> int:
    """Whole seconds from 1970 to ``moment``, which knows its time zone."""
    return (moment - _EPOCH) // timedelta(seconds=1)


def unix_time(seconds: int) -> datetime:
    """The moment so many seconds after 1970 began, in UTC."""
    return _EPOCH + timedelta(seconds=seconds)
