"""Voids that follow claims within the hour, or come before them, more often than chance explains.

A shop that declares a purchase void as soon as somebody has claimed says who it thinks it was, to
everybody who reads the log; and one that does it first knows who will come. For each moment at
which purchases are declared void the nearest claim within :data:`WITHIN` is looked up. By chance
it was made before the void about as often as after it; :data:`CHANCE` allows for hours in which
claims come twice as often before the shop's usual moment as after it. The finding is a streak of
moments of which so many have their claim on one side that a bet on :data:`AIMED` wins
:data:`LIMIT` times its stake. It names the voids and not the claims: which belong together, if
any do, is not for an auditor to say.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from auditor.chance import Streak, Streaks
from auditor.findings import WARNING, Entry, Finding
from auditor.record import Record
from auditor.times import moment

__all__ = ["AIMED", "CHANCE", "LIMIT", "NAME", "WITHIN", "find"]

NAME = "void-timing"
WITHIN = timedelta(hours=1)  # a void this close to a claim is near it
CHANCE = Fraction(2, 3)  # at most so many void moments have their claim on one side, by chance
AIMED = Fraction(8, 9)  # and so many if the shop reacts to claims, or knows of them
LIMIT = 1000  # void moments between two false findings, on average, or more


def find(record: Record, now: str) -> Iterator[Finding]:
    """Streaks of void moments that have their nearest claim on the same side."""
    histories = record.histories.claims.values()
    claims = sorted((moment(history.case.opened), history.index) for history in histories)
    until = moment(now) - WITHIN
    streaks = {side: Streaks(CHANCE, AIMED, LIMIT) for side in _TEXTS}
    for when, event in _moments(record):
        if when > until:
            return  # a claim may still come
        side = _nearest(claims, when, event)
        for name, streak in streaks.items():
            if side is not None and (found := streak.add(event, hit=name == side)):
                yield _finding(record, name, found)


def _moments(record: Record) -> Iterator[tuple[datetime, int]]:
    """When purchases were declared void: those within the same hour are one moment, its first."""
    last = None
    for void in record.voids:
        if void.event is not None and void.time is not None:
            when = moment(void.time)
            if last is None or when > last + WITHIN:
                last = when
                yield when, void.event


def _nearest(claims: Sequence[tuple[datetime, int]], when: datetime, event: int) -> str | None:
    """On which side of the void the nearest claim is; nothing if there is none, or one on both."""
    place = bisect_left(claims, (when, event))
    before = when - claims[place - 1][0] if place else None
    after = claims[place][0] - when if place < len(claims) else None
    near = [gap for gap in (before, after) if gap is not None and gap <= WITHIN]
    if not near or before == after:
        return None
    return "before" if before == min(near) else "after"


_TEXTS = {
    "before": "at {hits} of {moments} times when purchases were declared void a claim had just"
    " been made, within the hour, and not just after",
    "after": "at {hits} of {moments} times when purchases were declared void a claim was made"
    " within the hour, and none just before",
}
"""By the side of the void on which the claims are."""


def _finding(record: Record, side: str, streak: Streak) -> Finding:
    facts = {"claims": side, "hits": len(streak.hits), "moments": streak.trials}
    return Finding(
        NAME,
        WARNING,
        record.times[streak.hits[-1]],
        _TEXTS[side].format_map(facts),
        facts,
        tuple(Entry("events", index) for index in streak.hits),
    )
