"""A log as a directory of files, which any web server can serve (c2sp tlog-tiles)."""

from collections.abc import Iterator
from pathlib import Path

from ledger.durable import replace_file
from ledger.log import Log
from ledger.tiles import TILE_WIDTH, bundle_path, tile_path, tile_width

__all__ = ["export_log"]


def export_log(log: Log, directory: Path) -> int:
    """Write the files of ``log`` that are missing in ``directory``; how many those were.

    They are, to the byte, what the API serves at the same paths. A tile is written once, since it
    never changes. The checkpoint comes last: whoever reads it finds the tiles of its size.
    """
    written = 0
    for path, level, index, width in _tiles(log.size):
        if not (directory / path).exists():
            tile = log.bundle(index, width) if level is None else log.tile(level, index, width)
            replace_file(directory / path, tile)
            written += 1
    replace_file(directory / "checkpoint", log.checkpoint())
    return written + 1


def _tiles(size: int) -> Iterator[tuple[str, int | None, int, int]]:
    """Path, level (None for entries), index and width of each tile of a log of ``size``."""
    for index, width in _level(0, size):
        yield bundle_path(index, width), None, index, width
    level = 0
    while tile_width(level, 0, size):
        for index, width in _level(level, size):
            yield tile_path(level, index, width), level, index, width
        level += 1


def _level(level: int, size: int) -> Iterator[tuple[int, int]]:
    index = 0
    while width := tile_width(level, index, size):
        yield index, width
        if width < TILE_WIDTH:
            return
        index += 1
