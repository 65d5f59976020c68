"""What the logs of its merchants mean for the purchases in a wallet. Nothing here asks anybody.

A wallet downloads each merchant's whole feed of policies and notices, as all wallets do, and
finds what concerns it by itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from commitments.errors import FormatError
from commitments.sale import Sale
from policies.durations import Duration, parse_duration
from policies.notice import Notice
from policies.policy import AbsoluteWindow, Policy
from sdk.claiming import reasons_against, unused_numbers
from sdk.eligibility import shortfalls
from sdk.logs import MerchantView
from sdk.state import Claim, Purchase, State

__all__ = ["ENDS_SOON", "Change", "Option", "Prospect", "claim_period", "prospects"]

ENDS_SOON = (90, 30, 7)
"""Days before the end of a warranty at which its owner should hear of it."""

_COMPARED = ("products", "purchased", "price", "batches", "valid_from", "valid_to", "remedies")
_ALSO_COMPARED = ("claims_per_purchase", "ends_ownership", "smallest_ring", "response_time")


@dataclass(frozen=True)
class Option:
    """A policy that a purchase can be claimed under today.

    ``last_day`` is the last on which a claim can be made as the policy stands, in UTC;
    ``claims_left`` counts the present one.
    """

    policy: Policy
    last_day: date
    claims_left: int

    def days_left(self, today: date) -> int:
        """How many days there are until the last one; 0 on that day."""
        return (self.last_day - today).days

    def share_left(self, bought: date, today: date) -> float:
        """What is left of the time from the purchase to the last day, from 0 to 1."""
        whole = (self.last_day - bought).days + 1
        return min(1.0, max(0.0, (self.days_left(today) + 1) / whole))


@dataclass(frozen=True)
class Change:
    """What the version in force of a policy changed for a purchase, and which conditions.

    ``kind`` is ``applies-now``, ``no-longer-applies``, ``better``, ``worse`` or ``other``;
    ``gained`` and ``lost`` say in words what there is more and less of.
    """

    kind: str
    policy: Policy
    before: Policy
    conditions: tuple[str, ...]
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prospect:
    """What there is to know about one purchase today.

    ``options``
        the policies it can be claimed under, the one to use first in front (:func:`_preference`);
    ``changes``
        policies whose newest version means something else for it than the one before;
    ``notices``
        recalls and alerts that concern it, the newest in front.
    """

    purchase: Purchase
    today: date
    options: tuple[Option, ...]
    changes: tuple[Change, ...]
    notices: tuple[Notice, ...]

    @property
    def warranty(self) -> Option | None:
        """The warranty that lasts longest."""
        warranties = [each for each in self.options if each.policy.kind == "warranty"]
        return max(warranties, key=lambda each: each.last_day, default=None)

    @property
    def ends_soon(self) -> int | None:
        """The smallest of :data:`ENDS_SOON` within which the last warranty ends."""
        if self.warranty is None:
            return None
        left = self.warranty.days_left(self.today)
        return min((days for days in ENDS_SOON if left <= days), default=None)


def prospects(
    state: State, views: Mapping[str, MerchantView], now: datetime, remedy: str | None = None
) -> tuple[Prospect, ...]:
    """One for each purchase, in their order; ``views`` are by origin of the purchase log.

    Of a purchase whose merchant is not among them nothing is known. ``options`` are only those
    that offer ``remedy``, if it is given.
    """
    return tuple(
        _prospect(state, purchase, views.get(purchase.origin), now, remedy)
        for purchase in state.purchases.values()
    )


def claim_period(policy: Policy, sale: Sale) -> tuple[date, date] | None:
    """First and last day on which what was sold can be claimed for under a policy, or None.

    Only its conditions count, not what is used up. Found by counting back from each day as a
    claim of that day does: two years after 29 February is whatever that makes it.
    """
    bought, window = sale.date, policy.purchased
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
        return None if shortfalls(policy, sale, last) else (first, last)
    except FormatError:  # a window before the calendar begins is none
        return None


def _before(duration: Duration, day: int) -> date:
    try:
        return duration.before(date.fromordinal(day))
    except FormatError:  # before the calendar begins
        return date.min


def _prospect(
    state: State,
    purchase: Purchase,
    view: MerchantView | None,
    now: datetime,
    remedy: str | None,
) -> Prospect:
    today = now.astimezone(UTC).date()
    if view is None:
        return Prospect(purchase, today, (), (), ())
    in_force = list(_in_force(view.policies, today))
    options = [
        _option(policy, purchase, state.claims_of(purchase))
        for policy in in_force
        if remedy in (None, *policy.remedies) and not reasons_against(state, policy, purchase, now)
    ]
    changes = (_change(view.policies, policy, purchase, today) for policy in in_force)
    notices = [each for each in view.notices if each.concerns(purchase.sale)]
    return Prospect(
        purchase,
        today,
        tuple(sorted((each for each in options if each), key=_preference)),
        tuple(change for change in changes if change),
        tuple(sorted(notices, key=lambda notice: notice.date, reverse=True)),
    )


def _in_force(policies: Sequence[Policy], today: date) -> Iterator[Policy]:
    """The newest version of each policy that is valid today."""
    newest: dict[str, Policy] = {}
    for policy in policies:
        known = newest.get(policy.id)
        if policy.is_valid_on(today) and (known is None or known.version < policy.version):
            newest[policy.id] = policy
    yield from newest.values()


def _option(policy: Policy, purchase: Purchase, earlier: Sequence[Claim]) -> Option | None:
    period = claim_period(policy, purchase.sale)
    return period and Option(policy, period[1], len(unused_numbers(policy, purchase, earlier)))


def _preference(option: Option) -> tuple[bool, date, int]:
    """Keep the purchase if you can; then use first what is gone first; then what there is most of.

    What lasts longer is still there for the next fault.
    """
    return option.policy.ends_ownership, option.last_day, -option.claims_left


def _change(
    policies: Sequence[Policy], policy: Policy, purchase: Purchase, today: date
) -> Change | None:
    """What ``policy`` changed for the purchase, against the version before."""
    earlier = [each for each in policies if each.id == policy.id and each.version < policy.version]
    if not earlier:
        return None
    before = max(earlier, key=lambda each: each.version)
    names = (*_COMPARED, *_ALSO_COMPARED)
    conditions = tuple(name for name in names if getattr(policy, name) != getattr(before, name))
    old, new = (claim_period(each, purchase.sale) for each in (before, policy))
    applied, applies = (bool(p and p[0] <= today <= p[1]) for p in (old, new))
    if applied != applies:
        kind = "applies-now" if applies else "no-longer-applies"
        return Change(kind, policy, before, conditions)
    if not (applies and old and new and conditions):
        return None
    gained = tuple(_more(before, policy, old[1], new[1]))
    lost = tuple(_more(policy, before, new[1], old[1]))
    kind = "other" if bool(gained) == bool(lost) else "better" if gained else "worse"
    return Change(kind, policy, before, conditions, gained, lost)


def _more(less: Policy, more: Policy, sooner: date, later: date) -> Iterator[str]:
    """What the second version gives that the first does not."""
    if later > sooner:
        days = (later - sooner).days
        yield f"{days} {'day' if days == 1 else 'days'}"
    for remedy in more.remedies:
        if remedy not in less.remedies:
            yield remedy.replace("_", " ")
    if more.claims_per_purchase > less.claims_per_purchase:
        claims = more.claims_per_purchase - less.claims_per_purchase
        yield f"{claims} {'claim' if claims == 1 else 'claims'}"
    if less.ends_ownership and not more.ends_ownership:
        yield "you keep the purchase"
