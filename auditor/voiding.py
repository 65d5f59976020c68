"""The voids of a record that count, and when each of them was logged."""

from bisect import bisect_right
from collections.abc import Iterator

from auditor.record import PURCHASE, Record, SeenVoid

__all__ = ["counting_voids", "void_time"]


def counting_voids(record: Record) -> Iterator[SeenVoid]:
    """Those that take a member out of rings, the first for each; in the order of the log."""
    gone = set()
    for void in record.voids:
        target = void.target
        if target in gone or target >= void.position or record.kinds[target] != PURCHASE:
            continue
        if record.partition.void_counts(void.position, target):
            gone.add(target)
            yield void


def void_time(record: Record, void: SeenVoid) -> str | None:
    """The time of its event, else of the close that covers it; nothing before there is one."""
    if void.time is not None:
        return void.time
    place = bisect_right(record.closes, void.position, key=lambda seen: seen.close.size)
    return record.closes[place].time if place < len(record.closes) else None
