"""A version of a policy is ended when claims under it have risen, or ended again and again.

What was bought before an end keeps its promise, but for everyone else it is gone; a merchant that
ends what is claimed promises only as long as nobody asks. Looked at are the claims under the
version in the :data:`SHORTLY` before the event that ends it, and those in the :data:`BEFORE` before
these, or since its publication. The finding is an end before which claims came :data:`RISE` times
as often as before, :data:`FEWEST` at least, which a steady flow of claims does before 1 in
:data:`FALSE_ALARMS` ends; a warning. Also found are :data:`CHURN` ends of one policy's versions
within :data:`CHURN_TIME`, a notice: each sets the buyers before it apart from those after it.
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from itertools import takewhile
from typing import Any

from aftersales.versions import ENDINGS
from auditor.chance import binomial_tail
from auditor.findings import MOST_ENTRIES, NOTICE, WARNING, Entry, Finding
from auditor.record import Record
from auditor.times import later, moment
from policies.versions import Version

__all__ = [
    "BEFORE",
    "CHURN",
    "CHURN_TIME",
    "FALSE_ALARMS",
    "FEWEST",
    "NAME",
    "RISE",
    "SHORTLY",
    "find",
]

NAME = "policy-changes"
SHORTLY = timedelta(days=7)  # before the end
BEFORE = timedelta(days=56)  # before that; less where the version is younger, but SHORTLY at least
FEWEST = 5  # claims shortly before
RISE = 3  # times as many as the weeks before let expect
FALSE_ALARMS = 1000  # ends, one of which is found by chance
CHURN, CHURN_TIME = 4, timedelta(days=30)

_Name = tuple[str, int]


def find(record: Record, now: str) -> Iterator[Finding]:
    """Ends of versions that deserve a question."""
    versions = record.histories.versions.versions
    ends = {
        (each.time, *name, each.first.isoformat(), each.by)
        for name, version in versions.items()
        for each in version.endings
    }
    claims: dict[_Name, list[tuple[int, str]]] = defaultdict(list)
    for history in record.histories.claims.values():
        body = history.case.body
        claims[body.policy, body.version].append((history.index, history.case.opened))
    recent: dict[str, deque[tuple[str, int]]] = defaultdict(lambda: deque(maxlen=CHURN))
    for index, event in record.policy_events:
        end = tuple(event.get(member) for member in _END)
        if event["type"] in ENDINGS and _is_plain(end) and end in ends:
            time, policy, number = event["time"], event["policy"], event["version"]
            yield from _risen(index, time, versions[policy, number], claims[policy, number])
            recent[policy].append((time, index))
            yield from _churn(policy, recent[policy])


_END = ("time", "policy", "version", "from", "by")


def _is_plain(end: tuple[Any, ...]) -> bool:
    """Whether it may be looked up; false events may have anything as a member."""
    return all(each is None or type(each) in (str, int) for each in end)


def _risen(
    index: int, time: str, version: Version, claims: list[tuple[int, str]]
) -> Iterator[Finding]:
    shortly = later(time, -SHORTLY)
    start = max(later(shortly, -BEFORE), version.published)
    before = (moment(shortly) - moment(start)).days
    if before < SHORTLY.days:
        return
    known = reversed(claims[: bisect_left(claims, (index, ""))])
    near = list(takewhile(lambda claim: claim[1] >= start, known))
    latest = [Entry("events", claim) for claim, opened in reversed(near) if opened >= shortly]
    earlier, hits = len(near) - len(latest), len(latest)
    chance = Fraction(SHORTLY.days, SHORTLY.days + before)
    enough = hits >= FEWEST and hits * before >= RISE * earlier * SHORTLY.days
    if not enough or binomial_tail(hits, hits + earlier, chance) * FALSE_ALARMS > 1:
        return
    facts = {
        "kind": "risen",
        "policy": version.policy.id,
        "version": version.policy.version,
        "claims": hits,
        "days": SHORTLY.days,
        "claims_before": earlier,
        "days_before": before,
    }
    text = (
        "version {version} of {policy} was ended after {claims} claims under it in {days} days;"
        " there were {claims_before} in the {days_before} days before"
    )
    entries = (Entry("events", index), *latest[1 - MOST_ENTRIES :])
    yield Finding(NAME, WARNING, time, text.format_map(facts), facts, entries)


def _churn(policy: str, recent: deque[tuple[str, int]]) -> Iterator[Finding]:
    first, last = recent[0][0], recent[-1][0]
    if len(recent) < CHURN or last > later(first, CHURN_TIME):
        return
    facts = {"kind": "churn", "policy": policy, "ends": CHURN, "days": CHURN_TIME.days}
    entries = tuple(Entry("events", index) for _, index in recent)
    recent.clear()
    text = "versions of {policy} were ended {ends} times within {days} days"
    yield Finding(NAME, NOTICE, last, text.format_map(facts), facts, entries)
