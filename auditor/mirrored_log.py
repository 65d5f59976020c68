"""A log on the auditor's disk, as ``kvitto log export`` writes logs.

The root is in the auditor's memory and the files are not: each bundle that is read is hashed
again and must lead there, so that a disk that forgets accuses no merchant.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from pathlib import Path
from typing import NamedTuple

from commitments.errors import FormatError, VerificationError
from ledger.bundle_roots import bundle_roots
from ledger.merkle import leaf_hash, root_of
from ledger.monitor import FalseEntries, Head
from ledger.served_log import LogDirectory, LogUnreachable, ServedLog
from ledger.tiles import TILE_WIDTH, TileReader, bundle_path, tile_width
from ledger.true_roots import FalseTiles, TrueRoots

__all__ = ["DamagedMirror", "MirroredLog"]

_MOST_TILES = 64  # kept for proofs, 16 kB each
_MOST_BUNDLES = 1024  # of which the places and hashes of entries are kept, 20 kB each
_FEW = 8  # entries that are read from a bundle one by one
_LENGTH_BYTES = 2  # in front of each entry


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
        self._places: OrderedDict[int, _Bundle] = OrderedDict()
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
        """The entry at ``index``; quick for entries all over the log."""
        bundle, place = divmod(index, TILE_WIDTH)
        if bundle not in self._places:
            self._bundle(bundle)
        known = self._places[bundle]
        with known.path.open("rb") as file:
            file.seek(known.starts[place])
            entry = file.read(known.starts[place + 1] - known.starts[place] - _LENGTH_BYTES)
        if leaf_hash(entry) != known.leaves[place]:
            raise DamagedMirror(known.path)
        return entry

    def entries_at(self, indices: Sequence[int]) -> list[bytes]:
        """The entry at each index, in the order asked for."""
        found: dict[int, bytes] = {}
        for bundle, group in groupby(sorted(set(indices)), lambda index: index // TILE_WIDTH):
            wanted = list(group)
            if len(wanted) <= _FEW:
                found |= {index: self.entry(index) for index in wanted}
            else:
                entries = self._bundle(bundle)
                found |= {index: entries[index % TILE_WIDTH] for index in wanted}
        return [found[index] for index in indices]

    def root_at(self, size: int) -> bytes | None:
        """The root of the first ``size`` entries; ``None`` when the log is not that large."""
        try:
            return self._true.at(size)
        except (FalseTiles, LogUnreachable):
            raise DamagedMirror(self.directory) from None

    def _bundle(self, index: int) -> list[bytes]:
        width = tile_width(0, index, self.size)
        path = self.directory / bundle_path(index, width)
        try:
            entries = self._log.entries(index, width)
            leaves = [leaf_hash(entry) for entry in entries]
            if root_of(leaves) == self._roots[index]:
                self._remember(index, _Bundle(path, _starts(entries), leaves))
                return entries
        except (FormatError, LogUnreachable):
            pass
        raise DamagedMirror(path)

    def _remember(self, index: int, bundle: "_Bundle") -> None:
        self._places[index] = bundle
        if len(self._places) > _MOST_BUNDLES:
            self._places.popitem(last=False)


class _Bundle(NamedTuple):
    """Where the entries of a bundle begin in its file, and where the last ends; their hashes."""

    path: Path
    starts: Sequence[int]
    leaves: Sequence[bytes]


def _starts(entries: Sequence[bytes]) -> Sequence[int]:
    ends = accumulate(_LENGTH_BYTES + len(entry) for entry in entries)
    return array("L", (_LENGTH_BYTES, *(_LENGTH_BYTES + end for end in ends)))
