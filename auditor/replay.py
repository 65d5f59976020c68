"""Both logs of a merchant, read once more from the first entry: what holds, and what does not.

Nothing is believed but what the logs themselves say: every rule that the service keeps is judged
again at the place of each event (:data:`auditor.rules.RULES`). One broken event does not end it:
readers go on, and so does this.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.entry_rules import EntryRules
from auditor.event_rules import EventRules
from auditor.findings import Disagreement
from auditor.proof_task import ProofTask
from auditor.record import Record
from auditor.rules import broken
from commitments.domain import suite_name
from commitments.errors import FormatError
from commitments.group import Group
from ledger.events import LogDeclaration, parse_event, parse_event_time

__all__ = ["Replay"]

_CLOCKS_DIFFER = timedelta(minutes=5)  # of the processes of one service
_FIRST_YEAR, _LAST_YEAR = 1970, 9000  # every deadline that is counted from there is still a date


class Replay:
    """Reads the logs of the merchant with the purchase log ``origin``, in portions.

    A portion is new entries of the purchase log, then new events, then :meth:`settle`. The events
    are those under a checkpoint which is no later than that of the purchases.

    Parameters
    ----------
    root_at
        the purchase log's root at a size, ``None`` when it is not that large.
    """

    def __init__(self, origin: str, group: Group, root_at: Callable[[int], bytes | None]) -> None:
        self._origin = origin
        self._group = group
        self._root_at = root_at
        self._entries = EntryRules(group.decode)
        self._events: EventRules | None = None
        self._found: list[Disagreement] = []
        self._times: list[str] = []
        self._latest = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC) + _CLOCKS_DIFFER, 0

    @property
    def record(self) -> Record | None:
        """The facts of both logs so far; ``None`` without a declaration that can be read."""
        return None if self._events is None else self._events.record

    @property
    def disagreements(self) -> list[Disagreement]:
        """All that was found so far, in its order; last what a later entry may yet make good."""
        missing = () if self._events is None else self._events.missing_entries()
        return [*self._found, *missing]

    def take_proofs(self) -> list[ProofTask]:
        """The proofs to verify that were not taken yet, in the order of the log."""
        return [] if self._events is None else self._events.take_proofs()

    def purchase(self, index: int, data: bytes) -> None:
        """The next entry of the purchase log, at ``index``, whatever it is."""
        if index != self._entries.size:
            raise ValueError("entries come in their order")
        self._found += self._entries.read(index, data)
        if self._events is not None:
            self._events.entry(data)

    def pass_over(self, count: int) -> None:
        """So many entries of the purchase log that are not shown: of them nothing is said."""
        self._entries.pass_over(count)

    def event(self, index: int, data: bytes) -> None:
        """The next entry of the event log, at ``index``, whatever it is."""
        if index != len(self._times):
            raise ValueError("events come in their order")
        self._found += self._read(index, data)

    def settle(self) -> None:
        """These were all entries under the checkpoints of this portion."""
        if self._events is not None:
            self._found += self._events.settle(len(self._times) - 1)

    def _read(self, index: int, data: bytes) -> Iterator[Disagreement]:
        last = self._times[-1] if self._times else ""
        self._times.append(last)
        try:
            event = parse_event(data)
        except FormatError as error:
            yield broken("event-unreadable", str(error), index)
            return
        moment = parse_event_time(event["time"], "time")
        if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
            yield broken("event-time", "no time of an event", index)
            return
        self._times[-1] = event["time"]
        latest, at = self._latest
        if moment < latest - _CLOCKS_DIFFER:
            yield broken("event-time", "an event before it is later", at, index)
        if not latest - _CLOCKS_DIFFER <= moment <= latest:  # what was false is not held to
            self._latest = moment, index
        if index == 0:
            yield from self._declare(event)
        elif self._events is not None:
            yield from self._events.read(index, event)

    def _declare(self, event: dict[str, Any]) -> Iterator[Disagreement]:
        """Without a declaration nothing that comes after it can be judged."""
        try:
            declaration = self._declaration(event)
        except FormatError as error:
            yield broken("declaration", str(error), 0)
            return
        self._events = EventRules(
            declaration, self._group, self._root_at, self._entries, self._times
        )

    def _declaration(self, event: dict[str, Any]) -> LogDeclaration:
        declaration = LogDeclaration.from_event(event)
        if declaration.origin != self._origin:
            raise FormatError("it is that of another log", "origin")
        if declaration.suite != suite_name(self._group).decode():
            raise FormatError("another ciphersuite", "suite")
        return declaration
