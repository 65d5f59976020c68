"""The one place where "it verified" is decided (docs/protocol.md 7).

All verification equations are sums of coefficient times point that must be the identity. Each is
multiplied by a fresh random weight and added to one sum; that sum is computed once. A point that
occurs a thousand times (a generator, a ring member) costs one term.
"""

import secrets
from collections.abc import Iterable, Sequence

from commitments.errors import VerificationError
from commitments.group import Group, Point

__all__ = ["Accumulator", "random_weight"]

_WEIGHT_BITS = 128  # a false equation survives with chance 2^-128


def random_weight() -> int:
    """A nonzero 128-bit weight from the operating system."""
    return 1 + secrets.randbelow((1 << _WEIGHT_BITS) - 1)


class Accumulator:
    """A sum of coefficient times point, keyed by point *object*.

    Two objects for one point cost two terms and change nothing else, so callers share objects
    (decoded once, kept) where it pays.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        self._points: dict[int, Point] = {}  # holds the objects, so that an id stays theirs
        self._coefficients: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._points)

    def add(self, coefficient: int, point: Point) -> None:
        """Add one term."""
        self.extend((coefficient,), (point,))

    def extend(self, coefficients: Iterable[int], points: Sequence[Point]) -> None:
        """Add a term for each pair."""
        known, totals = self._points, self._coefficients
        for coefficient, point in zip(coefficients, points, strict=True):
            key = id(point)
            if key in known:
                totals[key] += coefficient
            else:
                known[key] = point
                totals[key] = coefficient

    def merge(self, other: "Accumulator") -> None:
        """Add all terms of ``other``, which stays as it is."""
        self.extend(*other.terms())

    def terms(self) -> tuple[list[int], list[Point]]:
        """Coefficients and points, in the same order."""
        return list(self._coefficients.values()), list(self._points.values())

    def verify(self) -> None:
        """Raise ``VerificationError`` unless the sum is the identity.

        The base point is added and must come out: a library that fails silently leaves a fresh
        point, which is the identity, and must not look like success.
        """
        group = self.group
        coefficients, points = self.terms()
        total = group.sum_of_products([1, *coefficients], [group.generator, *points])
        if not group.equal(total, group.generator):
            raise VerificationError("the proof does not verify")
