"""Reading a purchase log: which of its entries are members of rings (docs/protocol.md 4)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from commitments.errors import FormatError
from ledger.entries import Entry, Purchase, Transferred, Void, parse_entry
from ledger.partition import Partition

__all__ = ["Decode", "PurchaseLog", "Purchases", "find_removals", "members", "read_entry"]

Decode = Callable[[bytes], Any]
"""A group's ``decode``: ``FormatError`` for bytes that are not a point."""


class PurchaseLog(Protocol):
    """What building a ring asks of a purchase log. All answers are about the whole log."""

    def entries_at(self, indices: Sequence[int]) -> Sequence[bytes]:
        """The entry at each index, in the order asked for."""

    def voids_of(self, indices: Sequence[int]) -> Mapping[int, Sequence[int]]:
        """For each index that any void entry names, the indices of those, ascending."""

    def repeats(self, commitments: Mapping[int, bytes]) -> Mapping[int, int]:
        """Given commitments by their index: those that occur earlier too, with where first."""


class Purchases:
    """A :class:`PurchaseLog` in memory, for who holds a copy of somebody else's log."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self._entries: list[bytes] = []
        self._voids: dict[int, list[int]] = {}
        self._first: dict[bytes, int] = {}
        for entry in entries:
            self.append(entry)

    def append(self, entry: bytes) -> None:
        """Take in the next entry of the log, whatever it is."""
        index = len(self._entries)
        self._entries.append(entry)
        parsed = read_entry(entry)
        if isinstance(parsed, Void):
            self._voids.setdefault(parsed.index, []).append(index)
        elif parsed is not None:
            self._first.setdefault(parsed.commitment, index)

    def entries_at(self, indices: Sequence[int]) -> list[bytes]:
        """The entry at each index, in the order asked for."""
        return [self._entries[index] for index in indices]

    def voids_of(self, indices: Sequence[int]) -> dict[int, list[int]]:
        """For each index that any void entry names, the indices of those, ascending."""
        return {index: self._voids[index] for index in indices if index in self._voids}

    def repeats(self, commitments: Mapping[int, bytes]) -> dict[int, int]:
        """Given commitments by their index: those that occur earlier too, with where first."""
        return {i: first for i, c in commitments.items() if (first := self._first[c]) < i}


def read_entry(data: bytes) -> Entry | None:
    """The entry, or ``None`` for bytes that are none: no member, and no effect."""
    try:
        return parse_entry(data)
    except FormatError:
        return None


def find_removals(
    log: PurchaseLog,
    partition: Partition,
    voided_at: int,
    cell: Sequence[int],
    entries: Sequence[bytes],
) -> dict[int, int]:
    """Which indices of a cell are no members although their entry is one, and by which entry.

    That is a void that counts and lies below ``voided_at``, or an earlier entry with the same
    commitment. ``entries`` are those at the indices ``cell``.
    """
    parsed = {index: read_entry(entry) for index, entry in zip(cell, entries, strict=True)}
    shown = {i: entry for i, entry in parsed.items() if isinstance(entry, Purchase | Transferred)}
    repeats = log.repeats({index: entry.commitment for index, entry in shown.items()})
    voids = log.voids_of([i for i, entry in shown.items() if isinstance(entry, Purchase)])
    removals = {}
    for index in shown:
        counting = [
            void
            for void in voids.get(index, ())
            if void < voided_at and partition.void_counts(void, index)
        ]
        if index in repeats:
            removals[index] = repeats[index]
        elif counting:
            removals[index] = counting[0]
    return removals


def members(
    cell: Sequence[int], entries: Sequence[bytes], removed: Mapping[int, int], decode: Decode
) -> dict[bytes, tuple[int, Any]]:
    """The commitments of a ring, in the order of the log, each with its index and its point."""
    found: dict[bytes, tuple[int, Any]] = {}
    for index, data in zip(cell, entries, strict=True):
        entry = read_entry(data)
        if not isinstance(entry, Purchase | Transferred) or index in removed:
            continue
        with suppress(FormatError):  # what does not decode is no member
            found.setdefault(entry.commitment, (index, decode(entry.commitment)))
    return found
