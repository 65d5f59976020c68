"""The one place where "it verified" is decided (docs/protocol.md 7).

All verification equations are sums of coefficient times point that must be the identity. Each is
multiplied by a fresh random weight and added to one sum; that sum is computed once. A point that
occurs a thousand times (a generator, a ring member) costs one term.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from operator import add

from commitments.errors import VerificationError
from commitments.group import Group, Point
from zk.tensor import Tensor, fold, sum_tensors

__all__ = ["Accumulator", "Terms", "is_identity", "offset_sum", "random_weight"]

Terms = tuple[Sequence[int], Sequence[Point]]
"""Coefficients and points, in the same order."""

_Parts = tuple[
    list[int],
    list[Point],
    list[tuple[Sequence[Point], list[int]]],
    list[tuple[Sequence[Point], list[Tensor]]],
]
_WEIGHT_BITS = 128  # a false equation survives with chance 2^-128


def random_weight() -> int:
    """A nonzero 128-bit weight from the operating system."""
    return 1 + secrets.randbelow((1 << _WEIGHT_BITS) - 1)


class Accumulator:
    """A sum of coefficient times point, keyed by *object*: of a point, or of a list of points.

    Two objects for one point cost two terms and change nothing else, so callers share objects
    (decoded once, kept) where it pays. Coefficients need not be reduced.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        # The objects are held, so that an id stays theirs.
        self._points: dict[int, Point] = {}
        self._coefficients: dict[int, int] = {}
        self._families: dict[int, tuple[Sequence[Point], list[int]]] = {}
        self._tensors: dict[int, tuple[Sequence[Point], list[Tensor]]] = {}

    def __len__(self) -> int:
        """How many terms the sum has."""
        lists = [*self._families.values(), *self._tensors.values()]
        return len(self._points) + sum(len(points) for points, _ in lists)

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

    def add_family(self, coefficients: list[int], points: Sequence[Point]) -> None:
        """Add a term for each pair, where this same list of points comes again and again."""
        if len(coefficients) != len(points):
            raise ValueError("a coefficient for each point is needed")
        _, totals = self._families.get(id(points), (points, None))
        if totals is not None:
            coefficients = list(map(add, totals, coefficients))
        self._families[id(points)] = points, coefficients

    def add_tensor(self, tensor: Tensor, points: Sequence[Point]) -> None:
        """Add a term ``tensor[i] * points[i mod len(points)]`` for each index i.

        Tensors over the same list of points are added up when the sum is computed.
        """
        self._tensors.setdefault(id(points), (points, []))[1].append(tensor)

    def merge(self, other: "Accumulator", factor: int = 1) -> None:
        """Add ``factor`` times all terms of ``other``, which stays as it is."""
        coefficients, points, families, tensors = other.parts()
        self.extend([factor * c for c in coefficients], points)
        for family, totals in families:
            self.add_family([factor * c for c in totals], family)
        for members, several in tensors:
            for tensor in several:
                self.add_tensor(replace(tensor, scale=factor * tensor.scale), members)

    def parts(self) -> _Parts:
        """Lone coefficients and points, families with theirs, and lists of points with tensors."""
        return (
            list(self._coefficients.values()),
            list(self._points.values()),
            list(self._families.values()),
            list(self._tensors.values()),
        )

    def terms(self) -> Iterator[Terms]:
        """All terms, in groups; those that take long to make come last."""
        coefficients, points, families, tensors = self.parts()
        yield coefficients, points
        for family, totals in families:
            yield totals, family
        for members, several in tensors:
            yield self._folded(several, len(members)), members

    def take_tensors(self) -> Iterator[Terms]:
        """The terms of all tensors, which are not in the sum any more."""
        tensors, self._tensors = self._tensors, {}
        for members, several in tensors.values():
            yield self._folded(several, len(members)), members

    def verify(self) -> None:
        """Raise ``VerificationError`` unless the sum is the identity."""
        if not is_identity(self.group, offset_sum(self.group, self.terms())):
            raise VerificationError("the proof does not verify")

    def _folded(self, tensors: Sequence[Tensor], size: int) -> list[int]:
        return fold(sum_tensors(tensors, self.group.order), size)


def offset_sum(group: Group, terms: Iterable[Terms]) -> Point:
    """The sum of all terms and the base point.

    The base point must come out where the terms are nothing: a library that fails silently leaves
    a fresh point, which is the identity, and must not look like success.
    """
    return group.sum_of_parts(chain([([1], [group.generator])], terms))


def is_identity(group: Group, total: Point) -> bool:
    """Whether the terms of an :func:`offset_sum` add up to the identity."""
    return group.equal(total, group.generator)
