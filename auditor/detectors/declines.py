"""More claims are declined than before, or more for one reason.

The first decision about each claim under a policy with review is counted, by the month in which
it was made. A month is looked at when it is over. The finding is a share of a policy's decisions,
declined for one reason or for whatever reason, that is :data:`RISE` times that of the
:data:`MONTHS` months before and that chance explains in one month of :data:`FALSE_ALARMS` at most
(Fisher's exact test, all policies and reasons together), an alarm where in one of
:data:`FALSE_ALARMS` squared. Fewer than :data:`FEWEST` decisions in the month, or
:data:`FEWEST_BEFORE` before it, say nothing.
"""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

from aftersales.histories import History, Move
from aftersales.steps import DECLINE_REASONS
from auditor.findings import ALARM, MOST_ENTRIES, WARNING, Entry, Finding
from auditor.record import Record
from auditor.shifts import ANY, Counts, has_risen
from auditor.times import month_end, month_of

__all__ = ["FALSE_ALARMS", "FEWEST", "FEWEST_BEFORE", "MONTHS", "NAME", "RISE", "find"]

NAME = "decline-shift"
MONTHS = 6  # before the one that is looked at
RISE = 2  # a share has at least doubled
FALSE_ALARMS = 1000  # months, one of which has a finding by chance
FEWEST = 5  # decisions in the month
FEWEST_BEFORE = 20  # decisions in the months before

_LOOKS = len(DECLINE_REASONS) + 1  # at a policy in a month


def find(record: Record, now: str) -> Iterator[Finding]:
    """Months in which more was declined."""
    policies: dict[str, Counts] = defaultdict(lambda: Counts(MONTHS))
    for history in record.histories.claims.values():
        if decision := _decision(history):
            month, counts = month_of(decision.time), policies[history.case.body.policy]
            counts.totals[month] += 1
            if decision.reason is not None:
                counts.hit(month, decision.reason, Entry("events", decision.index))
    for month in sorted({month for counts in policies.values() for month in counts.totals}):
        if now < month_end(month):
            return
        looked_at = {name: c for name, c in sorted(policies.items()) if _says_something(c, month)}
        chance = Fraction(1, FALSE_ALARMS * _LOOKS * max(len(looked_at), 1))
        for name, counts in looked_at.items():
            for reason in counts.risen(month, RISE, chance):
                yield _finding(name, counts, month, reason, chance / FALSE_ALARMS)


def _decision(history: History) -> Move | None:
    """The first about a claim under review."""
    if not history.version.policy.review:
        return None
    return next((move for move in history.moves if move.step in ("approve", "decline")), None)


def _says_something(counts: Counts, month: str) -> bool:
    enough = counts.totals[month] >= FEWEST
    return enough and counts.before(month, ANY).total >= FEWEST_BEFORE


def _finding(policy: str, counts: Counts, month: str, reason: str, alarming: Fraction) -> Finding:
    share, before = counts.share(month, reason), counts.before(month, reason)
    facts = {
        "policy": policy,
        "month": month,
        "reason": reason,
        "declined": share.hits,
        "decided": share.total,
        "declined_before": before.hits,
        "decided_before": before.total,
    }
    text = (
        "under {policy}, {declined} of {decided} decisions of {month} were declines (reason:"
        " {reason}), and {declined_before} of {decided_before} in the months before"
    )
    severity = ALARM if has_risen(share, before, RISE, alarming) else WARNING
    entries = tuple(counts.entries(month, reason)[:MOST_ENTRIES])
    return Finding(NAME, severity, month_end(month), text.format_map(facts), facts, entries)
