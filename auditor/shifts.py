"""Counts by month, and whether a share has risen: in a month, against the months before it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from auditor.chance import fisher_tail
from auditor.findings import Entry
from auditor.times import months_back

__all__ = ["ANY", "Counts", "Share", "has_risen"]

ANY = "any"
"""Stands for all reasons together."""


@dataclass(frozen=True)
class Share:
    """``hits`` of ``total``."""

    hits: int
    total: int


def has_risen(now: Share, before: Share, rise: int, chance: Fraction) -> bool:
    """Whether the share is ``rise`` times what it was, and no more likely than ``chance``.

    The second is Fisher's exact test, one-sided.
    """
    if now.hits == 0 or now.hits * before.total < rise * before.hits * now.total:
        return False
    hits, total = now.hits + before.hits, now.total + before.total
    return fisher_tail(now.hits, now.total, hits, total) <= chance


class Counts:
    """Something that is counted by month: in all, and what has come to nothing for a reason."""

    def __init__(self, months: int) -> None:
        self._months = months
        self.totals: Counter[str] = Counter()
        self.hits: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))

    def hit(self, month: str, reason: str, entry: Entry) -> None:
        """One of those counted, for this reason and for :data:`ANY`."""
        self.hits[reason][month].append(entry)
        self.hits[ANY][month].append(entry)

    def entries(self, month: str, reason: str) -> Sequence[Entry]:
        """Those of a month."""
        return self.hits[reason].get(month, ())

    def share(self, month: str, reason: str) -> Share:
        """That of a month."""
        return Share(len(self.entries(month, reason)), self.totals[month])

    def before(self, month: str, reason: str) -> Share:
        """That of the months before it, together."""
        shares = [self.share(months_back(month, n), reason) for n in range(1, self._months + 1)]
        return Share(sum(share.hits for share in shares), sum(share.total for share in shares))

    def risen(self, month: str, rise: int, chance: Fraction) -> list[str]:
        """The reasons whose share has risen; :data:`ANY` only if none has by itself."""
        found = [
            reason
            for reason in sorted(self.hits)
            if has_risen(self.share(month, reason), self.before(month, reason), rise, chance)
        ]
        return [reason for reason in found if reason != ANY] or found
