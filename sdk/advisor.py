"""What the logs of its merchants mean for the purchases in a wallet. Nothing here asks anybody.

A wallet downloads each merchant's whole feed of policies and notices, as all wallets do, and
finds what concerns it by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from policies.notice import Notice
from policies.policy import Policy
from policies.versions import Version
from sdk.logs import MerchantView
from sdk.options import Option, best_option, claim_period
from sdk.state import Purchase, State

__all__ = ["ENDS_SOON", "Change", "Prospect", "prospects"]

ENDS_SOON = (90, 30, 7)
"""Days before the end of a warranty at which its owner should hear of it."""

_COMPARED = (
    "products",
    "purchased",
    "covers_from",
    "price",
    "batches",
    "valid_from",
    "valid_to",
    "remedies",
    "claims_per_purchase",
    "ends_ownership",
    "review",
    "smallest_ring",
    "response_time",
)


@dataclass(frozen=True)
class Change:
    """What the version in force of a policy changed for a purchase, and which conditions.

    ``kind`` is ``applies-now``, ``better`` or ``other``; ``gained`` and ``lost`` say in words what
    there is more and less of. What only got worse changes nothing for what was bought before.
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
        policies whose newest version means something else for it than those before;
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
    options, changes = [], []
    for versions in _by_policy(view.versions).values():
        valid = [version for version in versions if version.policy.is_valid_on(today)]
        offering = [each for each in valid if remedy in (None, *each.policy.remedies)]
        options.append(best_option(state, view, offering, purchase, now))
        changes.append(_change(versions, valid[-1], purchase, today) if valid else None)
    notices = [each for each in view.notices if each.concerns(purchase.sale)]
    return Prospect(
        purchase,
        today,
        tuple(sorted((each for each in options if each), key=_preference)),
        tuple(change for change in changes if change),
        tuple(sorted(notices, key=lambda notice: notice.date, reverse=True)),
    )


def _by_policy(versions: Sequence[Version]) -> dict[str, list[Version]]:
    """The versions of each policy, ascending."""
    found: dict[str, list[Version]] = {}
    for version in sorted(versions, key=lambda version: version.policy.version):
        found.setdefault(version.policy.id, []).append(version)
    return found


def _preference(option: Option) -> tuple[bool, date, int]:
    """Keep the purchase if you can; then use first what is gone first; then what there is most of.

    What lasts longer is still there for the next fault.
    """
    return option.policy.ends_ownership, option.last_day, -option.claims_left


def _change(
    versions: Sequence[Version], newest: Version, purchase: Purchase, today: date
) -> Change | None:
    """What ``newest`` changed for the purchase, against the best of the versions before it.

    Where it gives less, the purchase is still covered by what was promised for it.
    """
    earlier = [each for each in versions if each.policy.version < newest.policy.version]
    last = _last_day(newest, purchase, today)
    if not earlier or last is None:
        return None
    lasting = [(day, each) for each in earlier if (day := _last_day(each, purchase, today))]
    until, best = max(lasting, key=lambda pair: pair[0], default=(None, earlier[-1]))
    policy, before = newest.policy, best.policy
    conditions = tuple(name for name in _COMPARED if getattr(policy, name) != getattr(before, name))
    if until is None:
        return Change("applies-now", policy, before, conditions)
    gained = tuple(_more(before, policy, until, last))
    lost = tuple(_more(policy, before, last, until))
    if not conditions or (lost and not gained):
        return None
    kind = "better" if gained and not lost else "other"
    return Change(kind, policy, before, conditions, gained, lost)


def _last_day(version: Version, purchase: Purchase, today: date) -> date | None:
    """The last on which the purchase can be claimed for, if it can be today."""
    period = claim_period(version, purchase.sale)
    return period[1] if period and period[0] <= today <= period[1] else None


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
