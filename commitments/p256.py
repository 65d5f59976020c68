"""P-256 on petlib (OpenSSL). The only module that imports petlib.

petlib checks little, and what it checks with ``assert`` or under ``if __debug__`` is gone under
``python -O``: everything that is decoded is checked here (docs/protocol.md 2), and ``import``
refuses an interpreter without ``__debug__``.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, reduce
from itertools import chain, islice
from typing import Any, cast

from petlib.bindings import _C, _FFI
from petlib.bn import get_ctx
from petlib.ec import EcGroup, EcPt

from commitments.errors import FormatError
from commitments.group import Group, IdentityPoint, Point
from commitments.hash_to_curve import hash_to_p256

__all__ = ["P256"]

if not __debug__:
    raise RuntimeError("python -O removes the error checks of petlib: run without -O")

_NID = 415  # OpenSSL's number for prime256v1
_P = (2**256 - 2**224 + 2**192 + 2**96 - 1).to_bytes(32, "big")
_COMPRESSED = (2, 3)
_PIECE = 128  # terms; two milliseconds, and the tables that OpenSSL makes of them stay in a cache

_Piece = tuple[Sequence[int], Sequence[Point]]


def _portions(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """Neighbouring pieces of together about ``_PIECE`` terms: worth handing to a thread."""
    portion: list[_Piece] = []
    terms = 0
    for piece in pieces:
        portion.append(piece)
        terms += len(piece[1])
        if terms >= _PIECE:
            yield portion
            portion, terms = [], 0
    if portion:
        yield portion


@cache
def _threads() -> ThreadPoolExecutor:
    """As many as there are cores for this process."""
    known = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count()
    return ThreadPoolExecutor(cores, thread_name_prefix="p256")


class _P256(Group):
    name = "P256"
    hash_suite = "P256_XMD:SHA-256_SSWU_RO_"
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    point_size = 33

    def __init__(self) -> None:
        self._group: Any = EcGroup(_NID)
        self.generator = self._group.generator()

    def __reduce__(self) -> str:
        """Pickled by name: there is one of it in each process."""
        return "P256"

    def encode(self, point: Point) -> bytes:
        data = cast("bytes", cast("Any", point).export())
        if len(data) != self.point_size:
            raise IdentityPoint("the identity has no encoding")
        return data

    def decode(self, data: bytes) -> Point:
        if len(data) != self.point_size or data[0] not in _COMPRESSED or data[1:] >= _P:
            raise FormatError("not a compressed point")
        try:
            point = EcPt.from_binary(data, self._group)
        except Exception:  # noqa: BLE001 - petlib raises nothing more precise
            raise FormatError("not a point of the curve") from None
        # What a fresh point is, should the library have failed silently.
        if self.is_identity(point):
            raise FormatError("not a point of the curve")
        return cast("Point", point)

    def add(self, left: Point, right: Point) -> Point:
        return cast("Any", left).pt_add(right)

    def negate(self, point: Point) -> Point:
        return cast("Any", point).pt_neg()

    def equal(self, left: Point, right: Point) -> bool:
        return bool(left == right)

    def is_identity(self, point: Point) -> bool:
        # petlib's own is_infinite compares with a point and costs ten times as much
        return bool(_C.EC_POINT_is_at_infinity(self._group.ecg, cast("Any", point).pt))

    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        return self._wsum(self._numbers(scalars, points), points)

    def sums_of_products(
        self, sums: Iterable[tuple[Sequence[int], Sequence[Point]]]
    ) -> list[Point]:
        """In threads, to which only OpenSSL is left: it runs without the interpreter lock.

        They work on the first terms while ``sums`` still makes the last. What is too little to
        share is done here.
        """
        sizes: list[int] = []
        portions = _portions(_cut(sums, sizes))
        first, second = next(portions, []), next(portions, None)
        if second is None:
            totals = iter(self._wsums(self._prepared(first)))
        else:
            parts = [
                _threads().submit(self._wsums, self._prepared(portion))
                for portion in chain([first, second], portions)
            ]
            totals = chain.from_iterable(part.result() for part in parts)
        return [reduce(self.add, islice(totals, size)) for size in sizes]

    def sum_of_parts(self, parts: Iterable[tuple[Sequence[int], Sequence[Point]]]) -> Point:
        return reduce(self.add, self.sums_of_products(parts))

    def _prepared(self, portion: Sequence[_Piece]) -> list[tuple[list[Any], Sequence[Point]]]:
        return [(self._numbers(scalars, points), points) for scalars, points in portion]

    def _wsums(self, pieces: Sequence[tuple[Sequence[Any], Sequence[Point]]]) -> list[Point]:
        return [self._wsum(numbers, points) for numbers, points in pieces]

    def _wsum(self, numbers: Sequence[Any], points: Sequence[Point]) -> Point:
        total = EcPt(self._group)
        own = [cast("Any", point).pt for point in points]
        context = get_ctx().bnctx
        done = _C.EC_POINTs_mul(
            self._group.ecg, total.pt, _FFI.NULL, len(own), own, numbers, context
        )
        if done != 1:
            raise RuntimeError("OpenSSL does not multiply")
        return cast("Point", total)

    def _numbers(self, scalars: Sequence[int], points: Sequence[Point]) -> list[Any]:
        """OpenSSL's own; petlib's objects around them would cost half as much again."""
        if len(scalars) != len(points):  # a piece of the longer list would go unnoticed
            raise ValueError("a scalar for each point is needed")
        order, convert, null = self.order, _C.BN_bin2bn, _FFI.NULL
        owned, free = _FFI.gc, _C.BN_clear_free
        return [owned(convert((s % order).to_bytes(32, "big"), 32, null), free) for s in scalars]

    def hash_to_curve(self, message: bytes, dst: bytes) -> Point:
        x, y = hash_to_p256(message, dst)
        return self.decode(bytes([2 + (y & 1)]) + x.to_bytes(32, "big"))


def _cut(
    sums: Iterable[tuple[Sequence[int], Sequence[Point]]], sizes: list[int]
) -> Iterator[_Piece]:
    """Pieces of the sums; into ``sizes`` go how many each has."""
    for scalars, points in sums:
        if len(scalars) != len(points):  # a piece of the longer list would go unnoticed
            raise ValueError("a scalar for each point is needed")
        starts = range(0, max(len(points), 1), _PIECE)  # an empty sum is a piece as well
        sizes.append(len(starts))
        for i in starts:
            yield scalars[i : i + _PIECE], points[i : i + _PIECE]


P256 = _P256()
"""The first ciphersuite's group."""
