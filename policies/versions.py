"""A version of a policy and its end, and the days of purchase that a claim under it shows.

Pure, and shared by wallet, verifier and auditor (docs/protocol.md 5, *From policy to predicates*).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from commitments.attributes import EPOCH
from commitments.sale import parse_day
from policies.policy import Policy

__all__ = ["Ending", "Version", "purchase_days"]

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Ending:
    """A version covers no purchase from the day ``first`` on; ``by`` is what superseded it.

    ``time`` is that of the event.
    """

    time: str
    first: date
    by: int | None = None


@dataclass(frozen=True)
class Version:
    """A published version of a policy, and what has ended it so far.

    ``published`` is the time of its event; ``endings`` are in the order of the log.
    """

    policy: Policy
    published: str
    endings: tuple[Ending, ...] = ()

    @cached_property
    def end(self) -> date | None:
        """The first day whose purchases are no longer covered: that of the earliest ending."""
        return min((ending.first for ending in self.endings), default=None)

    def end_on(self, claimed: date) -> date | None:
        """The end as claims made on ``claimed`` must heed it (:func:`purchase_days`)."""
        return None if self.end is None or claimed < self.end else self.end

    def days(self, claimed: date) -> tuple[date, date] | None:
        """:func:`purchase_days` of this version."""
        return purchase_days(self.policy, self.end, claimed)

    def is_open_on(self, day: date) -> bool:
        """Whether there are purchases that claims may be made for on ``day``."""
        days = self.days(day)
        return self.policy.is_valid_on(day) and (days is None or days[0] <= days[1])

    def demands_on(self, day: date) -> tuple[object, ...]:
        """What a purchase must satisfy; equal for versions that prove the same on that day."""
        return *self.policy.demands, self.end_on(day)


def purchase_days(policy: Policy, end: date | None, claimed: date) -> tuple[date, date] | None:
    """First and last day of purchase for a claim made on ``claimed``; None for any day.

    The last is before the first where no purchase is covered. ``end`` is :attr:`Version.end`: a
    claim dated before it is as if there were none, so that what a wallet has prepared is not
    spoilt by an event that it could not see. ``FormatError`` as :meth:`Policy.window`.
    """
    days = policy.window(claimed)
    if days is None:
        if policy.covers_from is None and (end is None or claimed < end):
            return None
        days = EPOCH, date.max
    first, last = days
    if policy.covers_from is not None:
        first = max(first, parse_day(policy.covers_from))
    if end is not None and claimed >= end:
        last = min(last, end - _DAY)
    return max(first, EPOCH), last
