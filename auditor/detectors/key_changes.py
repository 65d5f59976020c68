"""Keys of a log or of its witnesses that change again and again.

One change is care, and each is proven by the key before it. Who changes keys often makes it hard to
follow them, and may have lost one. The finding is the :data:`MANY`-th change of one key, of a log
or of a witness's name, within :data:`WITHIN`: a notice. False key events are broken rules.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import timedelta

from auditor.findings import NOTICE, Entry, Finding
from auditor.record import Record
from auditor.times import later
from ledger.key_history import ROTATED, WITNESS_ROTATED

__all__ = ["MANY", "NAME", "WITHIN", "find"]

NAME = "key-changes"
MANY = 3
WITHIN = timedelta(days=30)


def find(record: Record, now: str) -> Iterator[Finding]:
    """Keys that have changed often within a short time."""
    changes: dict[tuple[str, str], deque[tuple[str, int]]] = defaultdict(lambda: deque(maxlen=MANY))
    for index, event in record.key_events:
        if event["type"] not in (ROTATED, WITNESS_ROTATED):
            continue
        name = str(event.get("next_vkey")).split("+")[0]  # a false key event may lack it
        recent = changes[event["type"], name]
        recent.append((event["time"], index))
        if len(recent) == MANY and event["time"] <= later(recent[0][0], WITHIN):
            facts = {"name": name, "changes": MANY, "days": WITHIN.days}
            text = "the keys of {name} were changed {changes} times within {days} days"
            entries = tuple(Entry("events", each) for _, each in recent)
            recent.clear()
            yield Finding(NAME, NOTICE, event["time"], text.format_map(facts), facts, entries)
