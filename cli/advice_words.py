"""What a wallet advises, as documents for scripts and in words for people."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cli.output import lines, table

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from policies.notice import Notice
    from sdk.advisor import Change, Prospect
    from sdk.options import Option

__all__ = ["advice_document", "advice_views", "warranty_bar", "warranty_document"]

_BAR = 10  # characters

_KINDS = {
    "applies-now": "now covers it",
    "better": "has become better",
    "other": "has changed",
}


def warranty_document(prospect: "Prospect") -> dict[str, Any] | None:
    """The warranty that lasts longest as JSON."""
    found = prospect.warranty
    return None if found is None else _option_document(found, prospect)


def warranty_bar(prospect: "Prospect") -> str | None:
    """What is left of the warranty that lasts longest, at a glance."""
    found = prospect.warranty
    if found is None:
        return None
    left = found.share_left(prospect.purchase.sale.date, prospect.today)
    full = max(1, round(_BAR * left))
    return f"{'█' * full}{'░' * (_BAR - full)} {_days(found.days_left(prospect.today))}"


def advice_document(prospects: "Sequence[Prospect]") -> dict[str, Any]:
    """All advice as JSON."""
    return {
        "purchases": [
            {
                "number": number,
                "origin": each.purchase.origin,
                "order": each.purchase.order,
                "ends_soon": each.ends_soon,
                "options": [_option_document(option, each) for option in each.options],
                "changes": [_change_document(change) for change in each.changes],
                "notices": [notice.document() for notice in each.notices],
            }
            for number, each in enumerate(prospects, start=1)
        ]
    }


def advice_views(prospects: "Iterable[Prospect]") -> "Iterator[Table | Text]":
    """All advice for people: what concerns a purchase, then what it can be claimed under."""
    for prospect in prospects:
        purchase = prospect.purchase
        told = [*_told(prospect)]
        rows = [_option_row(option) for option in prospect.options]
        yield lines([f"order {purchase.order} of {purchase.origin}", *told])
        columns = ("policy", "offers", "last day (UTC)", "claims left", "")
        nothing = ["nothing is known that it can be claimed under"]
        yield table(columns, rows) if rows else lines(nothing)


def _told(prospect: "Prospect") -> Iterator[str]:
    for notice in prospect.notices:
        yield from _notice_words(notice)
    warranty = prospect.warranty
    if prospect.ends_soon is not None and warranty is not None:
        yield (
            f"{warranty.policy.title} ends soon: {_days(warranty.days_left(prospect.today))} left, "
            f"the last is {warranty.last_day} (UTC)"
        )
    for change in prospect.changes:
        yield _change_words(change)


def _notice_words(notice: "Notice") -> Iterator[str]:
    yield f"{notice.kind.upper()} {notice.id} of {notice.date}: {notice.title}. {notice.text}"
    if notice.policy is not None:
        yield f"It says to claim under {notice.policy}."
    if notice.units is not None:
        yield (
            f"It names {len(notice.units)} units. A merchant that names few may want to see who "
            "comes; a claim shows no more than its policy says."
        )


def _change_words(change: "Change") -> str:
    versions = f"{change.policy.id} {_KINDS[change.kind]} (version {change.policy.version})"
    more = [f"more: {', '.join(change.gained)}"] if change.gained else []
    less = [f"less: {', '.join(change.lost)}"] if change.lost else []
    names = f"changed: {', '.join(change.conditions).replace('_', ' ')}"
    return "; ".join([versions, *more, *less, names])


def _option_row(option: "Option") -> list[object]:
    policy = option.policy
    ends = "ends the ownership" if policy.ends_ownership else None
    offers = ", ".join(policy.remedies).replace("_", " ")
    return [policy.id, offers, option.last_day, option.claims_left, ends]


def _option_document(option: "Option", prospect: "Prospect") -> dict[str, Any]:
    policy = option.policy
    return {
        "policy": policy.id,
        "version": policy.version,
        "kind": policy.kind,
        "title": policy.title,
        "remedies": list(policy.remedies),
        "ends_ownership": policy.ends_ownership,
        "response_time": policy.response_time,
        "last_day": option.last_day.isoformat(),
        "days_left": option.days_left(prospect.today),
        "claims_left": option.claims_left,
    }


def _change_document(change: "Change") -> dict[str, Any]:
    return {
        "kind": change.kind,
        "policy": change.policy.id,
        "version": change.policy.version,
        "before": change.before.version,
        "conditions": list(change.conditions),
        "gained": list(change.gained),
        "lost": list(change.lost),
    }


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
