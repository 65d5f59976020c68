"""Closes that come late, or days that are left without one.

In a log of days each UTC day has a close, logged soon after midnight. Until it comes nobody can
prove what was bought that day. Of each day that follows a close, the findings are that its own
was not logged :data:`LATE` after its end, a notice; :data:`STALE` after it, a warning, since
that is two days after the last close, when wallets refuse to claim; and :data:`SILENT` after it, an
alarm. Later days of the same gap are
not found again. Where the periods are not days, it is a warning that no close has come for
:data:`MANUAL_STALE`, when wallets refuse. To leave a day without a close is also what a merchant
can do that hopes for a seed that it likes better (docs/protocol.md 4, *Seed witnesses*):
:data:`MANY` closes within :data:`MANY_TIME` before which a day was left out are a warning.
"""

from collections import deque
from collections.abc import Iterator
from datetime import timedelta

from auditor.findings import ALARM, NOTICE, WARNING, Entry, Finding
from auditor.record import Record, SeenClose
from auditor.times import later, period_end
from ledger.events import DAILY

__all__ = ["LATE", "MANUAL_STALE", "MANY", "MANY_TIME", "NAME", "SILENT", "STALE", "find"]

NAME = "late-closes"
LATE = timedelta(hours=6)  # a service that was down over night
STALE = timedelta(days=1)
SILENT = timedelta(days=7)
MANUAL_STALE = timedelta(days=31)  # as wallets count it
MANY, MANY_TIME = 3, timedelta(days=30)

_DAILY = ((NOTICE, LATE), (WARNING, STALE), (ALARM, SILENT))


def find(record: Record, now: str) -> Iterator[Finding]:
    """Closes that were not there when they should have been."""
    left_out: deque[SeenClose] = deque(maxlen=MANY)
    daily = record.declaration.period == DAILY
    for number, seen in enumerate(record.closes):
        following = record.closes[number + 1 : number + 2]
        came = following[0].time if following else now
        if not daily:
            yield from _overdue(seen, came, seen.time, ((WARNING, MANUAL_STALE),))
            continue
        period = seen.close.period
        yield from _overdue(seen, came, period_end(period + 1), _DAILY)
        if following and following[0].close.period > period + 1:
            left_out.append(following[0])
            yield from _many(left_out)


def _overdue(
    seen: SeenClose, came: str, expected: str, limits: tuple[tuple[str, timedelta], ...]
) -> Iterator[Finding]:
    for severity, limit in limits:
        deadline = later(expected, limit)
        if deadline < came:
            hours = limit // timedelta(hours=1)
            facts = {"kind": "late", "number": seen.close.number + 1, "hours": hours}
            text = "close {number} had not been logged {hours} hours after it was expected"
            entries = (Entry("events", seen.index),)
            yield Finding(NAME, severity, deadline, text.format_map(facts), facts, entries)


def _many(left_out: deque[SeenClose]) -> Iterator[Finding]:
    last = left_out[-1]
    if len(left_out) < MANY or last.time > later(left_out[0].time, MANY_TIME):
        return
    facts = {"kind": "left-out", "closes": MANY, "days": MANY_TIME.days}
    text = "before {closes} closes within {days} days a day was left without one"
    entries = tuple(Entry("events", seen.index) for seen in left_out)
    left_out.clear()
    yield Finding(NAME, WARNING, last.time, text.format_map(facts), facts, entries)
