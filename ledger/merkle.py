"""Merkle trees as in RFC 6962, section 2: hashing, building proofs, verifying proofs.

Every proof of this module is the list of hashes of some *subtrees*, written as half-open ranges
of leaves. The ``…_ranges`` functions say which subtrees, the ``build_…`` functions look their
hashes up, the ``verify_…`` functions put them together again: who builds and who verifies
cannot disagree about the shape of the tree. Verification reads nothing but its arguments.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

from commitments.errors import FormatError, VerificationError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "HashReader",
    "Node",
    "build_consistency",
    "build_inclusion",
    "build_multiproof",
    "build_root",
    "complete_nodes",
    "fold_peaks",
    "leaf_hash",
    "node_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
    "verify_multiproof",
]

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Node = tuple[int, int]
"""``(level, index)``: the complete subtree over the ``2**level`` leaves from ``index << level``."""

_Range = tuple[int, int]


class HashReader(Protocol):
    """Where the hashes of complete subtrees come from: tiles of a database or of a server."""

    def hashes(self, nodes: Sequence[Node]) -> Sequence[bytes]:
        """The hash of each node, in the order asked for; all in one call, to be fetched at once."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; of none, the hash of the empty string."""
    level = list(leaf_hashes)
    while len(level) > 1:
        even = len(level) & ~1
        pairs = zip(level[0:even:2], level[1:even:2], strict=True)
        # node_hash, written out: a server spends most of its time for proofs here
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + level[even:]
    return level[0] if level else EMPTY_ROOT


def complete_nodes(start: int, stop: int) -> list[Node]:
    """The complete subtrees, left to right, that the subtree over ``[start, stop)`` consists of."""
    nodes = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def fold_peaks(peaks: Sequence[bytes]) -> bytes:
    """The root over complete subtrees of falling size, left to right."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


# ---- which subtrees a proof consists of


def _middle(start: int, stop: int) -> int:
    """Where the subtree over ``[start, stop)`` splits: after the largest power of two below it."""
    return start + (1 << (stop - start - 1).bit_length() - 1)


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    """RFC 6962, 2.1.1: the sibling subtrees on the way from the leaf up to the root."""
    siblings = []
    start, stop = 0, size
    while stop - start > 1:
        middle = _middle(start, stop)
        if index < middle:
            siblings.append((middle, stop))
            stop = middle
        else:
            siblings.append((start, middle))
            start = middle
    return siblings[::-1]


def _consistency_ranges(old_size: int, size: int) -> list[_Range]:
    """RFC 6962, 2.1.2: the last complete subtree of the old tree (unless it is that whole tree).

    Then its sibling subtrees on the way up.
    """
    path = []
    start, stop = 0, size
    while stop != old_size:
        middle = _middle(start, stop)
        if old_size <= middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    if start > 0:  # otherwise it is the old tree itself, whose root the verifier knows
        path.append((start, stop))
    return path[::-1]


def _multiproof_ranges(indices: Sequence[int], size: int) -> list[_Range]:
    """The largest subtrees without any wanted leaf, left to right; ``indices`` is ascending."""
    ranges = []
    stack = [(0, size, 0, len(indices))]
    while stack:
        start, stop, low, high = stack.pop()
        if low == high:
            ranges.append((start, stop))
        elif stop - start > 1:
            middle = _middle(start, stop)
            cut = bisect_left(indices, middle, low, high)
            stack += [(middle, stop, cut, high), (start, middle, low, cut)]
    return ranges


# ---- building


def build_root(reader: HashReader, size: int) -> bytes:
    """The root of the first ``size`` entries."""
    return fold_peaks(reader.hashes(complete_nodes(0, size)))


def build_inclusion(reader: HashReader, index: int, size: int) -> list[bytes]:
    """The proof that leaf ``index`` is in the tree of ``size`` leaves, leaf to root."""
    if not 0 <= index < size:
        raise FormatError("the index is not below the tree size", "index")
    return _range_hashes(reader, _inclusion_ranges(index, size))


def build_consistency(reader: HashReader, old_size: int, size: int) -> list[bytes]:
    """The proof that the tree of ``size`` leaves extends the tree of ``old_size`` leaves."""
    if not 0 <= old_size <= size:
        raise FormatError("the old size is not within the tree size", "old_size")
    return _range_hashes(reader, _consistency_ranges(old_size, size)) if old_size else []


def build_multiproof(reader: HashReader, indices: Iterable[int], size: int) -> list[bytes]:
    """The one canonical proof of all leaves ``indices`` in the tree of ``size`` leaves.

    The tree is walked from the root, left before right; a subtree without any wanted leaf
    contributes its hash. About ``k * log2(size / k)`` hashes for k scattered leaves.
    """
    wanted = sorted(set(indices))
    if not wanted or wanted[0] < 0 or wanted[-1] >= size:
        raise FormatError("no index, or one that is not below the tree size", "indices")
    return _range_hashes(reader, _multiproof_ranges(wanted, size))


def _range_hashes(reader: HashReader, ranges: Sequence[_Range]) -> list[bytes]:
    """The hash of each subtree, all read in one call."""
    groups = [complete_nodes(start, stop) for start, stop in ranges]
    hashes = iter(reader.hashes([node for group in groups for node in group]))
    return [fold_peaks([next(hashes) for _ in group]) for group in groups]


# ---- verifying


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the tree of ``size`` leaves under ``root`` has ``leaf`` at ``index``.

    ``VerificationError`` unless it has, and the proof has exactly the hashes it needs.
    """
    if not 0 <= index < size:
        raise VerificationError("inclusion proof: the index is not below the tree size")
    ranges = _inclusion_ranges(index, size)
    _check_hashes("inclusion proof", proof, len(ranges))
    node = leaf
    for hash_, (start, _) in zip(proof, ranges, strict=True):
        node = node_hash(node, hash_) if start > index else node_hash(hash_, node)
    if node != root:
        raise VerificationError("inclusion proof: it leads to another root")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree ``(new_size, new_root)`` extends the tree ``(old_size, old_root)``."""
    if not 0 <= old_size <= new_size:
        raise VerificationError("consistency proof: the tree has shrunk")
    ranges = _consistency_ranges(old_size, new_size) if old_size else []
    _check_hashes("consistency proof", proof, len(ranges))
    if old_size == 0:  # every tree extends the empty one
        old, new = EMPTY_ROOT, new_root if new_size else EMPTY_ROOT
    else:
        old, new = _fold_consistency(old_size, old_root, proof, ranges)
    if old != old_root or new != new_root:
        raise VerificationError("consistency proof: it leads to another root")


def _fold_consistency(
    old_size: int, old_root: bytes, proof: Sequence[bytes], ranges: Sequence[_Range]
) -> tuple[bytes, bytes]:
    steps = list(zip(proof, ranges, strict=True))
    if steps and steps[0][1][1] == old_size:  # the last complete subtree of the old tree
        old = new = steps.pop(0)[0]
    else:
        old = new = old_root
    for hash_, (start, _) in steps:
        if start < old_size:
            old, new = node_hash(hash_, old), node_hash(hash_, new)
        else:
            new = node_hash(new, hash_)
    return old, new


def verify_multiproof(
    leaves: Mapping[int, bytes], size: int, root: bytes, hashes: Sequence[bytes]
) -> None:
    """Check that the tree of ``size`` leaves under ``root`` has all of ``leaves``.

    ``leaves`` maps index to leaf hash. ``VerificationError`` unless exactly the hashes of
    :func:`build_multiproof` are there, none missing and none left over.
    """
    indices = sorted(leaves)
    if not indices or indices[0] < 0 or indices[-1] >= size:
        raise VerificationError("multiproof: no leaf, or one outside the tree")
    _check_hashes("multiproof", [*leaves.values(), *hashes])
    rest = iter(hashes)
    try:
        found = _fold_multiproof((0, size), indices, [leaves[i] for i in indices], rest)
    except StopIteration:
        raise VerificationError("multiproof: hashes are missing") from None
    if next(rest, None) is not None:
        raise VerificationError("multiproof: hashes are left over")
    if found != root:
        raise VerificationError("multiproof: it leads to another root")


def _fold_multiproof(
    whole: _Range, indices: Sequence[int], leaves: Sequence[bytes], rest: Iterator[bytes]
) -> bytes:
    def subtree(start: int, stop: int, low: int, high: int) -> bytes:
        if low == high:
            return next(rest)
        if stop - start == 1:
            return leaves[low]
        middle = _middle(start, stop)
        cut = bisect_left(indices, middle, low, high)
        left = subtree(start, middle, low, cut)
        return node_hash(left, subtree(middle, stop, cut, high))

    return subtree(*whole, 0, len(indices))


def _check_hashes(what: str, hashes: Sequence[bytes], count: int | None = None) -> None:
    if count is not None and len(hashes) != count:
        raise VerificationError(f"{what}: not the number of hashes it needs")
    # 31 + 33 bytes would hash like 32 + 32
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise VerificationError(f"{what}: a hash is not of 32 bytes")
