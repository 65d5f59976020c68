"""How likely a count is by chance: exactly, so that few trials mean little and many do no harm.

What the detectors count is small or large, rarely in between. Nothing here assumes a normal
distribution. docs/methodology.md says in words what each of these promises.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import comb

__all__ = ["Streak", "Streaks", "binomial_tail", "fisher_tail", "odds_against_chance"]


def fisher_tail(hits: int, drawn: int, marked: int, total: int) -> Fraction:
    """The chance of ``hits`` marked ones or more among ``drawn`` of ``total``, ``marked`` in all.

    Fisher's exact test, one-sided: ``drawn`` is the month that is looked at, ``total`` this month
    and those before.
    """
    unmarked, most = total - marked, min(drawn, marked)
    hits = max(hits, drawn - unmarked, 0)
    if hits > most:
        return Fraction(0)
    term = comb(marked, hits) * comb(unmarked, drawn - hits)
    found = term
    for count in range(hits, most):
        term = term * (marked - count) * (drawn - count)
        term //= (count + 1) * (unmarked - drawn + count + 1)
        found += term
    return Fraction(found, comb(total, drawn))


def binomial_tail(hits: int, trials: int, chance: Fraction) -> Fraction:
    """The chance of ``hits`` or more in ``trials`` that hit with this ``chance`` each."""
    if hits > trials:
        return Fraction(0)
    hit, miss = chance.numerator, chance.denominator - chance.numerator
    term = comb(trials, hits) * hit**hits * miss ** (trials - hits)
    found = term
    for count in range(hits, trials):
        term = term * (trials - count) * hit // ((count + 1) * miss)
        found += term
    return Fraction(found, chance.denominator**trials)


def odds_against_chance(hits: int, trials: int, cells: int) -> Fraction:
    """How much likelier these trials are if half of them were aimed at one of ``cells`` cells.

    Blind trials hit it with a chance of 1 in ``cells``. For these the odds are 1 on average,
    whatever has been before, and so exceed N at any time with a chance of at most 1 in N (Ville).
    """
    return Fraction((1 + cells) ** hits, 2**trials)


@dataclass
class Streak:
    """Trials in a row, and which of them were hits."""

    trials: int = 0
    hits: list[int] = field(default_factory=list)


class Streaks:
    """Bets against chance, told trial after trial; a streak begins where the last bet is lost.

    Blind trials are hits with a probability of ``chance`` at most; a bet assumes ``aimed``. Its
    value is the ratio of both likelihoods. It is won at ``limit`` times the stake, which takes
    ``limit`` blind trials on average, or more (Page's CUSUM, Lorden's bound).
    """

    def __init__(self, chance: Fraction, aimed: Fraction, limit: int) -> None:
        self._factors = float((1 - aimed) / (1 - chance)), float(aimed / chance)
        self._limit = limit
        self._value = 1.0
        self._streak = Streak()

    def add(self, trial: int, *, hit: bool) -> Streak | None:
        """One more trial; the streak with it if that wins the bet."""
        self._value *= self._factors[hit]
        self._streak.trials += 1
        if hit:
            self._streak.hits.append(trial)
        streak = self._streak
        won = self._value >= self._limit
        if won or self._value <= 1:
            self._value, self._streak = 1.0, Streak()
        return streak if won else None
