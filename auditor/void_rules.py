"""Why purchases were declared void: each void once, as the purchase log has it."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from auditor.entry_rules import EntryRules
from auditor.findings import Disagreement
from auditor.numbers import Numbers
from auditor.record import SeenVoid
from auditor.rules import broken
from commitments.errors import FormatError
from ledger.voided import Voided

__all__ = ["VoidRules"]


class VoidRules:
    """Reads the reasons of voids, in their order, beside the ``entries`` of the purchase log."""

    def __init__(self, entries: EntryRules) -> None:
        self._voids = entries.voids
        self._numbers = Numbers()
        self._judged = 0  # of the voids: those below the last close
        self._reasons: list[int] = []  # where the voids stand that have one, ascending
        self._passed_over: set[int] = set()

    def read(self, index: int, event: Mapping[str, Any], closed: int) -> Iterator[Disagreement]:
        """The next reason; ``closed`` is the size at the last close before it."""
        if not self._numbers.is_next(event.get("number")):
            yield broken("void-number", "its number is not the next one", index)
        try:
            voided = Voided.from_event(event)
        except FormatError as error:
            yield broken("void-event", str(error), index)
            if type(event.get("index")) is int:
                self._passed_over.add(event["index"])
            return
        place = bisect_left(self._voids, voided.index, key=_position)
        found = self._voids[place] if place < len(self._voids) else None
        if found is None or (found.position, found.target) != (voided.index, voided.voided):
            yield broken("void-of-nothing", "the purchase log has no such void", index)
        elif found.event is not None:
            yield broken("void-event", "the void has a reason already", found.event, index)
        else:
            if voided.index < max(closed, *self._reasons[-1:], 0):
                yield broken("void-event", "it is not logged with its void", index)
            time, reason = event["time"], voided.reason
            self._voids[place] = replace(found, event=index, time=time, reason=reason)
            self._reasons.append(voided.index)

    def close(self, size: int) -> Iterator[Disagreement]:
        """The purchase log was closed at ``size``: the events about what is below have come.

        Voids from before the first that has a reason are from before there were reasons.
        """
        while self._judged < len(self._voids):
            void = self._voids[self._judged]
            if void.position >= size:
                break
            self._judged += 1
            if void.event is not None or void.position in self._passed_over:
                continue
            if self._reasons and void.position > self._reasons[0]:
                why = "earlier voids have a reason, and this one has none"
                yield broken("void-without-reason", why, purchases=[void.position])


def _position(void: SeenVoid) -> int:
    return void.position
