"""All rings of a purchase log of which one has a copy, built many times quicker than one by one.

They are those of :func:`ledger.rings.build_ring`. Each entry is read once for all of them and knows
its lanes, and a commitment is one point object in all rings: what proofs over different rings ask
of it is one term.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commitments.errors import FormatError
from commitments.group import Group, Point
from ledger.entries import COMMITMENT_BYTES, Purchase, Transferred
from ledger.partition import Partition
from ledger.purchases import PurchaseLog, find_removals, read_entry
from ledger.rings import RingName, check_name
from zk.statement import Ring

__all__ = ["BuiltRing", "LogCopy", "Rings", "copy_log"]

_CHUNK = 4096  # entries that are parsed at a time
_NONE = bytes(COMMITMENT_BYTES)


@dataclass(frozen=True)
class LogCopy:
    """What rings are made of, in few bytes: of all entries below the last close.

    ``commitments`` has those of possible members, zeros for all others; ``removed`` by which entry
    one is taken away: a void that counts, or an earlier entry with the same commitment.
    """

    commitments: bytes
    removed: Mapping[int, int]
    partition: Partition


def copy_log(log: PurchaseLog, partition: Partition) -> LogCopy:
    """What the closed part of the log says about members."""
    size = partition.closes[-1].size if partition.closes else 0
    commitments = bytearray()
    removed: dict[int, int] = {}
    for start in range(0, size, _CHUNK):
        indices = range(start, min(start + _CHUNK, size))
        entries = log.entries_at(indices)
        removed |= find_removals(log, partition, size, indices, entries)
        for entry in map(read_entry, entries):
            commitments += entry.commitment if isinstance(entry, Purchase | Transferred) else _NONE
    return LogCopy(bytes(commitments), removed, partition)


@dataclass(frozen=True)
class BuiltRing:
    """A ring as a statement takes it, the indices of its members, the log's root at its size."""

    ring: Ring
    indices: Sequence[int]
    root: bytes


class Rings:
    """Builds rings; the points of all entries that were in one are kept."""

    def __init__(self, group: Group, copy: LogCopy) -> None:
        self._group = group
        self._copy = copy
        self._by_lane: dict[int, list[array[int]]] = {}  # by how many lanes a span has
        self.points: list[Point | None] = [None] * (len(copy.commitments) // COMMITMENT_BYTES)
        """By index, those that were asked for."""
        self._nothing: set[int] = set()  # what does not decode is no member

    def build(self, name: RingName) -> BuiltRing | None:
        """The ring ``name``, if it has a member.

        ``VerificationError`` as :func:`ledger.rings.check_name`.
        """
        partition = self._copy.partition
        check_name(partition, name)
        indices = self._members(name)
        if not indices:
            return None
        members = [self._commitment(index) for index in indices]
        ring = Ring(self._group, members, [self.points[index] for index in indices])
        return BuiltRing(ring, indices, partition.close_at(name.size).root)

    def _members(self, name: RingName) -> list[int]:
        """A removed entry is still a member before the void that removes it."""
        partition, removed = self._copy.partition, self._copy.removed
        lanes = partition.lanes(name.first, name.size)
        if lanes not in self._by_lane:
            self._by_lane[lanes] = partition.by_lane(lanes)
        lane = self._by_lane[lanes][name.lane]
        cell = lane[bisect_left(lane, name.first) : bisect_left(lane, name.size)]
        voided_at = name.voided_at
        indices = [index for index in cell if removed.get(index, voided_at) >= voided_at]
        for index in indices:
            if self.points[index] is None:
                self._decode(index)
        return [index for index in indices if self.points[index] is not None]

    def _decode(self, index: int) -> None:
        if index not in self._nothing:
            try:
                self.points[index] = self._group.decode(self._commitment(index))
            except FormatError:
                self._nothing.add(index)

    def _commitment(self, index: int) -> bytes:
        start = index * COMMITMENT_BYTES
        return self._copy.commitments[start : start + COMMITMENT_BYTES]
