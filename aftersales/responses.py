"""How soon a merchant answers: what is a response, and until when it was due.

A *response* is the merchant's first move after one at which it had to move: after the decision, or
after a move of the buyer (or an owner who left) that leaves a deadline while nothing else waits. A
buyer's move that leaves no deadline drops it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aftersales.histories import History
from aftersales.steps import MERCHANT
from ledger.events import parse_event_time

__all__ = ["Response", "nearest_rank", "responses", "seconds_between"]


@dataclass(frozen=True)
class Response:
    """Somebody waited from ``since`` on for a move that was ``due``.

    The event at ``index`` has answered at ``time``; both are ``None`` where nothing has.
    """

    since: str
    due: str
    index: int | None = None
    time: str | None = None

    @property
    def is_late(self) -> bool:
        """Whether the answer came after it was due."""
        return self.time is not None and self.time > self.due

    @property
    def seconds(self) -> int | None:
        """From ``since`` to the answer; ``None`` without one."""
        return None if self.time is None else seconds_between(self.since, self.time)


def responses(history: History) -> list[Response]:
    """Those of a claim, in their order; the last may lack its answer."""
    found: list[Response] = []
    due = history.first_due
    waiting = None if due is None else Response(history.case.opened, due)
    for move in history.moves:
        if move.by == MERCHANT:
            if waiting is not None:
                found.append(Response(waiting.since, waiting.due, move.index, move.time))
            waiting = None
        elif move.due is None:
            waiting = None
        elif waiting is None:
            waiting = Response(move.time, move.due)
    return found if waiting is None else [*found, waiting]


def seconds_between(start: str, end: str) -> int:
    """From one event time to another; below 0 where a clock was set back."""
    passed = parse_event_time(end, "time") - parse_event_time(start, "time")
    return round(passed.total_seconds())


def nearest_rank(values: Sequence[int], percent: int) -> int | None:
    """The smallest value that so many percent, 1 to 100, are at most; ``None`` without values."""
    return sorted(values)[-(-percent * len(values) // 100) - 1] if values else None
