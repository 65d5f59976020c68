"""More purchases are declared void than before, or more for one reason.

Purchases are counted by the month of the first close that covers them, and as void if they are by
the end of their void window: what comes back in January counts for December. A month is looked at
when its void window has passed. The finding is a share of it, of the purchases that are void, for
whatever reason or for one, that is :data:`RISE` times that of the :data:`MONTHS` months before
and that chance explains in one month of :data:`FALSE_ALARMS` at most (Fisher's exact test, all
:data:`LOOKS` together). Fewer than :data:`FEWEST` purchases before it say nothing. Logs whose
periods are not days are not looked at: their void window is no time.
"""

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction

from auditor.findings import MOST_ENTRIES, NOTICE, Entry, Finding
from auditor.record import PURCHASE, Record
from auditor.shifts import ANY, Counts
from auditor.times import month_end, month_of, period_end, period_of, period_start
from auditor.voiding import counting_voids
from ledger.events import DAILY
from ledger.voided import REASONS

__all__ = ["FALSE_ALARMS", "FEWEST", "LOOKS", "MONTHS", "NAME", "RISE", "find"]

NAME = "void-share"
MONTHS = 6  # before the one that is looked at
RISE = 2  # a share has at least doubled
FALSE_ALARMS = 1000  # months, one of which has a finding by chance
FEWEST = 100  # purchases in the months before
LOOKS = len(REASONS) + 1  # at a month: at the voids of each reason, and at all

_UNKNOWN = "unknown"


def find(record: Record, now: str) -> Iterator[Finding]:
    """Months of which more was taken back."""
    if record.declaration.period != DAILY or not record.closes:
        return
    counts, last = _counts(record), record.closes[-1].close.period
    for month in sorted(counts.totals):
        settled = period_of(month_end(month)) - 1 + record.declaration.void_window
        if last < settled:
            return
        if counts.before(month, ANY).total >= FEWEST:
            for reason in counts.risen(month, RISE, Fraction(1, FALSE_ALARMS * LOOKS)):
                yield _finding(counts, month, reason, period_end(settled))


def _counts(record: Record) -> Counts:
    counts, start, months = Counts(MONTHS), 0, []
    for seen in record.closes:
        months.append(month_of(period_start(seen.close.period)))
        counts.totals[months[-1]] += record.kinds.count(PURCHASE, start, seen.close.size)
        start = seen.close.size
    sizes = [seen.close.size for seen in record.closes]
    for void in counting_voids(record):
        place = bisect_right(sizes, void.target)
        if place < len(months):
            counts.hit(months[place], void.reason or _UNKNOWN, Entry("purchases", void.position))
    return counts


def _finding(counts: Counts, month: str, reason: str, time: str) -> Finding:
    share, before = counts.share(month, reason), counts.before(month, reason)
    facts = {
        "month": month,
        "reason": reason,
        "voids": share.hits,
        "purchases": share.total,
        "voids_before": before.hits,
        "purchases_before": before.total,
    }
    text = (
        "of the purchases of {month} {voids} in {purchases} were declared void (reason: {reason}),"
        " and {voids_before} in {purchases_before} in the months before"
    )
    entries = tuple(counts.entries(month, reason)[:MOST_ENTRIES])
    return Finding(NAME, NOTICE, time, text.format_map(facts), facts, entries)
