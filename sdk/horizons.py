"""Which ring a claim hides in: the choice of docs/protocol.md 4, the same for every wallet."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from ledger.rings import RingName
from policies.versions import Version
from sdk.errors import NotEligible, NotProvableYet
from sdk.logs import MerchantView

__all__ = ["choose_ring", "choose_transfer_ring", "ring_like"]

# A shop east of Greenwich is up to 14 hours ahead of UTC: it records sales of the window's first
# day when that day has not begun there. Every wallet allows for it, so that none stands out.
_AHEAD = timedelta(hours=14)


def choose_ring(view: MerchantView, version: Version, today: date, index: int) -> RingName:
    """The ring for a claim made today with the purchase at ``index``.

    Its span ends at the last close and begins at the last one before the policy's purchase
    window, or with the log. ``NotProvableYet`` until the purchase has been closed,
    ``NotEligible`` for a purchase that was recorded before the window.
    """
    size = view.closes[-1].close.size if view.closes else 0
    if index >= size:
        raise NotProvableYet("the purchase can be proven from the log's next close on")
    days = version.days(today)
    first = 0 if days is None else _last_close_before(view, days[0])
    if index < first:
        raise NotEligible(["the purchase was recorded before the policy's window begins"])
    return _ring(view, first, size, index)


def choose_transfer_ring(view: MerchantView, index: int) -> RingName:
    """The ring for handing over the purchase at ``index`` today.

    Its span is all of the log for which no further void can count (docs/protocol.md 8).
    ``NotProvableYet`` while the purchase is not in it.
    """
    closed = [dated.close.size for dated in view.closes]
    settled = [size for size in closed if view.partition.voids_are_settled(size, closed[-1])]
    size = max(settled, default=0)
    if index >= size:
        raise NotProvableYet(
            "the purchase can be handed over when the shop can no longer declare it void: "
            f"{view.partition.void_window} periods of the log after it was recorded"
        )
    return _ring(view, 0, size, index)


def ring_like(
    view: MerchantView,
    default: RingName,
    earlier: Sequence[tuple[RingName, Sequence[int]]],
    index: int,
    latest: int | None = None,
) -> RingName:
    """The ring that has most members in common with all ``earlier`` ones.

    For a claim that is linked to ``earlier`` ones, because it ends the ownership or shows the same
    tags: what is left of the owner's privacy is the intersection of their rings (docs/protocol.md
    8). The choice is among ``default`` and the spans used before, up to ``latest`` where given.
    """
    common = set.intersection(*(set(indices) for _, indices in earlier)) if earlier else set()
    spans = {(name.first, name.size) for name, _ in earlier} - {(default.first, default.size)}
    if latest is not None:
        spans = {span for span in spans if span[1] <= latest}
    candidates = [default, *(_ring(view, *span, index) for span in sorted(spans))]

    def shared(name: RingName) -> int:
        return len(common.intersection(view.partition.cell(name.first, name.size, name.lane)))

    return max(candidates, key=shared)


def _ring(view: MerchantView, first: int, size: int, index: int) -> RingName:
    voided_at = view.closes[-1].close.size
    return RingName(first, size, voided_at, view.partition.lane_of(index, first, size))


def _last_close_before(view: MerchantView, begins: date) -> int:
    moment = datetime.combine(begins, time.min, tzinfo=UTC)
    sizes = [dated.close.size for dated in view.closes if dated.ended <= moment - _AHEAD]
    return max(sizes, default=0)
