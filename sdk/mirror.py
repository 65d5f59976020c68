"""All entries of a log, as a checkpoint has them that the wallet has verified.

The hashes of all bundles come first, and must lead to the root; then each bundle is checked as it
comes. So nothing is passed on that is not in the log, and only a few bundles are at hand at once.
Everybody who reads a whole log asks for the same, whatever they look for in it.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from commitments.errors import FormatError
from ledger.merkle import complete_nodes, fold_peaks, leaf_hash, root_of
from ledger.monitor import FalseEntries, Head
from ledger.tiles import TILE_WIDTH, TileReader, decode_bundle, tile_width
from sdk.shop import LogKind, Shop

__all__ = ["Progress", "mirror", "no_progress"]

Progress = Callable[[int, int], None]
"""Told how many entries have come, and of how many."""

_PARALLEL = 4  # bundles fetched at once; of 256 events of the largest size each is 17 MB
_LEVEL = 8  # of the subtree over the 256 entries of a bundle


def no_progress(_done: int, _size: int) -> None:
    """Tell nobody."""


def mirror(
    shop: Shop, log: LogKind, head: Head, progress: Progress = no_progress
) -> Iterator[bytes]:
    """The entries of a log that the service has, in their order, up to ``head``.

    ``head`` is of a checkpoint that was verified. An error may come after some entries: those
    were true, and not all. :class:`ledger.monitor.FalseEntries` for what does not lead to the
    root, ``Refused`` for what the service does not have, ``ShopError`` for no usable answer.
    """
    full, rest = divmod(head.size, TILE_WIDTH)
    last = _bundle(shop, log, full, head.size) if rest else []
    hashes = _bundle_hashes(shop, log, head.size)
    peaks = [*_peaks(hashes), *_peaks([leaf_hash(entry) for entry in last])]
    if fold_peaks(peaks) != head.root:
        raise FalseEntries

    def fetch(index: int) -> list[bytes]:
        entries = _bundle(shop, log, index, head.size)
        if root_of([leaf_hash(entry) for entry in entries]) != hashes[index]:
            raise FalseEntries
        return entries

    with ThreadPoolExecutor(_PARALLEL, "bundles") as pool:
        coming = deque(pool.submit(fetch, index) for index in range(full)[:_PARALLEL])
        for index in range(full):
            yield from coming.popleft().result()
            if index + _PARALLEL < full:
                coming.append(pool.submit(fetch, index + _PARALLEL))
            progress((index + 1) * TILE_WIDTH, head.size)
    yield from last
    progress(head.size, head.size)


def _bundle(shop: Shop, log: LogKind, index: int, size: int) -> list[bytes]:
    width = tile_width(0, index, size)
    try:
        return decode_bundle(shop.bundle(log, index, width), width)
    except FormatError:
        raise FalseEntries from None


def _bundle_hashes(shop: Shop, log: LogKind, size: int) -> list[bytes]:
    """The root over each full bundle; nothing of it is to be believed yet."""
    nodes = [(_LEVEL, index) for index in range(size // TILE_WIDTH)]
    try:
        return TileReader(shop.tiles(log), size).hashes(nodes)
    except FormatError:
        raise FalseEntries from None


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """The complete subtrees that the tree over ``hashes`` consists of."""
    nodes = complete_nodes(0, len(hashes))
    return [root_of(hashes[index << level : (index + 1) << level]) for level, index in nodes]
