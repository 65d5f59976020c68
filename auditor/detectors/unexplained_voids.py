"""Voids without the event that gives their reason, although earlier ones have it.

A void entry alone counts, since logs are older than the reasons are. A service that gives them
writes both together, so a void that comes without one after others had theirs was made by other
means. The finding is a close that covers such voids, a warning that names all of them.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from auditor.findings import MOST_ENTRIES, WARNING, Entry, Finding
from auditor.record import Record

__all__ = ["NAME", "find"]

NAME = "unexplained-voids"


def find(record: Record, now: str) -> Iterator[Finding]:
    """Closes that cover voids without a reason."""
    first = next((void.position for void in record.voids if void.event is not None), None)
    sizes = [seen.close.size for seen in record.closes]
    found: dict[int, list[int]] = defaultdict(list)
    for void in record.voids:
        if first is not None and void.event is None and void.position > first:
            found[bisect_right(sizes, void.position)].append(void.position)
    for place, positions in found.items():
        if place < len(sizes):  # else no close covers them yet
            facts = {"voids": len(positions)}
            text = "{voids} voids have no event that gives a reason, as earlier ones have"
            entries = tuple(Entry("purchases", position) for position in positions[:MOST_ENTRIES])
            time = record.closes[place].time
            yield Finding(NAME, WARNING, time, text.format_map(facts), facts, entries)
