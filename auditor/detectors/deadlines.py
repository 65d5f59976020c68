"""Deadlines of a policy that the merchant has missed.

Whenever the merchant has to move, its policy's response time begins: with a claim, an answer, an
acceptance, a dispute, a redemption, or its own last step where it is still the merchant's turn.
The first move by the merchant after that is the response, and it is missed if there is none by the
deadline; a claim that its buyer withdraws before waits for nothing. Deadlines are counted by
policy and by the month that they lie in. The findings are the first that is missed in a month, a
notice; the first one with which it is :data:`MANY` and 1 in :data:`OFTEN`, a warning; and
:data:`VERY_MANY` and 1 in :data:`VERY_OFTEN`, an alarm. What was promised was not kept each time,
so chance has no part in it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from aftersales.histories import History
from aftersales.steps import MERCHANT
from auditor.findings import ALARM, MOST_ENTRIES, NOTICE, WARNING, Entry, Finding
from auditor.record import Record
from auditor.times import month_of

__all__ = ["MANY", "NAME", "OFTEN", "VERY_MANY", "VERY_OFTEN", "deadlines", "find"]

NAME = "missed-deadlines"
MANY, OFTEN = 3, 10  # a warning: at least three, at least every tenth
VERY_MANY, VERY_OFTEN = 10, 3  # an alarm: at least ten, at least every third


@dataclass
class _Month:
    """The deadlines of a policy in a month so far: how many, and the claims that were let down."""

    deadlines: int = 0
    missed: list[int] = field(default_factory=list)
    said: set[str] = field(default_factory=set)


def find(record: Record, now: str) -> Iterator[Finding]:
    """Missed deadlines, by policy and month."""
    months: dict[tuple[str, str], _Month] = defaultdict(_Month)
    for due, history, missed in sorted(_passed(record, now), key=_order):
        key = history.case.body.policy, month_of(due)
        month = months[key]
        month.deadlines += 1
        if missed:
            month.missed.append(history.index)
            severity = _severity(month)
            if severity not in month.said:
                month.said.add(severity)
                yield _finding(*key, month, severity, due)


def deadlines(history: History) -> Iterator[tuple[str, str | None]]:
    """The deadlines of a claim, each with the time of the response, if there was one.

    None for a claim whose buyer withdrew in time.
    """
    waiting = history.first_due
    for move in history.moves:
        if waiting is not None and move.by == MERCHANT:
            yield waiting, move.time
            waiting = None
        elif waiting is not None and move.due is None:
            if move.time > waiting:
                yield waiting, None
            waiting = None
        waiting = waiting or move.due
    if waiting is not None:
        yield waiting, None


def _passed(record: Record, now: str) -> Iterator[tuple[str, History, bool]]:
    for history in record.histories.claims.values():
        for due, met in deadlines(history):
            if due < now:
                yield due, history, met is None or met > due


def _order(passed: tuple[str, History, bool]) -> tuple[str, int]:
    due, history, _ = passed
    return due, history.index


def _severity(month: _Month) -> str:
    missed = len(month.missed)
    if missed >= VERY_MANY and missed * VERY_OFTEN >= month.deadlines:
        return ALARM
    return WARNING if missed >= MANY and missed * OFTEN >= month.deadlines else NOTICE


def _finding(policy: str, name: str, month: _Month, severity: str, due: str) -> Finding:
    missed = len(month.missed)
    facts = {"policy": policy, "month": name, "missed": missed, "deadlines": month.deadlines}
    text = "under {policy}, {missed} of {deadlines} deadlines of {month} so far were missed"
    entries = tuple(Entry("events", index) for index in month.missed[-MOST_ENTRIES:])
    return Finding(NAME, severity, due, text.format_map(facts), facts, entries)
