"""The clock that everything with a date asks; tests and the demo pass one of their own."""

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "system_clock"]

Clock = Callable[[], datetime]
"""The present moment, with its time zone."""


def system_clock() -> datetime:
    """The computer's clock, in UTC."""
    return datetime.now(UTC)
