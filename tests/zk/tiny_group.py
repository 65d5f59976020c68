"""Groups in which discrete logarithms are nothing: integers modulo a prime, under addition.

``TINY`` has 13 elements, so that small inputs can be tried exhaustively; a false equation holds by
luck there. ``TOY`` is as easy to break and as quick, but large enough (2^61 - 1) that luck is out
of the question: what it accepts, the protocol's algebra accepts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from commitments.errors import FormatError
from commitments.group import Group, IdentityPoint, Point


@dataclass(frozen=True, eq=False)
class Residue:
    """A point. Two of them are two objects, as decoded points of a real group are."""

    value: int


def value_of(point: Point) -> int:
    """The discrete logarithm."""
    return cast("Residue", point).value


class ResidueGroup(Group):
    """The additive group of integers modulo ``order``, with base point 1."""

    name = "TOY"
    hash_suite = "TOY"

    def __init__(self) -> None:
        self.generator = Residue(1)

    def encode(self, point: Point) -> bytes:
        if self.is_identity(point):
            raise IdentityPoint("the identity has no encoding")
        return value_of(point).to_bytes(self.point_size, "big")

    def decode(self, data: bytes) -> Point:
        value = int.from_bytes(data, "big")
        if len(data) != self.point_size or not 0 < value < self.order:
            raise FormatError("not a point")
        return Residue(value)

    def add(self, left: Point, right: Point) -> Point:
        return Residue((value_of(left) + value_of(right)) % self.order)

    def negate(self, point: Point) -> Point:
        return Residue(-value_of(point) % self.order)

    def equal(self, left: Point, right: Point) -> bool:
        return value_of(left) == value_of(right)

    def is_identity(self, point: Point) -> bool:
        return value_of(point) == 0

    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        pairs = zip(scalars, points, strict=True)
        return Residue(sum(s * value_of(p) for s, p in pairs) % self.order)

    def hash_to_curve(self, message: bytes, dst: bytes) -> Point:
        digest = sha256(dst + b"\0" + message).digest()
        return Residue(1 + int.from_bytes(digest, "big") % (self.order - 1))


class _Tiny(ResidueGroup):
    order = 13
    point_size = 1
    scalar_size = 1


class _Toy(ResidueGroup):
    order = 2**61 - 1
    point_size = 8
    scalar_size = 8


TINY = _Tiny()
TOY = _Toy()


class CountingGroup(_Toy):
    """As ``TOY``; counts the terms of every sum."""

    def __init__(self) -> None:
        super().__init__()
        self.sums: list[int] = []

    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        self.sums.append(len(points))
        return super().sum_of_products(scalars, points)
