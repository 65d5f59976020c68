"""Watching a log: what it showed before must be part of what it shows now.

Wallet, auditor and witness remember the largest checkpoint they have seen, as the note in which
the log signed it: with less nobody could prove to others that the log has forked. A server that
answers badly is never taken for a fork. That is proven from hashes that lead to a signed root.
"""

from contextlib import suppress
from dataclasses import dataclass

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint, open_extended
from ledger.fork import Fork, ForkedLog
from ledger.merkle import complete_nodes, fold_peaks, leaf_hash, node_hash
from ledger.note import Note, Verifier
from ledger.quorum import Quorum, verify_cosigned
from ledger.served_log import LogUnreachable, ServedLog
from ledger.tiles import TILE_WIDTH, TileFetcher, TileReader, tile_width
from ledger.true_roots import FalseTiles, TrueRoots

__all__ = [
    "FalseEntries",
    "Head",
    "OlderCheckpoint",
    "check_entries",
    "look",
    "newest_head",
    "require_extension",
    "require_no_older",
]

# The names say what happened, as those of commitments.errors do.
# ruff: noqa: N818


class FalseEntries(VerificationError):
    """The entries that were served are not those of the checkpoint."""

    def __init__(self) -> None:
        super().__init__(
            "log: the entries served do not lead to its checkpoint. That proves nothing against"
            " the log: ask again, or another mirror of it"
        )


class OlderCheckpoint(VerificationError):
    """The log shows fewer entries than it did before, and no contradiction to them."""

    def __init__(self) -> None:
        super().__init__(
            "log: it has shrunk since it was last seen: an old checkpoint is served again, by a"
            " cache or by somebody who hides the newer one. Ask again later, and from elsewhere"
        )


@dataclass(frozen=True)
class Head:
    """A log's size and root, and the note in which its key has signed them.

    ``note`` is empty where only size and root were kept.
    """

    size: int
    root: bytes
    note: bytes

    @classmethod
    def of(cls, note: bytes) -> "Head":
        """The head in a note whose signature the caller has verified."""
        checkpoint = Checkpoint.parse_extended(Note.parse(note).text)
        return cls(checkpoint.size, checkpoint.root, note)


def newest_head(known: Head | None, new: Head) -> Head:
    """The larger of what was seen before and what is shown now; of two alike the former.

    :class:`ledger.fork.ForkedLog` for another root at the same size.
    """
    if known is None or known.size < new.size:
        return new
    if known.size == new.size and known.root != new.root:
        raise _forked(known, new, new.root, ())
    return known


def require_no_older(known: Head | None, new: Head) -> None:
    """:class:`OlderCheckpoint` for a log that is smaller than it was."""
    if known is not None and new.size < known.size:
        raise OlderCheckpoint


def require_extension(known: Head, new: Head, fetch: TileFetcher) -> None:
    """Check that the log under ``new`` begins with the log under ``known``.

    ``fetch`` gives tiles, which are not believed. :class:`ledger.fork.ForkedLog` with its proof
    whenever one can be made; else :class:`OlderCheckpoint` or :class:`FalseTiles`.
    """
    newest_head(known, new)
    if new.size < known.size:
        with suppress(FalseTiles, LogUnreachable):  # what is hidden cannot be fetched
            _require_past(new, known, fetch)
        raise OlderCheckpoint
    _require_past(known, new, fetch)


def look(log: ServedLog, verifier: Verifier, policy: Quorum, known: Head | None) -> Head:
    """The newest head of a log that is served, which extends ``known``.

    Errors as :func:`require_extension` and :func:`ledger.quorum.verify_cosigned`;
    :class:`ledger.served_log.LogUnreachable` without an answer.
    """
    note = log.checkpoint()
    open_extended(note, [verifier])
    new = Head.of(note)
    if known is not None:
        require_extension(known, new, log.tiles)
    # Last: what the log has signed can prove a fork, whoever else has signed it.
    verify_cosigned(note, verifier, policy=policy)
    return newest_head(known, new)


def check_entries(log: ServedLog, known: Head | None, new: Head) -> None:
    """Make the tree of ``new`` from that of ``known`` and all entries that were added.

    :class:`FalseEntries` unless that gives the root of ``new``.
    """
    size = known.size if known else 0
    if size == new.size:
        return
    try:
        peaks = TileReader(log.tiles, new.size).hashes(complete_nodes(0, size))
        for index in range(size // TILE_WIDTH, -(-new.size // TILE_WIDTH)):
            entries = log.entries(index, tile_width(0, index, new.size))
            for entry in entries[size - index * TILE_WIDTH :]:
                _append(peaks, size, leaf_hash(entry))
                size += 1
    except FormatError:
        raise FalseEntries from None
    if fold_peaks(peaks) != new.root:
        raise FalseEntries


def _require_past(small: Head, large: Head, fetch: TileFetcher) -> None:
    if small.size == large.size:  # and the same root
        return
    root, proof = TrueRoots(fetch, large.size, large.root).prove(small.size)
    if root != small.root:
        raise _forked(small, large, root, proof)


def _forked(small: Head, large: Head, root: bytes, proof: tuple[bytes, ...]) -> VerificationError:
    if not (small.note and large.note):
        return VerificationError("log: it has forked, and the note that proves it was not kept")
    return ForkedLog(Fork(small.note, large.note, root, proof))


def _append(peaks: list[bytes], size: int, leaf: bytes) -> None:
    """Append a leaf to the complete subtrees that a tree of ``size`` leaves consists of."""
    node = leaf
    while size & 1:  # the last one is as high as the new one: join the two
        node = node_hash(peaks.pop(), node)
        size >>= 1
    peaks.append(node)
