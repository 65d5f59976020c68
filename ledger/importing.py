"""Reading a log back from the files of ``ledger/export.py``, or of any C2SP log (tlog-tiles).

Nothing in the directory is believed but the log's signature: all entries are hashed, and every
tile must be what they make, before the first row is written.
"""

from collections.abc import Sequence
from pathlib import Path

from commitments.errors import VerificationError
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.key_history import LogKeys
from ledger.merkle import leaf_hash
from ledger.note import Verifier
from ledger.right_edge import RightEdge, TileChange
from ledger.store import Transaction
from ledger.tiles import TILE_WIDTH, bundle_path, decode_bundle, tile_path, tile_width

__all__ = ["import_log", "read_bundle", "verify_files"]


def verify_files(directory: Path, *verifiers: Verifier) -> Checkpoint:
    """The checkpoint of a directory in which every file is of the log of these keys.

    ``OSError`` for a file that is missing, ``FormatError`` for one that cannot be read,
    ``VerificationError`` for one that is of something else.
    """
    head = open_checkpoint((directory / "checkpoint").read_bytes(), *verifiers)
    edge = RightEdge()
    for index in range(_bundles(head.size)):
        growth = edge.grow([leaf_hash(entry) for entry in read_bundle(directory, index, head.size)])
        edge = growth.edge
        _check_tiles(directory, growth.full_tiles)
    _check_tiles(directory, edge.partial_tiles)
    if edge.root != head.root:
        raise VerificationError("the entries do not lead to the checkpoint", str(directory))
    return head


def import_log(transaction: Transaction, directory: Path, keys: LogKeys) -> range:
    """Append to the log what the directory has more of it; the indices of those entries.

    ``VerificationError`` when the database has more, or another history: two that the log's
    owner has signed are a fork, and both checkpoints together prove it.
    """
    note = (directory / "checkpoint").read_bytes()
    head = open_checkpoint(note, *keys.in_force)
    start = transaction.adopt(head.origin, keys.in_force, keys.keys, note)
    if head.size < start:
        raise VerificationError("the files are older than the database", str(directory))
    for first in range(start - start % TILE_WIDTH, head.size, TILE_WIDTH):
        bundle = read_bundle(directory, first // TILE_WIDTH, head.size)
        transaction.append(head.origin, bundle[max(start - first, 0) :])
    if transaction.root(head.origin) != head.root:
        raise VerificationError("a fork: the database has another history", str(directory))
    return range(start, head.size)


def read_bundle(directory: Path, index: int, size: int) -> list[bytes]:
    """The entries of a bundle of a log of ``size``; errors as :func:`verify_files`."""
    width = tile_width(0, index, size)
    return decode_bundle((directory / bundle_path(index, width)).read_bytes(), width)


def _bundles(size: int) -> int:
    return -(-size // TILE_WIDTH)


def _check_tiles(directory: Path, made: Sequence[TileChange]) -> None:
    for tile in made:
        path = directory / tile_path(tile.level, tile.index, tile.width)
        if path.read_bytes() != tile.hashes:
            raise VerificationError("not what the entries make", str(path))
