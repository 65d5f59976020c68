"""The one interface behind which all group arithmetic happens (docs/protocol.md 2 and 9).

Points are opaque: nothing outside a ``Group`` looks inside one. Scalars are Python integers in
``[0, order)``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

from commitments.errors import FormatError
from commitments.hash_to_curve import expand_message_xmd

__all__ = ["Group", "IdentityPoint", "Point"]

Point = object


class IdentityPoint(ValueError):  # noqa: N818 - the name is what was to be encoded
    """The identity has no encoding (docs/protocol.md 2)."""


_HASH_TO_SCALAR_BYTES = 48  # 128 bits more than the order, so that the reduction is not biased


class Group(ABC):
    """A group of prime order in which discrete logarithms are hard.

    Instances are singletons; they compare by identity and can be used as cache keys.
    """

    name: ClassVar[str]
    """Suffix of ciphersuite names: ``P256`` or ``BLS12381``."""
    hash_suite: ClassVar[str]
    """RFC 9380 suite of :meth:`hash_to_curve`, the suffix of its domain separation tags."""
    order: ClassVar[int]
    point_size: ClassVar[int]
    """Bytes of an encoded point."""
    scalar_size: ClassVar[int] = 32
    """Bytes of an encoded scalar."""
    generator: Point

    @abstractmethod
    def encode(self, point: Point) -> bytes:
        """The canonical encoding; ``IdentityPoint`` for the identity, which is never written."""

    @abstractmethod
    def decode(self, data: bytes) -> Point:
        """The point that ``data`` encodes.

        ``FormatError`` for anything but the canonical encoding of a point of the group other
        than the identity.
        """

    @abstractmethod
    def add(self, left: Point, right: Point) -> Point:
        """``left + right``."""

    @abstractmethod
    def negate(self, point: Point) -> Point:
        """``-point``."""

    @abstractmethod
    def equal(self, left: Point, right: Point) -> bool:
        """Whether both are the same group element."""

    @abstractmethod
    def is_identity(self, point: Point) -> bool:
        """Whether ``point`` is the neutral element."""

    @abstractmethod
    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        """``sum(scalar * point)``, the multi-scalar multiplication. Not constant-time."""

    @abstractmethod
    def hash_to_curve(self, message: bytes, dst: bytes) -> Point:
        """A point with unknown discrete logarithm (RFC 9380, 3, ``hash_to_curve``)."""

    def sums_of_products(
        self, sums: Iterable[tuple[Sequence[int], Sequence[Point]]]
    ) -> list[Point]:
        """Several independent sums, each ``(scalars, points)``; on all cores where that helps."""
        return [self.sum_of_products(scalars, points) for scalars, points in sums]

    def sum_of_parts(self, parts: Iterable[tuple[Sequence[int], Sequence[Point]]]) -> Point:
        """One sum of products whose terms come in parts; work on the first need not wait."""
        scalars: list[int] = []
        points: list[Point] = []
        for some_scalars, some_points in parts:
            scalars += some_scalars
            points += some_points
        return self.sum_of_products(scalars, points)

    def multiply(self, scalar: int, point: Point) -> Point:
        """``scalar * point``."""
        return self.sum_of_products([scalar], [point])

    def subtract(self, left: Point, right: Point) -> Point:
        """``left - right``."""
        return self.add(left, self.negate(right))

    def hash_to_scalar(self, message: bytes, dst: str) -> int:
        """A scalar (docs/protocol.md 2, ``HashToScalar``)."""
        uniform = expand_message_xmd(message, dst.encode("ascii"), _HASH_TO_SCALAR_BYTES)
        return int.from_bytes(uniform, "big") % self.order

    def encode_scalar(self, scalar: int) -> bytes:
        """Big-endian, fixed width."""
        return scalar.to_bytes(self.scalar_size, "big")

    def decode_scalar(self, data: bytes) -> int:
        """The scalar; ``FormatError`` for another length or a value not below the order."""
        scalar = int.from_bytes(data, "big")
        if len(data) != self.scalar_size or scalar >= self.order:
            raise FormatError("not a canonical scalar")
        return scalar
