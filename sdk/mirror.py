"""All entries of a log, as a checkpoint has them that the wallet has verified.

The hashes of all bundles come first, and must lead to the root; then each bundle is checked as it
comes. So nothing is passed on that is not in the log, and little of it is at hand at once.
Everybody who reads a whole log asks for the same, whatever they look for in it.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from commitments.errors import FormatError
from ledger.bundle_roots import bundle_roots
from ledger.merkle import leaf_hash, root_of
from ledger.monitor import FalseEntries, Head
from ledger.tiles import TILE_WIDTH, decode_bundle, tile_width
from sdk.errors import UnexpectedAnswer
from sdk.shop import LONGEST_BUNDLE, LogKind, Shop
from zk.prove import no_progress

__all__ = ["Progress", "mirror"]

Progress = Callable[[int, int], None]
"""Told how many entries have come, and of how many."""

_PARALLEL = 4  # bundles fetched at once
# Bytes of one of those: 256 approvals are less. One of the largest entries has 17 MB; it is asked
# for again when its turn has come, and is at hand alone.
_USUAL = 2 << 20


def mirror(
    shop: Shop, log: LogKind, head: Head, progress: Progress = no_progress
) -> Iterator[bytes]:
    """The entries of a log that the service has, in their order, up to ``head``.

    ``head`` is of a checkpoint that was verified. An error may come after some entries: those
    were true, and not all. :class:`ledger.monitor.FalseEntries` for what does not lead to the
    root, ``Refused`` for what the service does not have, ``ShopError`` for no usable answer.
    """
    hashes = bundle_roots(shop.tiles(log), head)

    def fetch(index: int, longest: int) -> list[memoryview]:
        width = tile_width(0, index, head.size)
        try:
            entries = decode_bundle(memoryview(shop.bundle(log, index, width, longest)), width)
        except FormatError:
            raise FalseEntries from None
        if root_of([leaf_hash(bytes(entry)) for entry in entries]) != hashes[index]:
            raise FalseEntries
        return entries

    def fetch_usual(index: int) -> list[memoryview] | None:
        with suppress(UnexpectedAnswer):
            return fetch(index, _USUAL)
        return None

    with ThreadPoolExecutor(_PARALLEL, "bundles") as pool:
        coming = deque(pool.submit(fetch_usual, index) for index in range(len(hashes))[:_PARALLEL])
        for index in range(len(hashes)):
            progress(index * TILE_WIDTH, head.size)
            yield from map(bytes, coming.popleft().result() or fetch(index, LONGEST_BUNDLE))
            if index + _PARALLEL < len(hashes):
                coming.append(pool.submit(fetch_usual, index + _PARALLEL))
    progress(head.size, head.size)
