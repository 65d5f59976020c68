"""Reading a purchase log: which of its entries are members of rings (docs/protocol.md 4)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from commitments.errors import FormatError
from ledger.entries import Entry, Purchase, Transferred, Void, parse_entry
from ledger.partition import Partition

__all__ = ["Decode", "PurchaseLog", "Purchases", "find_removals", "members", "read_entry"]

Decode = Callable[[bytes], object]
"""A group's ``decode``: ``FormatError`` for bytes that are not a point."""


class PurchaseLog(Protocol):
    """What building a ring asks of a purchase log. All answers are about the whole log."""

    def entries_at(self, indices: Sequence[int]) -> Sequence[bytes]:
        """The entry at each index, in the order asked for."""

    def voids_of(self, indices: Sequence[int]) -> Mapping[int, Sequence[int]]:
        """For each index that any void entry names, the indices of those, ascending."""

    def first_of(self, commitments: Sequence[bytes]) -> Mapping[bytes, int]:
        """The index at which each commitment of the log occurs first."""


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

    def first_of(self, commitments: Sequence[bytes]) -> dict[bytes, int]:
        """The index at which each commitment of the log occurs first."""
        return {c: self._first[c] for c in commitments if c in self._first}


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
    first = log.first_of([entry.commitment for entry in shown.values()])
    voids = log.voids_of([i for i, entry in shown.items() if isinstance(entry, Purchase)])
    removals = {}
    for index, entry in shown.items():
        counting = [
            void
            for void in voids.get(index, ())
            if void < voided_at and partition.void_counts(void, index)
        ]
        if first[entry.commitment] < index:
            removals[index] = first[entry.commitment]
        elif counting:
            removals[index] = counting[0]
    return removals


def members(
    cell: Sequence[int], entries: Sequence[bytes], removed: Mapping[int, int], decode: Decode
) -> dict[bytes, int]:
    """The commitments of a ring, in the order of the log, each with its index."""
    found: dict[bytes, int] = {}
    for index, data in zip(cell, entries, strict=True):
        entry = read_entry(data)
        if not isinstance(entry, Purchase | Transferred) or index in removed:
            continue
        if _decodes(entry.commitment, decode):
            found.setdefault(entry.commitment, index)
    return found


def _decodes(commitment: bytes, decode: Decode) -> bool:
    try:
        decode(commitment)
    except FormatError:
        return False
    return True
