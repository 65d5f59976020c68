"""The root over each bundle of a log, from tiles that nobody need believe.

Whoever reads a whole log begins with these: with them each bundle is checked as it comes, in
whatever order, and little of the log is at hand at once.
"""

from collections.abc import Sequence

from commitments.errors import FormatError
from ledger.merkle import complete_nodes, fold_peaks, root_of
from ledger.monitor import FalseEntries, Head
from ledger.tiles import TILE_WIDTH, TileFetcher, TileReader

__all__ = ["bundle_roots"]

_LEVEL = 8  # of the subtree over the 256 entries of a bundle


def bundle_roots(fetch: TileFetcher, head: Head) -> list[bytes]:
    """The root over each bundle of the log under ``head``; the last may not be full.

    :class:`ledger.monitor.FalseEntries` unless the tiles lead to the root of ``head``.
    """
    full = head.size // TILE_WIDTH
    nodes = [(_LEVEL, index) for index in range(full)]
    nodes += [(0, index) for index in range(full * TILE_WIDTH, head.size)]
    try:
        hashes = TileReader(fetch, head.size).hashes(nodes)
    except FormatError:
        raise FalseEntries from None
    bundles, rest = hashes[:full], hashes[full:]
    if fold_peaks([*_peaks(bundles), *_peaks(rest)]) != head.root:
        raise FalseEntries
    return [*bundles, root_of(rest)] if rest else bundles


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """The complete subtrees that the tree over ``hashes`` consists of."""
    nodes = complete_nodes(0, len(hashes))
    return [root_of(hashes[index << level : (index + 1) << level]) for level, index in nodes]
