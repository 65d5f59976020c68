"""A log on the auditor's disk, as ``kvitto log export`` writes logs.

The root is in the auditor's memory and the files are not: each bundle that is read is hashed
again and must lead there, so that a disk that forgets accuses no merchant.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

from commitments.errors import FormatError, VerificationError
from ledger.bundle_roots import bundle_roots
from ledger.merkle import leaf_hash, root_of
from ledger.monitor import FalseEntries, Head
from ledger.served_log import LogDirectory, LogUnreachable, ServedLog
from ledger.tiles import TILE_WIDTH, TileReader, bundle_path, tile_width
from ledger.true_roots import FalseTiles, TrueRoots

__all__ = ["DamagedMirror", "MirroredLog"]

_MOST_TILES = 64  # kept for proofs, 16 kB each
_MOST_BUNDLES = 8  # kept for single entries; of events 2 MB each


class DamagedMirror(VerificationError):  # noqa: N818 - the name is the condition
    """A file of the mirror is not as it was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "the mirror on this computer has changed since it was written; remove this and audit"
            " again",
            str(path),
        )


class MirroredLog:
    """The log under ``head``, whose files are in ``directory``.

    :class:`DamagedMirror` wherever they are not what leads to its root.
    """

    def __init__(self, directory: Path, head: Head) -> None:
        self.directory = directory
        self.head = head
        self._log = ServedLog(LogDirectory(directory))
        self._reader = TileReader(self._log.tiles, head.size, _MOST_TILES)
        self._true = TrueRoots(self._log.tiles, head.size, head.root)
        self._bundles: OrderedDict[int, list[bytes]] = OrderedDict()
        try:
            self._roots = bundle_roots(self._log.tiles, head)
        except (FalseEntries, LogUnreachable):
            raise DamagedMirror(directory) from None

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.head.size

    @property
    def root(self) -> bytes:
        """The root over all of them."""
        return self.head.root

    @property
    def reader(self) -> TileReader:
        """The hashes of its subtrees, for building proofs; they are as good as the files."""
        return self._reader

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries ``[start, stop)`` in their order; a bundle of them is at hand at a time."""
        stop = self.size if stop is None else min(stop, self.size)
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = index * TILE_WIDTH
            yield from self._bundle(index)[max(start - first, 0) : stop - first]

    def entry(self, index: int) -> bytes:
        """The entry at ``index``."""
        bundle = index // TILE_WIDTH
        if bundle not in self._bundles:
            self._bundles[bundle] = self._bundle(bundle)
            if len(self._bundles) > _MOST_BUNDLES:
                self._bundles.popitem(last=False)
        return self._bundles[bundle][index % TILE_WIDTH]

    def entries_at(self, indices: Sequence[int]) -> list[bytes]:
        """The entry at each index, in the order asked for."""
        return [self.entry(index) for index in indices]

    def root_at(self, size: int) -> bytes | None:
        """The root of the first ``size`` entries; ``None`` when the log is not that large."""
        try:
            return self._true.at(size)
        except (FalseTiles, LogUnreachable):
            raise DamagedMirror(self.directory) from None

    def _bundle(self, index: int) -> list[bytes]:
        width = tile_width(0, index, self.size)
        try:
            entries = self._log.entries(index, width)
            if root_of([leaf_hash(entry) for entry in entries]) == self._roots[index]:
                return entries
        except (FormatError, LogUnreachable):
            pass
        raise DamagedMirror(self.directory / bundle_path(index, width))
