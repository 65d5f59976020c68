"""The right edge of a log's tree: what appending needs, so that it costs only the new entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from commitments.errors import VerificationError
from ledger.merkle import HASH_BYTES, complete_nodes, fold_peaks, node_hash
from ledger.tiles import TILE_WIDTH, Tile, TileReader, tile_width

__all__ = ["Growth", "RightEdge", "TileChange"]

_FULL_TILE = TILE_WIDTH * HASH_BYTES
_TILE_HEIGHT = 8


@dataclass(frozen=True)
class TileChange:
    """A tile's new content. ``extends`` says whether an earlier, narrower one is replaced."""

    level: int
    index: int
    hashes: bytes
    extends: bool

    @property
    def width(self) -> int:
        """How many hashes there are."""
        return len(self.hashes) // HASH_BYTES


@dataclass(frozen=True)
class Growth:
    """What appending changes: the edge afterwards, and the tiles to write."""

    edge: "RightEdge"
    tiles: list[TileChange]

    @property
    def full_tiles(self) -> list[TileChange]:
        """Those that will never change again."""
        return [tile for tile in self.tiles if len(tile.hashes) == _FULL_TILE]


@dataclass(frozen=True)
class RightEdge:
    """The right edge of a tree of ``size`` leaves. Immutable: a failed commit leaves it as it was.

    ``peaks`` are the hashes of the complete subtrees the tree consists of, left to right;
    ``partial[level]`` the hashes of the level's last tile, empty when that would be a full one.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()
    partial: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return fold_peaks(self.peaks)

    @property
    def partial_tiles(self) -> list[TileChange]:
        """The last tile of each level, where that is not full."""
        return [
            TileChange(level, self.size >> (_TILE_HEIGHT * (level + 1)), hashes, extends=False)
            for level, hashes in enumerate(self.partial)
            if hashes
        ]

    def grow(self, leaves: Sequence[bytes]) -> Growth:
        """Append leaf hashes: about one hash each, and a copy of the edge."""
        work = _Growing(self)
        for leaf in leaves:
            work.append(leaf)
        return Growth(work.edge(), work.changes())

    @classmethod
    def load(
        cls, fetch: Callable[[Sequence[Tile]], Sequence[bytes]], size: int, root: bytes
    ) -> "RightEdge":
        """Read the edge from the tiles; ``VerificationError`` unless they lead to ``root``."""
        last: list[Tile] = []
        while size >> (_TILE_HEIGHT * len(last)):
            level = len(last)
            index = size >> (_TILE_HEIGHT * (level + 1))
            last.append(Tile(level, index, tile_width(level, index, size)))
        partial = [fetch([tile])[0] if tile.width else b"" for tile in last]
        peaks = TileReader(fetch, size).hashes(complete_nodes(0, size))
        edge = cls(size, tuple(peaks), tuple(partial))
        if edge.root != root:
            raise VerificationError("the stored tiles do not lead to the log's checkpoint")
        return edge


class _Growing:
    """An edge while leaves are appended to it."""

    def __init__(self, edge: RightEdge) -> None:
        self._before = edge
        self._size = edge.size
        self._peaks = list(edge.peaks)
        self._partial = [bytearray(hashes) for hashes in edge.partial]
        self._full: list[tuple[int, int, bytes]] = []

    def append(self, leaf: bytes) -> None:
        node, height, index = leaf, 0, self._size
        self._store(0, index, node)
        while index & 1:  # the last complete subtree has the same height: join the two
            node = node_hash(self._peaks.pop(), node)
            height, index = height + 1, index >> 1
            if height % _TILE_HEIGHT == 0:
                self._store(height // _TILE_HEIGHT, index, node)
        self._peaks.append(node)
        self._size += 1

    def _store(self, level: int, index: int, node: bytes) -> None:
        if level == len(self._partial):
            self._partial.append(bytearray())
        tile = self._partial[level]
        tile += node
        if len(tile) == _FULL_TILE:
            self._full.append((level, index // TILE_WIDTH, bytes(tile)))
            tile.clear()

    def edge(self) -> RightEdge:
        partial = tuple(bytes(hashes) for hashes in self._partial)
        return RightEdge(self._size, tuple(self._peaks), partial)

    def changes(self) -> list[TileChange]:
        changed = self._full + [
            (level, self._size >> (_TILE_HEIGHT * (level + 1)), bytes(hashes))
            for level, hashes in enumerate(self._partial)
            if hashes
        ]
        return [
            TileChange(level, index, hashes, extends=self._had(level, index) > 0)
            for level, index, hashes in changed
            if len(hashes) // HASH_BYTES > self._had(level, index)
        ]

    def _had(self, level: int, index: int) -> int:
        return tile_width(level, index, self._before.size)
