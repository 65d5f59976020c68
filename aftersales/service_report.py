"""The service-quality report of a month: how a merchant has dealt with claims.

A pure function of the events up to the end of the month (docs/methodology.md, *Reports*). Nothing
that comes later changes it, so everybody computes the same, for ever.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import itemgetter
from typing import Any, TypeVar

from aftersales.claims import CANCELED, COMPLETED, DECLINED
from aftersales.histories import Histories, History, Move
from aftersales.months import Months, next_month
from aftersales.responses import nearest_rank, responses, seconds_between
from aftersales.steps import DECLINE_REASONS
from aftersales.suppression import SMALLEST, bounds, hide_small, shown, shown_total
from ledger.voided import REASONS
from policies.claim import REMEDIES

__all__ = ["ENDS", "MOST_POLICIES", "SCHEMA", "ReportFacts", "service_report"]

SCHEMA = "kvitto-report/v1"

ENDS = (COMPLETED, DECLINED, CANCELED)
"""How a claim ends. A dispute opens it again, and it may end once more."""

MOST_POLICIES = 64
"""So that a report fits into an entry of the log: one with longest ids has about 40,000 bytes."""

_MEDIAN, _SLOW = 50, 90  # percent
_ROUNDED_TO = 5  # percent
_HOUR = 3600  # seconds

Document = dict[str, Any]
_Claim = TypeVar("_Claim")


@dataclass(frozen=True)
class ReportFacts:
    """What a report is made of: claims, and by the index of its event each void and transfer.

    ``voids`` have their reasons; ``transfers`` are the indices of the events that completed them.
    """

    histories: Histories
    months: Months
    voids: Mapping[int, str] = field(default_factory=dict)
    transfers: Collection[int] = ()


def service_report(facts: ReportFacts, month: str) -> Document:
    """The report of ``month``, as JSON.

    What is made of too few claims is null (:mod:`aftersales.suppression`).
    """
    span = facts.months.span(month)
    known = [each for each in facts.histories.claims.values() if each.index < span.stop]
    decided = [each for each in known if each.index in span]
    ended = [(each, end) for each in known if (end := _end(each, span)) is not None]
    voids = Counter(reason for index, reason in facts.voids.items() if index in span)
    return {
        "schema": SCHEMA,
        "decided": _by_policy(decided, lambda each: each, _decided),
        "ended": _by_policy(ended, itemgetter(0), _ended),
        "responses": _responses(known, span),
        "overdue": _overdue(known, span, f"{next_month(month)}-01T00:00:00Z"),
        "voids": {
            "count": shown(voids.total()),
            "reasons": hide_small({reason: voids[reason] for reason in REASONS}),
        },
        "transfers": shown(sum(index in span for index in facts.transfers)),
    }


def _end(history: History, span: range) -> Move | None:
    """The move in the month by which the claim has come to where it stands as the month ends."""
    moves = [move for move in history.moves if move.index < span.stop]
    if not moves or moves[-1].state not in ENDS:
        return None
    # Notes may have followed
    *_, end = takewhile(lambda move: move.state == moves[-1].state, reversed(moves))
    return end if end.index in span else None


def _by_policy(
    claims: Sequence[_Claim],
    history: Callable[[_Claim], History],
    document: Callable[[Sequence[_Claim]], Document],
) -> Document:
    """How many claims there are in all, and what there is to say of each policy that has enough."""
    groups: dict[str, list[_Claim]] = {}
    for claim in claims:
        groups.setdefault(history(claim).case.body.policy, []).append(claim)
    ranked = sorted(groups, key=lambda policy: (-len(groups[policy]), policy))
    named = [policy for policy in ranked[:MOST_POLICIES] if shown(len(groups[policy]))]
    left_out = [len(groups[policy]) for policy in ranked if policy not in named]
    return {
        "count": shown_total(len(claims), left_out),
        "policies": [
            {"policy": policy, "count": len(groups[policy]), **document(groups[policy])}
            for policy in sorted(named)
        ],
    }


def _decided(claims: Sequence[History]) -> Document:
    """What was asked for, and how many purchases came with another failure."""
    versions = [each.version.policy for each in claims]
    # A count that everybody knows to be 0 would hide nothing
    offered = [r for r in REMEDIES if any(r in version.remedies for version in versions)]
    several = any(version.claims_per_purchase > 1 for version in versions)
    again = sum(each.case.body.number > 0 for each in claims)
    return {
        "remedies": _counted(offered, (each.case.body.remedy for each in claims)),
        "repeated": bounds(again, len(claims)) if several else None,
    }


def _ended(claims: Sequence[tuple[History, Move]]) -> Document:
    """How, why it was declined, and how long it took until it was completed."""
    reviewed = any(history.version.policy.review for history, _ in claims)
    ends = ENDS if reviewed else (COMPLETED, CANCELED)
    outcomes = _counted(ends, (end.state for _, end in claims))
    reasons = _counted(
        DECLINE_REASONS, (str(end.reason) for _, end in claims if end.state == DECLINED)
    )
    times = [
        seconds_between(history.case.opened, end.time)
        for history, end in claims
        if end.state == COMPLETED
    ]
    return {
        "outcomes": outcomes,
        "reasons": reasons if outcomes.get(DECLINED) else None,
        "hours": _hours(times) if outcomes[COMPLETED] is not None else None,
    }


def _responses(known: Sequence[History], span: range) -> Document | None:
    """How soon the merchant has answered, and what share of that too late, in percent."""
    found = [
        response
        for history in known
        for response in responses(history)
        if response.index is not None and response.index in span
    ]
    hours = _hours([response.seconds or 0 for response in found])
    return hours and {**hours, "late": _share([response.is_late for response in found])}


def _overdue(known: Sequence[History], span: range, end: str) -> int | None:
    """Of the claims whose next move is the merchant's as the month ends, what share is overdue."""
    due = [_due(history, span.stop) for history in known]
    return _share([each < end for each in due if each is not None])


def _due(history: History, stop: int) -> str | None:
    moves = [move for move in history.moves if move.index < stop]
    return moves[-1].due if moves else history.first_due


def _counted(names: Collection[str], found: Iterable[str]) -> dict[str, int | None]:
    counts = Counter(found)
    return hide_small({name: counts[name] for name in names})


def _share(found: Sequence[bool]) -> int | None:
    """How many hold, in percent, rounded to the nearest 5; ``None`` for fewer than 10.

    How many there are is not published: it would follow how many hold.
    """
    if len(found) < 2 * SMALLEST:
        return None
    steps = 100 // _ROUNDED_TO
    return (2 * steps * sum(found) + len(found)) // (2 * len(found)) * _ROUNDED_TO


def _hours(seconds: Sequence[int]) -> Document | None:
    """Two of the times in whole hours, rounded up; ``None`` for fewer than 10.

    So nobody finds the moment of a claim in a report.
    """
    if len(seconds) < 2 * SMALLEST:
        return None
    hours = [-(-each // _HOUR) for each in seconds]
    return {"median": nearest_rank(hours, _MEDIAN), "p90": nearest_rank(hours, _SLOW)}
