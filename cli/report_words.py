"""What a service-quality report says to people: the same words for a terminal and for a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from aftersales.versions import VersionFold

__all__ = ["FOOTNOTE", "Grid", "Section", "policy_names", "report_sections", "report_title"]

HIDDEN = "hidden"
FOOTNOTE = (
    "hidden: from 1 to 4, or a number from which such a one could be worked out. Nobody is to be"
    " singled out. Sections with too little in them say nothing."
)
_TOO_FEW = "too few to say"
_NOT_OFFERED = "–"
_REMEDIES = {
    "repair": "Repair",
    "replacement": "Replacement",
    "refund": "Refund",
    "store_credit": "Store credit",
}
_OUTCOMES = {"completed": "Completed", "declined": "Declined", "canceled": "Withdrawn by the buyer"}
_DECLINES = {
    "not_covered": "Not covered",
    "no_fault_found": "No fault found",
    "caused_by_use": "Caused by use",
    "evidence_missing": "Evidence missing",
    "no_answer": "Questions not answered",
    "other": "Other",
}
_VOIDS = {
    "returned": "The goods came back",
    "order_canceled": "Order canceled",
    "payment_failed": "Not paid",
    "suspected_fraud": "Suspected fraud",
    "duplicate": "Recorded twice",
    "entry_error": "Recorded wrongly",
}
_DAY = 24  # hours


@dataclass(frozen=True)
class Grid:
    """A table; the first cell of a row names it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of the report: what it says in a sentence, and its tables."""

    title: str
    text: str
    grids: Sequence[Grid] = ()


def policy_names(versions: VersionFold) -> dict[str, str]:
    """What each policy is called by its newest version, and what that covers."""
    names = {}
    for (identifier, _), version in versions.versions.items():
        policy = version.policy
        covered = "all products"
        if policy.products is not None:
            several = len(policy.products) > 1
            covered = f"{len(policy.products)} products" if several else policy.products[0]
        names[identifier] = f"{policy.title} ({identifier}; {covered})"
    return names


def report_title(merchant: str, month: str) -> str:
    """What it is: of whom, and of when."""
    return f"{merchant}: service in {date.fromisoformat(f'{month}-01'):%B %Y}"


def report_sections(report: Mapping[str, Any], names: Mapping[str, str]) -> list[Section]:
    """A report as :func:`aftersales.service_report.service_report` makes it, with policy names."""
    return [
        _decided(report["decided"], names),
        _ended(report["ended"], names),
        _answers(report["responses"], report["overdue"]),
        _voids(report["voids"]),
        Section(
            "Handed on", f"Purchases that came to their next owner: {_count(report['transfers'])}."
        ),
    ]


def _decided(decided: Mapping[str, Any], names: Mapping[str, str]) -> Section:
    policies = decided["policies"]
    asked = [each for each in _REMEDIES if any(each in p["remedies"] for p in policies)]
    again = any(policy["repeated"] for policy in policies)
    columns = ["Policy", "Claims", *(_REMEDIES[each] for each in asked)]
    rows = [
        [
            names.get(policy["policy"], policy["policy"]),
            _count(policy["count"]),
            *(
                _count(policy["remedies"][each]) if each in policy["remedies"] else _NOT_OFFERED
                for each in asked
            ),
            *([_range(policy["repeated"])] if again else []),
        ]
        for policy in policies
    ]
    if again:
        columns.append("For another failure")
    text = f"Claims that were recorded in the month: {_count(decided['count'])}."
    return Section("Claims made", text, _grids("What was asked for, by policy", columns, rows))


def _ended(ended: Mapping[str, Any], names: Mapping[str, str]) -> Section:
    policies = ended["policies"]
    columns = ["Policy", "Ended", *_OUTCOMES.values(), "Half within", "Nine of ten within"]
    rows = [
        [
            names.get(policy["policy"], policy["policy"]),
            _count(policy["count"]),
            *(
                _count(policy["outcomes"][each]) if each in policy["outcomes"] else _NOT_OFFERED
                for each in _OUTCOMES
            ),
            *_times(policy["hours"]),
        ]
        for policy in policies
    ]
    declined = [
        [
            names.get(policy["policy"], policy["policy"]),
            *(_count(policy["reasons"][each]) for each in _DECLINES),
        ]
        for policy in policies
        if policy["reasons"] is not None
    ]
    text = f"Claims that came to an end, whenever they were made: {_count(ended['count'])}."
    if rows:
        text += " Times are from the decision to the completion."
    return Section(
        "Claims that ended",
        text,
        [
            *_grids("How they ended, by policy", columns, rows),
            *_grids("Why claims were declined", ["Policy", *_DECLINES.values()], declined),
        ],
    )


def _answers(responses: Mapping[str, Any] | None, overdue: int | None) -> Section:
    half, most = _times(responses)
    rows = [
        ["Half of the answers came within", half],
        ["Nine of ten came within", most],
        ["Came later than promised", _share(responses["late"] if responses else None)],
        ["Claims that waited too long as the month ended", _share(overdue)],
    ]
    if responses is None and overdue is None:
        return Section("Answers of the shop", "There were too few to say something.")
    text = "Shares are rounded to 5 %, times up to whole hours."
    return Section(
        "Answers of the shop",
        text,
        _grids("How soon the shop answered", ["Measure", "Value"], rows),
    )


def _voids(voids: Mapping[str, Any]) -> Section:
    text = f"Purchases that were declared void in the month: {_count(voids['count'])}."
    rows = [[word, _count(voids["reasons"][each])] for each, word in _VOIDS.items()]
    found = rows if voids["count"] else []
    return Section("Taken back", text, _grids("Why", ["Reason", "Purchases"], found))


def _grids(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Grid]:
    return [Grid(caption, columns, rows)] if rows else []


def _count(count: int | None) -> str:
    return HIDDEN if count is None else f"{count:,}"


def _range(found: Mapping[str, int] | None) -> str:
    if found is None:
        return HIDDEN
    least, most = found["least"], found["most"]
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _share(percent: int | None) -> str:
    return _TOO_FEW if percent is None else f"{percent} %"


def _times(found: Mapping[str, int] | None) -> tuple[str, str]:
    if found is None:
        return _TOO_FEW, _TOO_FEW
    return _hours(found["median"]), _hours(found["p90"])


def _hours(hours: int) -> str:
    if hours < 2 * _DAY:
        return f"{hours} h"
    return f"{hours // _DAY} d {hours % _DAY} h"
