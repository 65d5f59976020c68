"""When a delivery that failed is tried again, and how long its receiver is left alone meanwhile."""

from collections.abc import Callable

__all__ = ["DISABLED_AFTER", "TRIED_FOR", "rest_seconds", "retry_seconds"]

_DAY = 86_400  # seconds

TRIED_FOR = 3 * _DAY
"""Seconds after which a delivery that fails is dead."""
DISABLED_AFTER = 5 * _DAY
"""Seconds without one success after which nothing more is sent there."""

_FIRST = 5  # seconds; a receiver that was just restarted is back
_GROWTH = 4  # 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, 12 h: about 13 attempts in three days
_LONGEST = 12 * 3600
_JITTER = 0.5  # of it is added at most, so that what failed together does not come back together
_LONGEST_REST = 600  # a receiver that comes back hears of it within ten minutes


def retry_seconds(attempts: int, random: Callable[[], float]) -> int:
    """Seconds until the next attempt after ``attempts``, at least 1; ``random`` gives [0, 1)."""
    delay = min(_FIRST * _power(_GROWTH, attempts - 1), _LONGEST)
    return round(delay * (1 + _JITTER * random()))


def rest_seconds(failures: int) -> int:
    """Seconds in which nothing is sent to a receiver that has failed so often in a row.

    Otherwise one that never answers would, with each new event, take a place from the others.
    """
    return min(_FIRST * _power(2, failures - 1), _LONGEST_REST)


def _power(base: int, exponent: int) -> int:
    """A power that is larger than any limit here soon, and does not grow further."""
    power: int = base ** min(exponent, 16)
    return power
