"""Both logs of a merchant as lists, to be told another story, and their replay."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from auditor.replay import Replay
from commitments.p256 import P256
from ledger.events import encode_event, event_time, events_origin, parse_event_time
from ledger.log import Log
from ledger.merkle import leaf_hash, root_of
from ledger.store import Store
from tests.world import ORIGIN

__all__ = ["Event", "Logs", "read_logs"]

Event = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Logs:
    """The entries of both logs. Whoever signs for them signs anything: roots are recomputed."""

    purchases: tuple[bytes, ...]
    events: tuple[bytes, ...]

    def __repr__(self) -> str:
        """Not megabytes of it where a test fails."""
        return f"Logs({len(self.purchases)} purchases, {len(self.events)} events)"

    @property
    def size(self) -> int:
        """How many purchases there are."""
        return len(self.purchases)

    def entries_at(self, indices: Sequence[int]) -> list[bytes]:
        """The entries of the purchase log at these places."""
        return [self.purchases[index] for index in indices]

    def root_at(self, size: int) -> bytes | None:
        """The root of the purchase log at a size; ``None`` beyond its end."""
        if size > len(self.purchases):
            return None
        return root_of([leaf_hash(entry) for entry in self.purchases[:size]])

    def replay(self) -> Replay:
        """All of it, in one portion."""
        replay = Replay(ORIGIN, P256, self.root_at)
        for index, entry in enumerate(self.purchases):
            replay.purchase(index, entry)
        for index, event in enumerate(self.events):
            replay.event(index, event)
        replay.settle()
        return replay

    def broken(self) -> list[str]:
        """The rules that do not hold."""
        return [each.rule for each in self.replay().disagreements]

    def event(self, index: int) -> Event:
        document: Event = json.loads(self.events[index])
        return document

    def find(self, kind: str, nth: int = 0, **members: Any) -> int:
        """The index of the nth event of a type with these members; from the end if negative."""
        found = [
            index
            for index, event in enumerate(map(json.loads, self.events))
            if event["type"] == kind and members.items() <= event.items()
        ]
        return found[nth]

    @property
    def later(self) -> str:
        """Ten minutes after the last event."""
        last = parse_event_time(self.event(len(self.events) - 1)["time"], "time")
        return event_time(last + timedelta(minutes=10))

    def and_then(self, *events: Event) -> "Logs":
        """With more events at the end, ten minutes later unless they have a time."""
        return self.inserted(len(self.events), *({"time": self.later, **e} for e in events))

    def with_events(self, events: Sequence[bytes]) -> "Logs":
        return Logs(self.purchases, tuple(events))

    def with_purchases(self, purchases: Sequence[bytes]) -> "Logs":
        return Logs(tuple(purchases), self.events)

    def changed(self, index: int, change: Callable[[Event], Event | None]) -> "Logs":
        """With what ``change`` makes of an event, in its place."""
        event = self.event(index)
        changed = change(event) or event
        return self.with_events(
            [*self.events[:index], encode_event(changed), *self.events[index + 1 :]]
        )

    def inserted(self, index: int, *events: Event) -> "Logs":
        """With more events, from ``index`` on."""
        new = map(encode_event, events)
        return self.with_events([*self.events[:index], *new, *self.events[index:]])

    def without(self, *indices: int) -> "Logs":
        """Without these events."""
        return self.with_events([e for i, e in enumerate(self.events) if i not in indices])


def read_logs(store: Store) -> Logs:
    """What a store has."""
    with store.read() as connection:
        purchases, events = (Log(connection, each) for each in (ORIGIN, events_origin(ORIGIN)))
        return Logs(
            tuple(purchases.entries(0, purchases.size)), tuple(events.entries(0, events.size))
        )
