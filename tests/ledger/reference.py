"""RFC 6962, section 2.1, word for word, to compare with. Slow."""

from collections.abc import Sequence
from hashlib import sha256


def mth(leaves: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash of the entries ``leaves``."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """2.1.1: PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """2.1.2: PROOF(m, D[n]) for 0 < m <= n."""
    return subproof(m, leaves, known=True)


def subproof(m: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    """2.1.2: SUBPROOF(m, D[n], b)."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], known=False), mth(leaves[:k])]


def multiproof(wanted: set[int], leaves: Sequence[bytes]) -> list[bytes]:
    """Left to right, the hash of each largest subtree without a wanted leaf."""
    if not wanted:
        return [mth(leaves)]
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    left = {index for index in wanted if index < k}
    right = {index - k for index in wanted - left}
    return multiproof(left, leaves[:k]) + multiproof(right, leaves[k:])


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k
