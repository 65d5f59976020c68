"""Small counts are not published, nor so much around them that they could be worked out.

The rules look at the counts alone, not at whose they are. So who reads a row could exchange any two
of its hidden counts and would see the same row: where two of them differ, none is known
(docs/methodology.md, *Small counts*; tests/aftersales/test_suppression.py tries all).
"""

from collections.abc import Collection, Mapping

__all__ = ["SMALLEST", "bounds", "hide_small", "shown", "shown_total"]

SMALLEST = 5
"""The smallest count above 0 that is published."""


def shown(count: int) -> int | None:
    """A count that is part of no sum; ``None`` for 1 to 4."""
    return None if _is_small(count) else count


def hide_small(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Counts whose sum is published, each as it is or ``None``.

    Without any from 1 to 4 nothing is hidden. Else what is below 5 is, zeros too; and where all
    that is hidden is alike, also the next larger count. All is hidden where the sum is at most
    four times the number of counts above 0.
    """
    values = counts.values()
    if not any(map(_is_small, values)):
        return dict(counts)
    if sum(values) <= (SMALLEST - 1) * sum(map(bool, values)):
        return dict.fromkeys(counts)
    level = SMALLEST - 1
    while len({value for value in values if value <= level}) == 1:
        level = min(value for value in values if value > level)
    return {name: value if value > level else None for name, value in counts.items()}


def shown_total(total: int, left_out: Collection[int]) -> int | None:
    """The sum of counts of which some, those in ``left_out``, are not published.

    ``None`` where it is small, or would tell one of them: when any is from 1 to 4, and all are
    alike.
    """
    if any(map(_is_small, left_out)) and len(set(left_out)) == 1:
        return None
    return shown(total)


def bounds(count: int, whole: int) -> dict[str, int] | None:
    """How many of ``whole`` there are, which is published: between ``least`` and ``most``.

    The two are the same unless fewer than 5 are, or are not. ``None`` for a whole below 10.
    """
    if whole < 2 * SMALLEST:
        return None
    if count < SMALLEST:
        return {"least": 0, "most": SMALLEST - 1}
    if whole - count < SMALLEST:
        return {"least": whole - SMALLEST + 1, "most": whole}
    return {"least": count, "most": count}


def _is_small(count: int) -> bool:
    return 0 < count < SMALLEST
