"""Tiles (c2sp tlog-tiles): the tree and the entries of a log as files that never change.

A tile at level L holds up to 256 consecutive hashes of subtrees of ``256**L`` entries; an entry
bundle holds up to 256 entries. Fewer than 256 make a *partial* tile, the last of its level.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from commitments.errors import FormatError
from commitments.wire import parse_decimal
from ledger.merkle import HASH_BYTES, Node

__all__ = [
    "MAX_ENTRY_BYTES",
    "TILE_WIDTH",
    "Tile",
    "TileFetcher",
    "TileReader",
    "bundle_path",
    "decode_bundle",
    "encode_bundle",
    "parse_bundle_path",
    "parse_tile_path",
    "tile_path",
    "tile_width",
]

TILE_WIDTH = 256
MAX_ENTRY_BYTES = 65_535  # its length is a uint16
_TILE_HEIGHT = 8  # binary levels within a tile: 2**8 = 256
_MAX_LEVEL = 63
_PATH = re.compile(r"tile/(entries|[0-9]+)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]+))?", re.ASCII)


@dataclass(frozen=True, order=True)
class Tile:
    """Coordinates of a tile: its level, its place in the level, how many hashes it holds."""

    level: int
    index: int
    width: int


_Bytes = TypeVar("_Bytes", bytes, memoryview)

TileFetcher = Callable[[Sequence[Tile]], Sequence[bytes]]
"""Gives the content of each tile asked for, in order; the log's own database or HTTP."""


def tile_path(level: int, index: int, width: int) -> str:
    """The path of a tile below the log's prefix, such as ``tile/0/x001/067.p/8``."""
    if not 0 <= level <= _MAX_LEVEL:
        raise FormatError("a tile level is 0 to 63", "level")
    return f"tile/{level}/{_index_path(index, width)}"


def bundle_path(index: int, width: int) -> str:
    """The path of an entry bundle below the log's prefix, such as ``tile/entries/067``."""
    return f"tile/entries/{_index_path(index, width)}"


def parse_tile_path(path: str) -> Tile:
    """Read what :func:`tile_path` writes; ``FormatError`` for any other spelling."""
    kind, index, width = _parse_path(path)
    if kind == "entries":
        raise FormatError("not the path of a tile", "path")
    return Tile(parse_decimal(kind, "path", _MAX_LEVEL), index, width)


def parse_bundle_path(path: str) -> tuple[int, int]:
    """Read the index and width that :func:`bundle_path` wrote; ``FormatError`` otherwise."""
    kind, index, width = _parse_path(path)
    if kind != "entries":
        raise FormatError("not the path of an entry bundle", "path")
    return index, width


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes the tile holds in a log of ``size`` entries; 0 when there is none."""
    hashes = size >> (_TILE_HEIGHT * level)
    return max(0, min(TILE_WIDTH, hashes - TILE_WIDTH * index))


def _index_path(index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise FormatError("a tile has an index from 0 and a width of 1 to 256", "tile")
    path = f"{index % 1000:03d}"
    while index := index // 1000:
        path = f"x{index % 1000:03d}/{path}"
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _parse_path(path: str) -> tuple[str, int, int]:
    match = _PATH.fullmatch(path)
    if match is None:
        raise FormatError("not a tile path", "path")
    digits = match[2].replace("x", "").replace("/", "")
    index = parse_decimal(digits.lstrip("0") or "0", "path")
    width = TILE_WIDTH
    if match[3] is not None:
        width = parse_decimal(match[3], "path", TILE_WIDTH - 1)
    if _index_path(index, width) != path.split("/", 2)[2]:  # x000/ in front, or .p/0
        raise FormatError("not the canonical tile path", "path")
    return match[1], index, width


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one after the other, each behind its length as a big-endian uint16."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: _Bytes, width: int) -> list[_Bytes]:
    """The ``width`` entries of a bundle; ``FormatError`` unless it holds exactly those.

    Of a ``memoryview`` without a copy.
    """
    entries = []
    position = 0
    while position < len(data):
        start = position + 2
        position = start + int.from_bytes(data[position:start], "big")
        entries.append(data[start:position])
    if position != len(data) or len(entries) != width:
        raise FormatError("not an entry bundle of that width", "bundle")
    return entries


_Place = tuple[Node, int, int]
"""A node, how high in its tile it is, and how far to the right."""


class TileReader:
    """A :class:`ledger.merkle.HashReader` over the tiles of a log of ``size`` entries.

    Parameters
    ----------
    fetch
        gives the tiles; asked once for each that is kept.
    size
        of the log whose tiles exist; proofs at any smaller size can be built too.
    most_kept
        how many tiles to keep, each 16 kB with its tree; all without a number.

    Nothing fetched is believed: what is built from it is verified against a root by the caller.
    """

    def __init__(self, fetch: TileFetcher, size: int, most_kept: int | None = None) -> None:
        self._fetch = fetch
        self._size = size
        self._most_kept = most_kept
        self._trees: dict[Tile, list[bytes]] = {}

    def hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """The hash of each complete subtree, in the order asked for.

        Tiles that are not at hand are fetched in one call; in several, if so many are not kept.
        """
        wanted: dict[Tile, list[_Place]] = {}
        for node in nodes:
            tile, height, index = self._place(node)
            wanted.setdefault(tile, []).append((node, height, index))
        tiles = sorted(wanted)
        found: dict[Node, bytes] = {}
        step = self._most_kept or max(len(tiles), 1)
        for start in range(0, len(tiles), step):
            self._load(chunk := tiles[start : start + step])
            for tile in chunk:
                tree = self._trees[tile]
                for node, height, index in wanted[tile]:
                    found[node] = tree[height][index * HASH_BYTES : (index + 1) * HASH_BYTES]
        return [found[node] for node in nodes]

    def _place(self, node: Node) -> tuple[Tile, int, int]:
        """The tile that a node lies in, how high in it, and how far to the right."""
        level, height = divmod(node[0], _TILE_HEIGHT)
        index, place = divmod(node[1], TILE_WIDTH >> height)
        tile = Tile(level, index, tile_width(level, index, self._size))
        if (place + 1) << height > tile.width:
            raise FormatError("the log is not that large", "size")
        return tile, height, place

    def _load(self, tiles: Sequence[Tile]) -> None:
        """Have the trees of these tiles, and of earlier ones as long as they are not too many."""
        missing = [tile for tile in tiles if tile not in self._trees]
        if self._most_kept and len(self._trees) + len(missing) > self._most_kept:
            self._trees = {tile: self._trees[tile] for tile in tiles if tile in self._trees}
        if not missing:
            return
        for tile, data in zip(missing, self._fetch(missing), strict=True):
            if len(data) != tile.width * HASH_BYTES:
                raise FormatError("a tile has not the length of its width", "tile")
            self._trees[tile] = _tree(data)


def _tree(data: bytes) -> list[bytes]:
    """The complete subtrees of a tile by height; kept, since proofs of neighbours share most."""
    tree = [data]
    while len(below := tree[-1]) > HASH_BYTES:
        pairs = range(0, len(below) - HASH_BYTES, 2 * HASH_BYTES)
        # node_hash, written out: a server spends most of its time for proofs here
        hashes = [sha256(b"\x01" + below[at : at + 2 * HASH_BYTES]).digest() for at in pairs]
        tree.append(b"".join(hashes))
    return tree
