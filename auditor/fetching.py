"""Fetching the files of a log: each is checked when it comes, and written when it is true.

First come the tiles above, which must lead to the signed root; then bundles in parallel, in
whatever order, each with the tile of its hashes. What an interrupted run has left is looked at in
the same way, and not asked for again.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from commitments.errors import FormatError
from ledger.bundle_roots import bundle_roots
from ledger.durable import replace_file, sync_directory
from ledger.merkle import leaf_hash, root_of
from ledger.monitor import FalseEntries, Head
from ledger.served_log import LogDirectory, NotServed, ServedLog
from ledger.tiles import TILE_WIDTH, Tile, bundle_path, encode_bundle, tile_path, tile_width
from ledger.true_roots import FalseTiles

__all__ = ["fetch_log"]

_PARALLEL = 4  # bundles at a time; one of the largest entries has 17 MB
_CHECKPOINT = "checkpoint"

Progress = Callable[[int, int], None]
"""Told how many bundles are there, and of how many."""


def fetch_log(
    log: ServedLog, directory: Path, complete: int, head: Head, progress: Progress
) -> int:
    """Bring the log in ``directory`` to ``head``; how many tiles were compared.

    Of the first ``complete`` entries the full tiles and bundles are there and were checked, and
    only those missing are fetched. Each tile that is new is made from the entries and must be the
    one that is served. The checkpoint is written last: below one that is there nothing is missing.

    :class:`ledger.monitor.FalseEntries`, :class:`ledger.true_roots.FalseTiles` or
    :class:`ledger.served_log.LogUnreachable`; what has come before is kept, and is true.
    """
    fetching = _Fetching(log, directory, complete, head)
    compared = fetching.upper_tiles() + fetching.bundles(progress)
    fetching.sync()
    replace_file(directory / _CHECKPOINT, head.note)
    if compared:
        _remove_outgrown(directory, head.size)
    return compared


class _Fetching:
    """One log on its way from a server into a directory."""

    def __init__(self, log: ServedLog, directory: Path, complete: int, head: Head) -> None:
        self._log = log
        self._kept = ServedLog(LogDirectory(directory))
        self._directory = directory
        self._complete = complete
        self._head = head
        self._touched: set[Path] = set()
        self._roots = self._bundle_roots()

    def upper_tiles(self) -> int:
        """The tiles that are made of tiles."""
        level, hashes = 1, [self._roots[i] for i in range(self._head.size // TILE_WIDTH)]
        compared = 0
        while hashes:
            for index in range(-(-len(hashes) // TILE_WIDTH)):
                made = hashes[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]
                compared += self._compare(Tile(level, index, len(made)), b"".join(made))
            full = range(len(hashes) // TILE_WIDTH)
            hashes = [root_of(hashes[i * TILE_WIDTH : (i + 1) * TILE_WIDTH]) for i in full]
            level += 1
        return compared

    def bundles(self, progress: Progress) -> int:
        """The entries, and the tiles that are made of them."""
        count, compared = len(self._roots), 0
        pool = ThreadPoolExecutor(_PARALLEL, "bundles")
        try:
            coming = [pool.submit(self._bundle, index) for index in range(count)]
            for done, bundle in enumerate(as_completed(coming), 1):
                compared += bundle.result()
                progress(done, count)
        finally:
            pool.shutdown(cancel_futures=True)
        return compared

    def sync(self) -> None:
        """Make the names of the files durable, whose content is so already."""
        for directory in sorted(self._touched):
            sync_directory(directory)

    def _bundle(self, index: int) -> int:
        width = tile_width(0, index, self._head.size)
        path = self._directory / bundle_path(index, width)
        tile = Tile(0, index, width)
        if (index + 1) * TILE_WIDTH <= self._complete and path.exists() and self._has(tile):
            return 0
        leaves = self._kept_leaves(index, width)
        if leaves is None:
            entries = self._served_entries(index, width)
            leaves = [leaf_hash(entry) for entry in entries]
            if root_of(leaves) != self._roots[index]:
                raise FalseEntries
            replace_file(path, encode_bundle(entries))
        self._touched.add(path.parent)
        return self._compare(tile, b"".join(leaves))

    def _served_entries(self, index: int, width: int) -> list[bytes]:
        try:
            return self._log.entries(index, width)
        except FormatError:
            raise FalseEntries from None

    def _kept_leaves(self, index: int, width: int) -> list[bytes] | None:
        """The hashes of the entries that are here, if they are the right ones."""
        with suppress(FormatError, NotServed):
            leaves = [leaf_hash(entry) for entry in self._kept.entries(index, width)]
            return leaves if root_of(leaves) == self._roots[index] else None
        return None

    def _compare(self, tile: Tile, made: bytes) -> int:
        """Have ``made`` as ``tile``, which must be served so; 1 if it is new."""
        name = tile_path(tile.level, tile.index, tile.width)
        path = self._directory / name
        self._touched.add(path.parent)
        with suppress(FileNotFoundError):
            if path.read_bytes() == made:
                return 0
        if self._log.tiles([tile]) != [made]:
            raise FalseTiles(f"{name} is not what the entries make")
        replace_file(path, made)
        return 1

    def _bundle_roots(self) -> list[bytes]:
        """From the tiles that are here and those that are served; else from the latter."""
        with suppress(FalseEntries):
            return bundle_roots(self._tiles, self._head)
        return bundle_roots(self._log.tiles, self._head)

    def _tiles(self, wanted: Sequence[Tile]) -> list[bytes]:
        here = [tile for tile in wanted if self._has(tile)]
        served = [tile for tile in wanted if tile not in here]
        found = dict(zip(here, self._kept.tiles(here), strict=True))
        found |= zip(served, self._log.tiles(served), strict=True)
        return [found[tile] for tile in wanted]

    def _has(self, tile: Tile) -> bool:
        return (self._directory / tile_path(tile.level, tile.index, tile.width)).exists()


def _remove_outgrown(directory: Path, size: int) -> None:
    """The partial tiles and bundles of smaller sizes."""
    current = {directory / path for path in _partial_paths(size)}
    for path in directory.glob("tile/**/*.p/*"):
        if path not in current:
            path.unlink()
            with suppress(OSError):  # another one is in it
                path.parent.rmdir()


def _partial_paths(size: int) -> Iterator[str]:
    level = 0
    while width := size >> (8 * level):
        index, width = divmod(width, TILE_WIDTH)
        if width:
            yield tile_path(level, index, width)
            if level == 0:
                yield bundle_path(index, width)
        level += 1
