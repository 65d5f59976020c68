"""P-256 in Python alone, on the package ecdsa: for who does not trust OpenSSL's arithmetic.

The only module that imports ecdsa. Some fifty times slower than ``commitments/p256.py``, with which
it shares the hash to the curve, Python too. Not constant-time: an auditor has no secrets.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from ecdsa import NIST256p
from ecdsa.ellipticcurve import INFINITY, PointJacobi
from ecdsa.errors import MalformedPointError

from commitments.errors import FormatError
from commitments.group import Group, IdentityPoint, Point
from commitments.hash_to_curve import hash_to_p256

__all__ = ["PURE_P256"]

_CURVE: Any = NIST256p.curve
_COMPRESSED = (2, 3)


class _PureP256(Group):
    name = "P256"
    hash_suite = "P256_XMD:SHA-256_SSWU_RO_"
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    point_size = 33
    # Not NIST256p.generator, which has tables of its own and is slower in a long sum.
    generator = PointJacobi(_CURVE, NIST256p.generator.x(), NIST256p.generator.y(), 1)

    def __reduce__(self) -> str:
        """Pickled by name: there is one of it in each process."""
        return "PURE_P256"

    def encode(self, point: Point) -> bytes:
        if self.is_identity(point):
            raise IdentityPoint("the identity has no encoding")
        return bytes(cast("Any", point).to_bytes("compressed"))

    def decode(self, data: bytes) -> Point:
        if (
            len(data) != self.point_size
            or data[0] not in _COMPRESSED
            or int.from_bytes(data[1:], "big") >= _CURVE.p()
        ):
            raise FormatError("not a compressed point")
        try:
            return cast("Point", PointJacobi.from_bytes(_CURVE, data))
        except MalformedPointError:
            raise FormatError("not a point of the curve") from None

    def add(self, left: Point, right: Point) -> Point:
        return cast("Any", left) + right

    def negate(self, point: Point) -> Point:
        if self.is_identity(point):
            return point
        # ecdsa's own leaves -y as it is, and encodes that with the wrong sign.
        x, y = cast("Any", point).x(), cast("Any", point).y()
        return cast("Point", PointJacobi(_CURVE, x, _CURVE.p() - y, 1))

    def equal(self, left: Point, right: Point) -> bool:
        return bool(left == right)

    def is_identity(self, point: Point) -> bool:
        return bool(point == INFINITY)

    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        """Pippenger: window by window, each term is added to the bucket of its digit."""
        terms = [(s % self.order, p) for s, p in zip(scalars, points, strict=True)]
        width = max(len(terms).bit_length() - 3, 1)
        total: Any = INFINITY
        for shift in reversed(range(0, self.order.bit_length(), width)):
            for _ in range(width):
                total = total.double()
            total += _window_sum(((s >> shift) % (1 << width), p) for s, p in terms)
        return cast("Point", total)

    def hash_to_curve(self, message: bytes, dst: bytes) -> Point:
        return cast("Point", PointJacobi(_CURVE, *hash_to_p256(message, dst), 1))


def _window_sum(terms: Iterable[tuple[int, Any]]) -> Any:
    """``sum(digit * point)``, in two additions a digit and one a point."""
    buckets: dict[int, Any] = {}
    for digit, point in terms:
        if digit:
            buckets[digit] = buckets[digit] + point if digit in buckets else point
    total = above = INFINITY
    for digit in range(max(buckets, default=0), 0, -1):
        if digit in buckets:
            above += buckets[digit]
        total += above
    return total


PURE_P256 = _PureP256()
"""The group of the first ciphersuite, without OpenSSL."""
