"""The numbers behind an auditor's charts, counted from a merchant's logs.

Pure: service and browser count the same from the same events, and the page compares the two
(``tests/vectors/overview``). Days are those of event times, UTC.

A response (:mod:`aftersales.responses`) was ``met`` or ``missed``; what nobody has answered yet is
``open``, or ``overdue`` where the deadline has passed by the last event.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aftersales.claims import DECLINED
from aftersales.histories import Histories, History
from aftersales.responses import Response, nearest_rank, responses

__all__ = ["Voids", "overview"]

Voids = Iterable[tuple[str, str]]
"""Time and reason of each ``purchase.voided``."""

_DAY = 10  # characters of an event time


def overview(
    origin: str, histories: Histories, voids: Voids, *, events: int, purchases: int, at: str | None
) -> dict[str, Any]:
    """The document, of so many entries that were read of each log; ``at`` is the last event's time.

    A claim counts on the day of its decision, with its state as it is now; a decline on its own
    day, if the case stands declined. ``median`` and ``p90`` are seconds, by nearest rank.
    """
    claims = histories.claims.values()
    return {
        "origin": origin,
        "events": events,
        "purchases": purchases,
        "at": at,
        "claims": _counted(
            ("day", "policy", "version", "remedy", "state"), map(_claim_row, claims)
        ),
        "declines": _counted(("day", "reason"), _declines(claims)),
        "responses": list(_responses(claims, at or "")),
        "voids": _counted(("day", "reason"), ((time[:_DAY], reason) for time, reason in voids)),
    }


def _counted(names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    counts = sorted(Counter(rows).items())
    return [{**dict(zip(names, row, strict=True)), "count": count} for row, count in counts]


def _claim_row(history: History) -> tuple[str, str, int, str, str]:
    case = history.case
    body = case.body
    return case.opened[:_DAY], body.policy, body.version, body.remedy, case.state


def _declines(claims: Iterable[History]) -> Iterator[tuple[str, str | None]]:
    for history in claims:
        if history.case.state == DECLINED:
            day = [move.time[:_DAY] for move in history.moves if move.step == "decline"][-1]
            yield day, history.case.reason


# ---- responses


@dataclass
class _Responses:
    """Those under one version of a policy: how long each answer took, and how they ended."""

    seconds: list[int] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)


def _responses(claims: Iterable[History], at: str) -> Iterator[dict[str, Any]]:
    found: Mapping[tuple[str, int], _Responses] = defaultdict(_Responses)
    for history in claims:
        body = history.case.body
        for response in responses(history):
            group = found[body.policy, body.version]
            group.ended[_ended(response, at)] += 1
            if response.seconds is not None:
                group.seconds.append(response.seconds)
    for (policy, version), group in sorted(found.items()):
        yield {
            "policy": policy,
            "version": version,
            **{ended: group.ended[ended] for ended in ("met", "missed", "open", "overdue")},
            "median": nearest_rank(group.seconds, 50),
            "p90": nearest_rank(group.seconds, 90),
        }


def _ended(response: Response, at: str) -> str:
    if response.time is None:
        return "overdue" if response.due < at else "open"
    return "missed" if response.is_late else "met"
