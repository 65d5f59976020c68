"""More new purchases in a day than a shop of this size sells, or the same number day after day.

A merchant can record purchases that never were: they fill rings with members that nobody is, and
each can claim. A commitment says nothing, so all that the log shows is how many entries of
purchases each close adds. A *burst* is a day with :data:`FEWEST` and :data:`TIMES` times the median
of the :data:`DAYS` days before, that also lies :data:`DEVIATIONS` times their median absolute
deviation above it (no less than the root of the median, which is what chance does to counts); a
notice. It is a warning where the day adds more than all that the log had before, since then every
second member of a ring is of that day. A *rhythm* is :data:`EQUAL` closes in a row that add
the same number, :data:`FEWEST_EQUAL` or more: of independent sales even the likeliest count
comes in less than 1 of 10 days, so that chance does this once in 100,000 closes. A sale, a shop
that opens a branch and an import of old orders look the same as a burst. Where periods are not
days only rhythms are looked for.
"""

from collections.abc import Iterator
from itertools import groupby
from math import isqrt
from statistics import median_low

from auditor.findings import NOTICE, WARNING, Entry, Finding
from auditor.record import PURCHASE, Record, SeenClose
from ledger.events import DAILY

__all__ = ["DAYS", "DEVIATIONS", "EQUAL", "FEWEST", "FEWEST_EQUAL", "NAME", "TIMES", "find"]

NAME = "bursts"
DAYS = 28  # before the one that is looked at; none is before there are so many
TIMES = 5  # the median
DEVIATIONS = 10  # median absolute deviations above it
FEWEST = 50  # purchases in a day
EQUAL = 6  # closes in a row
FEWEST_EQUAL = 20  # purchases in each of them


def find(record: Record, now: str) -> Iterator[Finding]:
    """Days with a burst of purchases, and closes in a row with the same number of them."""
    counts = list(_counts(record))
    if record.declaration.period == DAILY:
        yield from _bursts(record, counts)
    yield from _rhythms(record, counts)


def _counts(record: Record) -> Iterator[int]:
    """How many purchases each close adds."""
    start = 0
    for seen in record.closes:
        yield record.kinds.count(PURCHASE, start, seen.close.size)
        start = seen.close.size


def _bursts(record: Record, counts: list[int]) -> Iterator[Finding]:
    days: list[int] = []
    before = 0
    for number, (seen, count) in enumerate(zip(record.closes, counts, strict=True)):
        earlier = record.closes[number - 1].close.period if number else seen.close.period - 1
        gap = seen.close.period - earlier  # what came in days without a close is in this one
        day = count // gap
        if len(days) >= DAYS and _is_burst(day, days[-DAYS:]):
            yield _burst(seen, count, median_low(days[-DAYS:]), before)
        days += [day] * min(gap, DAYS)
        before += count


def _is_burst(day: int, days: list[int]) -> bool:
    usual = median_low(days)
    deviation = max(median_low(abs(each - usual) for each in days), isqrt(usual), 1)
    return day >= FEWEST and day >= TIMES * usual and day >= usual + DEVIATIONS * deviation


def _burst(seen: SeenClose, count: int, usual: int, before: int) -> Finding:
    facts = {"kind": "burst", "purchases": count, "usual": usual, "before": before}
    text = (
        "{purchases} purchases were added by one close, where {usual} a day are usual; the log had"
        " {before} before"
    )
    severity = WARNING if count > before else NOTICE
    entries = (Entry("events", seen.index),)
    return Finding(NAME, severity, seen.time, text.format_map(facts), facts, entries)


def _rhythms(record: Record, counts: list[int]) -> Iterator[Finding]:
    place = 0
    for count, run in groupby(counts):
        length = len(list(run))
        if length >= EQUAL and count >= FEWEST_EQUAL:
            closes = record.closes[place : place + EQUAL]
            facts = {"kind": "rhythm", "purchases": count, "closes": EQUAL}
            text = "{closes} closes in a row added exactly {purchases} purchases each"
            entries = tuple(Entry("events", seen.index) for seen in closes)
            yield Finding(NAME, NOTICE, closes[-1].time, text.format_map(facts), facts, entries)
        place += length
