"""Chance, exactly: against counting everything, and against what is promised of bets."""

from fractions import Fraction
from itertools import combinations, product
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.chance import Streaks, binomial_tail, fisher_tail, odds_against_chance


@given(st.integers(0, 7), st.integers(0, 7), st.integers(-1, 8), st.integers(7, 8))
def test_fisher_counts_the_ways(drawn: int, marked: int, hits: int, total: int) -> None:
    ways = [sum(one < marked for one in chosen) for chosen in combinations(range(total), drawn)]
    expected = Fraction(sum(way >= hits for way in ways), comb(total, drawn))
    assert fisher_tail(hits, drawn, marked, total) == expected


@pytest.mark.parametrize("chance", [Fraction(1, 2), Fraction(1, 9)])
def test_the_binomial_tail_counts_the_ways(chance: Fraction) -> None:
    for hits in range(6):
        expected = sum(
            chance ** sum(trials) * (1 - chance) ** (4 - sum(trials))
            for trials in product((0, 1), repeat=4)
            if sum(trials) >= hits
        )
        assert binomial_tail(hits, 4, chance) == expected


@pytest.mark.parametrize("cells", [2, 16])
def test_blind_trials_win_nothing_by_the_odds_on_average(cells: int) -> None:
    chance = Fraction(1, cells)
    mean = sum(
        comb(5, hits)
        * chance**hits
        * (1 - chance) ** (5 - hits)
        * odds_against_chance(hits, 5, cells)
        for hits in range(6)
    )
    assert mean == 1


def test_blind_trials_take_the_limit_on_average_or_more() -> None:
    random, limit, found = Random(7), 50, 0
    streaks = Streaks(Fraction(2, 3), Fraction(8, 9), limit)
    for trial in range(50_000):
        found += streaks.add(trial, hit=random.random() < 2 / 3) is not None
    assert 0 < found < 50_000 / limit


def test_a_streak_has_its_hits_and_starts_anew() -> None:
    streaks = Streaks(Fraction(1, 2), Fraction(3, 4), 3)
    results = [streaks.add(trial, hit=hit) for trial, hit in enumerate([False, *[True] * 3])]
    assert results[:3] == [None] * 3
    assert results[3] is not None
    assert (results[3].trials, results[3].hits) == (3, [1, 2, 3])
    again = [streaks.add(trial, hit=True) for trial in range(4, 7)]
    assert again[2] is not None
    assert again[2].hits == [4, 5, 6]
