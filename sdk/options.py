"""Which version of a policy a purchase is claimed under: the best of those that apply to it.

A merchant may publish a version for purchases from some day on, while an earlier one still covers
what was bought before. All versions of a policy share their slots.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from commitments.errors import FormatError
from commitments.sale import Sale
from policies.durations import Duration, parse_duration
from policies.policy import AbsoluteWindow, Policy
from policies.versions import Version
from sdk.claiming import open_numbers, reasons_against, unused_numbers
from sdk.eligibility import shortfalls
from sdk.errors import NotEligible, SeveralQualify
from sdk.logs import MerchantView
from sdk.state import Purchase, State

__all__ = ["Option", "best_option", "choose", "claim_period"]


@dataclass(frozen=True)
class Option:
    """A version of a policy that a purchase can be claimed under today.

    ``last_day`` is the last on which a claim can be made as the version stands, in UTC;
    ``claims_left`` counts the present one.
    """

    version: Version
    last_day: date
    claims_left: int

    @property
    def policy(self) -> Policy:
        """What is promised."""
        return self.version.policy

    def days_left(self, today: date) -> int:
        """How many days there are until the last one; 0 on that day."""
        return (self.last_day - today).days

    def share_left(self, bought: date, today: date) -> float:
        """What is left of the time from the purchase to the last day, from 0 to 1."""
        whole = (self.last_day - bought).days + 1
        return min(1.0, max(0.0, (self.days_left(today) + 1) / whole))


def choose(
    state: State,
    view: MerchantView,
    policy_id: str,
    remedy: str,
    now: datetime,
    named: Purchase | None,
) -> tuple[Version, Purchase]:
    """The named purchase, or the only one, that can make this claim, and the version to name.

    ``NotEligible`` with every reason, for several versions those of the newest;
    ``SeveralQualify`` when a purchase has to be named.
    """
    valid = view.valid_versions(policy_id, now.astimezone(UTC).date())
    versions = [version for version in valid if remedy in version.policy.remedies]
    if not versions:
        offered = ", ".join(valid[-1].policy.remedies)
        raise NotEligible([f"the policy offers {offered}, not {remedy}"])
    newest = versions[-1]
    if named is not None:
        if named.origin != newest.policy.origin:
            raise NotEligible(["the purchase is from another merchant"])
        candidates = [named]
    else:
        candidates = [p for p in state.purchases.values() if p.origin == newest.policy.origin]
    found = [(best_option(state, view, versions, p, now), p) for p in candidates]
    able = [(option.version, purchase) for option, purchase in found if option]
    if len(able) == 1:
        return able[0]
    if able:
        raise SeveralQualify([purchase.order for _, purchase in able])
    against = [reasons_against(state, newest, purchase, now) for purchase in candidates]
    if len(candidates) == 1:
        raise NotEligible(against[0])
    pairs = zip(candidates, against, strict=True)
    by_order = [f"order {p.order}: {reason}" for p, reasons in pairs for reason in reasons]
    raise NotEligible(by_order or ["the wallet holds no purchase from this merchant"])


def best_option(
    state: State,
    view: MerchantView,
    versions: Iterable[Version],
    purchase: Purchase,
    now: datetime,
) -> Option | None:
    """The best of these versions of one policy to claim under now; None where none applies.

    One that no tags stand against; that leaves the purchase with its owner; that is not looked
    at by a person first; then that which lasts longest, has most claims left, offers most, and is
    the newest.
    """
    earlier = state.claims_of(purchase)

    def rank(option: Option) -> tuple[bool, bool, bool, date, int, int, int]:
        policy = option.policy
        return (
            bool(open_numbers(view, option.version, purchase, earlier)),
            not policy.ends_ownership,
            not policy.review,
            option.last_day,
            option.claims_left,
            len(policy.remedies),
            policy.version,
        )

    options = []
    for version in versions:
        period = claim_period(version, purchase.sale)
        if period and not reasons_against(state, version, purchase, now):
            left = len(unused_numbers(version.policy, purchase, earlier))
            options.append(Option(version, period[1], left))
    return max(options, key=rank, default=None)


def claim_period(version: Version, sale: Sale) -> tuple[date, date] | None:
    """First and last day on which what was sold can be claimed for under a version, or None.

    Only its conditions count, not what is used up. Found by counting back from each day as a
    claim of that day does: two years after 29 February is whatever that makes it.
    """
    policy, bought = version.policy, sale.date
    window = policy.purchased
    first, last = date.fromisoformat(policy.valid_from), date.fromisoformat(policy.valid_to)
    if window is not None and not isinstance(window, AbsoluteWindow):
        days = range(first.toordinal(), last.toordinal() + 1)
        begins, ends = parse_duration(window.newest), parse_duration(window.oldest)
        open_from = bisect_left(days, bought, key=lambda day: _before(begins, day))
        open_to = bisect_right(days, bought, key=lambda day: _before(ends, day))
        if open_from >= open_to:
            return None
        first, last = map(date.fromordinal, (days[open_from], days[open_to - 1]))
    try:
        return None if shortfalls(version, sale, last) else (first, last)
    except FormatError:  # a window before the calendar begins is none
        return None


def _before(duration: Duration, day: int) -> date:
    try:
        return duration.before(date.fromordinal(day))
    except FormatError:  # before the calendar begins
        return date.min
