"""BLS12-381 G1 on py_ecc: the second ciphersuite. The only module that imports py_ecc.

It shows that nothing above depends on one library (docs/protocol.md 9); in pure Python it is
some hundred times slower than P-256 and meant for interoperability, not for a service.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, cast

from commitments.errors import FormatError
from commitments.group import Group, IdentityPoint, Point


@contextmanager
def _kept_recursion_limit() -> Iterator[None]:
    """Undo what importing py_ecc does to the whole process: a recursion limit of 100,000.

    With it, a deeply nested JSON body overflows the C stack instead of raising RecursionError.
    """
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


with _kept_recursion_limit():
    from py_ecc.bls.hash_to_curve import hash_to_G1
    from py_ecc.bls.point_compression import compress_G1, decompress_G1
    from py_ecc.optimized_bls12_381 import (
        G1,
        Z1,
        add,
        curve_order,
        double,
        eq,
        is_inf,
        multiply,
        neg,
    )

__all__ = ["BLS12381"]


class _BLS12381(Group):
    name = "BLS12381"
    hash_suite = "BLS12381G1_XMD:SHA-256_SSWU_RO_"
    order = curve_order
    point_size = 48
    generator = G1

    def encode(self, point: Point) -> bytes:
        if self.is_identity(point):
            raise IdentityPoint("the identity has no encoding")
        return compress_G1(cast("Any", point)).to_bytes(self.point_size, "big")

    def decode(self, data: bytes) -> Point:
        if len(data) != self.point_size:
            raise FormatError("not a compressed point")
        try:
            point = decompress_G1(cast("Any", int.from_bytes(data, "big")))
        except ValueError:
            raise FormatError("not a point of the curve") from None
        # Without the subgroup check a purchase would have several tags (docs/protocol.md 9).
        if is_inf(point) or not is_inf(multiply(point, curve_order)):
            raise FormatError("not a point of the subgroup")
        return point

    def add(self, left: Point, right: Point) -> Point:
        return add(cast("Any", left), cast("Any", right))

    def negate(self, point: Point) -> Point:
        return neg(cast("Any", point))

    def equal(self, left: Point, right: Point) -> bool:
        return bool(eq(cast("Any", left), cast("Any", right)))

    def is_identity(self, point: Point) -> bool:
        return bool(is_inf(cast("Any", point)))

    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        """Straus: one doubling per bit for all terms together."""
        terms = [(s % self.order, cast("Any", p)) for s, p in zip(scalars, points, strict=True)]
        total: Any = Z1
        for bit in reversed(range(max((s.bit_length() for s, _ in terms), default=0))):
            total = double(total)
            for scalar, point in terms:
                if scalar >> bit & 1:
                    total = add(total, point)
        return cast("Point", total)

    def hash_to_curve(self, message: bytes, dst: bytes) -> Point:
        return hash_to_G1(message, dst, cast("Any", sha256))


BLS12381 = _BLS12381()
"""The second ciphersuite's group."""
