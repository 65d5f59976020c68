"""Events that are counted in a log: 0, 1, 2, … without gaps (docs/protocol.md 4, *Events*)."""

from typing import Any

__all__ = ["Numbers"]


class Numbers:
    """The numbers of one count.

    After one that is false both are right that could come next: what follows on from it, and what
    would have followed without it. So one false number is said once.
    """

    def __init__(self) -> None:
        self.last = -1
        self._next = {0}

    def is_next(self, number: Any) -> bool:
        """Whether an event, the next one, has a number that it can have."""
        if type(number) is not int:
            self._next |= {each + 1 for each in self._next}
            return False
        is_next = number in self._next
        due = min(self._next)
        self._next = {number + 1} if is_next else {due, due + 1, number + 1}
        self.last = max(self.last, number)
        return is_next
