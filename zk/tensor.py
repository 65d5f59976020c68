"""Sums of rank-one tensors, which is what one-out-of-many proofs over one ring add up to.

A proof gives member i the coefficient ``scale * prod_j rows[j][i_j]``, the i_j being the base-4
digits of i. Written out and added up number by number that is most of what Python does in a batch.
So the first digits of all members are packed side by side into one long integer (Kronecker
substitution), and each product of the remaining digits multiplies it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Tensor", "expand", "fold", "sum_tensors"]


@dataclass(frozen=True)
class Tensor:
    """``scale * prod_j rows[j][i_j]`` at index i, whose base-4 digits i_j begin with the lowest."""

    scale: int
    rows: tuple[tuple[int, ...], ...]


def expand(tensor: Tensor, q: int) -> list[int]:
    """All entries, mod q."""
    entries = [tensor.scale % q]
    for row in tensor.rows:
        entries = [v * entry % q for v in row for entry in entries]
    return entries


def sum_tensors(tensors: Sequence[Tensor], q: int) -> list[int]:
    """The sum of tensors with the same number of digits, entry by entry, mod q."""
    if len(tensors) == 1:  # packing pays from two on
        return expand(tensors[0], q)
    split = (len(tensors[0].rows) + 1) // 2
    slot = (2 * q.bit_length() + len(tensors).bit_length() + 7) // 8  # bytes that no sum exceeds
    lows = [expand(Tensor(1, tensor.rows[:split]), q) for tensor in tensors]
    highs = [expand(Tensor(tensor.scale, tensor.rows[split:]), q) for tensor in tensors]
    packed = [_pack(low, slot) for low in lows]
    entries: list[int] = []
    for coefficients in zip(*highs, strict=True):
        total = sum(c * low for c, low in zip(coefficients, packed, strict=True))
        entries += _unpack(total, len(lows[0]), slot, q)
    return entries


def fold(entries: list[int], size: int) -> list[int]:
    """The sums of the entries whose indices are equal mod ``size``, not reduced."""
    folded = entries[:size]
    for start in range(size, len(entries), size):
        for i, entry in enumerate(entries[start : start + size]):
            folded[i] += entry
    return folded


def _pack(values: Sequence[int], slot: int) -> int:
    return int.from_bytes(b"".join(value.to_bytes(slot, "little") for value in values), "little")


def _unpack(packed: int, count: int, slot: int, q: int) -> list[int]:
    data = packed.to_bytes(count * slot, "little")
    starts = range(0, len(data), slot)
    return [int.from_bytes(data[start : start + slot], "little") % q for start in starts]
