"""No hidden count of a report is known, even to who knows the rules: all other worlds are tried."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.suppression import SMALLEST, bounds, hide_small, shown, shown_total

Worlds = defaultdict[tuple[int | None, tuple[int | None, ...]], list[tuple[int, ...]]]
"""Rows of counts by what is published of them: their sum, and some of them."""


MOST = 25  # the sums of all rows that are tried are below


def row(values: Sequence[int]) -> tuple[int | None, ...]:
    named = {str(place): value for place, value in enumerate(values)}
    return tuple(hide_small(named).values())


def pairs(first: Sequence[Any], second: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(first, second, strict=True)


def sums(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All rows of so many counts with this sum."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in sums(total - first, parts - 1):
            yield (first, *rest)


def small(count: int) -> bool:
    return 0 < count < SMALLEST


@pytest.mark.parametrize("places", [2, 3, 4])
def test_no_hidden_count_follows_from_the_sum_and_the_others(places: int) -> None:
    worlds: Worlds = defaultdict(list)
    for total in range(MOST):
        for values in sums(total, places):
            published = row(values)
            assert all(count is None for count, value in pairs(published, values) if small(value))
            worlds[shown(total), published].append(values)
    for (_, seen), same in worlds.items():
        for place, count in enumerate(seen):
            possible = {values[place] for values in same}
            assert possible == {count} if count is not None else len(possible) > 1


@pytest.mark.parametrize("policies", [1, 2, 3, 4])
def test_no_policy_left_out_follows_from_the_total(policies: int) -> None:
    worlds: Worlds = defaultdict(list)
    for total in range(MOST):
        for values in sums(total, policies):
            listed = tuple(None if small(value) else value for value in values)
            left_out = [value for value in values if small(value)]
            worlds[shown_total(total, left_out), listed].append(values)
    for (_, seen), same in worlds.items():
        all_are_here = sum(count or 0 for count in seen) + 4 * policies < MOST
        for place in range(policies):
            possible = {values[place] for values in same}
            assert len(possible) > 1 or not (all_are_here and small(min(possible)))


@pytest.mark.parametrize(
    ("values", "published"),
    [
        ((15, 0, 0), (15, 0, 0)),
        ((15, 2, 0), (15, None, None)),
        ((15, 2), (None, None)),
        ((15, 7, 2), (15, None, None)),
        ((15, 7, 2, 2), (15, None, None, None)),
        ((4, 4, 4), (None, None, None)),
        ((3, 4, 5), (None, None, None)),
        ((2, 0), (None, None)),
        ((0, 0), (0, 0)),
    ],
)
def test_what_is_hidden_around_a_small_count(
    values: tuple[int, ...], published: tuple[int | None, ...]
) -> None:
    assert row(values) == published


@given(st.integers(0, 60), st.integers(0, 60))
def test_bounds_hold_and_hide_few_on_either_side(first: int, second: int) -> None:
    count, whole = min(first, second), max(first, second)
    found = bounds(count, whole)
    if found is None:
        assert whole < 2 * SMALLEST
        return
    assert found["least"] <= count <= found["most"]
    same = [other for other in range(whole + 1) if bounds(other, whole) == found]
    few = count < SMALLEST or whole - count < SMALLEST
    assert same == list(range(found["least"], found["most"] + 1))
    assert len(same) == (SMALLEST if few else 1)
