"""Keys and closes: what the events say about who signs, and when (docs/protocol.md 4)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aftersales.horizons import RECENT_CLOSES, Body, Horizons
from auditor.findings import Disagreement
from auditor.record import SeenClose
from auditor.rules import broken
from commitments.errors import KvittoError
from ledger.closes import CloseFold, day_period
from ledger.events import DAILY, LogDeclaration, parse_event_time
from ledger.key_history import WITNESS_ROTATED, KeyHistory
from ledger.partition import Partition

__all__ = ["CloseRules"]


class CloseRules:
    """Reads the key events and closes of a log, in their order.

    ``root_at`` is the purchase log's root at a size, ``None`` when it is not that large. ``keys``
    are those that the events have led to, ``seen`` the closes that have effect, and ``horizons``
    what a claim that is decided now may name.
    """

    def __init__(self, declaration: LogDeclaration, root_at: Callable[[int], bytes | None]) -> None:
        self.keys = KeyHistory.declared(declaration)
        self.partition = Partition(declaration.capacity, declaration.void_window)
        self.seen: list[SeenClose] = []
        self._fold = CloseFold(declaration, root_at)
        self._daily = declaration.period == DAILY
        self._sizes: set[int] = set()
        self.horizons = Horizons(self.partition, self._sizes, set())
        self._has_stopped = False
        self._lost: dict[int, int] = {}  # sizes of closes without effect, by number

    @property
    def size(self) -> int:
        """The size at the last close; 0 without one."""
        return self.seen[-1].close.size if self.seen else 0

    def read_key(self, index: int, event: Mapping[str, Any]) -> Iterator[Disagreement]:
        """A change of keys. Readers stop at a false one, and so does this."""
        if self._has_stopped:
            return
        try:
            self.keys = self.keys.after(event)
            if event["type"] == WITNESS_ROTATED:
                self._fold.hand_over(event)
        except KvittoError as error:
            self._has_stopped = True
            yield broken("key-event", str(error), index)

    def read_close(self, index: int, event: Mapping[str, Any]) -> Iterator[Disagreement]:
        """A close. One without effect is passed over, as all readers do.

        Neither have those that are numbered on from it; that is said once.
        """
        try:
            close = self._fold.accept(event)
        except KvittoError as error:
            if not self._goes_on(event):
                yield broken("close-without-effect", str(error), index)
            return
        if self._daily and close.period >= day_period(parse_event_time(event["time"], "time")):
            yield broken("close-early", "the day was not over", index)
        self.partition.extend([close])
        self.seen.append(SeenClose(index, event["time"], close))
        recent = {each.close.size for each in self.seen[-RECENT_CLOSES:]}
        self._sizes.add(close.size)
        self.horizons = Horizons(self.partition, self._sizes, recent)
        self._lost.clear()

    def is_lost(self, body: Body) -> bool:
        """Whether what a claim or transfer names is a close without effect: that was said."""
        return body.voided_at in self._lost.values()

    def _goes_on(self, event: Mapping[str, Any]) -> bool:
        """Whether the close has no effect because the one before it has none."""
        number, size = event.get("number"), event.get("size")
        goes_on = type(number) is int and number - 1 in self._lost
        if type(number) is int and type(size) is int:
            self._lost[number] = size
        return goes_on
