"""The public partition of a purchase log into cells (docs/protocol.md 4, Rings). Pure numbers.

A span ``[first, size)`` of the log is cut into a power of two of *lanes* by a key of each entry,
which is fixed only after the entry is in the log: by the seed of the first close above it.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice

from commitments.errors import VerificationError
from commitments.wire import le
from ledger.closes import Close, seed

__all__ = [
    "Partition",
    "cell",
    "lane_of",
    "lanes",
    "shuffle_key",
    "void_counts",
    "voids_are_settled",
]


def shuffle_key(seed_: bytes, entry: int) -> int:
    """The 64-bit key of the entry with index ``entry``; ``seed_`` of its first close."""
    return int.from_bytes(sha256(seed_ + le(entry, 8)).digest()[:8], "little")


def lanes(first: int, size: int, capacity: int) -> int:
    """Into how many cells ``[first, size)`` falls: the least power of two of at most 3N/4 each."""
    count = 1
    while 4 * (size - first) > 3 * capacity * count:
        count *= 2
    return count


def lane_of(entry: int, first: int, size: int, closes: Sequence[Close], capacity: int) -> int:
    """The lane of the entry with index ``entry`` in the span ``[first, size)``."""
    key = shuffle_key(seed(_first_close(closes, entry)), entry)
    return key % lanes(first, size, capacity)


def cell(first: int, size: int, lane: int, closes: Sequence[Close], capacity: int) -> list[int]:
    """The indices of the span ``[first, size)`` that fall into ``lane``, ascending."""
    count = lanes(first, size, capacity)
    keys: list[int] = []
    for close, start, stop in _segments(closes, first):
        keys += _keys(seed(close), start, min(stop, size))
    return _select(keys, first, count, lane)


def void_counts(void: int, entry: int, closes: Sequence[Close], void_window: int) -> bool:
    """Whether the void at index ``void`` comes after the purchase ``entry`` and in time for it.

    In time is below the close that is ``void_window`` periods after the entry's first close;
    when that period has no close, the next one decides, and as long as there is none any void.
    """
    last = _void_deadline(entry, closes, void_window)
    return entry < void and (last is None or void < last.size)


def voids_are_settled(size: int, voided_at: int, closes: Sequence[Close], void_window: int) -> bool:
    """Whether every void that will ever count for an entry below ``size`` is below ``voided_at``.

    A transfer needs it (docs/protocol.md 8): what is handed on must not be taken back.
    """
    last = _void_deadline(size - 1, closes, void_window)
    return last is not None and last.size <= voided_at


def _void_deadline(entry: int, closes: Sequence[Close], void_window: int) -> Close | None:
    """The close below which a void of ``entry`` is in time, if there is one yet."""
    own = bisect_right(closes, entry, key=_size)
    if own == len(closes):
        return None
    last = bisect_left(closes, closes[own].period + void_window, own, key=_period)
    return closes[last] if last < len(closes) else None


class Partition:
    """The partition of one log, with the key of each closed entry computed once.

    One thread extends it; any number may read meanwhile.
    """

    def __init__(self, capacity: int, void_window: int, closes: Iterable[Close] = ()) -> None:
        self.capacity = capacity
        self.void_window = void_window
        self.closes: list[Close] = []
        self._keys = array("Q")
        self.extend(closes)

    def extend(self, closes: Iterable[Close]) -> None:
        """Take in further accepted closes, in order."""
        for close in closes:
            if close.number != len(self.closes):
                raise ValueError("closes are numbered without gaps")
            self._keys.extend(_keys(seed(close), len(self._keys), close.size))
            self.closes.append(close)

    def close_at(self, size: int) -> Close:
        """The first close at ``size``; ``VerificationError`` when there is none."""
        place = bisect_right(self.closes, size - 1, key=_size)
        if place == len(self.closes) or self.closes[place].size != size:
            raise VerificationError("ring: a horizon is not a close of the log")
        return self.closes[place]

    def lanes(self, first: int, size: int) -> int:
        """Into how many cells the span ``[first, size)`` falls."""
        return lanes(first, size, self.capacity)

    def lane_of(self, entry: int, first: int, size: int) -> int:
        """The lane of a closed entry in the span ``[first, size)``."""
        if entry >= len(self._keys):
            raise VerificationError("ring: the entry has not been closed yet")
        return self._keys[entry] % self.lanes(first, size)

    def cell(self, first: int, size: int, lane: int) -> list[int]:
        """The indices of the closed span ``[first, size)`` that fall into ``lane``, ascending."""
        keys = islice(self._keys, first, size)  # a slice is a copy, of 8 MB for a million entries
        return _select(keys, first, self.lanes(first, size), lane)

    def by_lane(self, count: int) -> "list[array[int]]":
        """All closed entries, ascending, by their lane in a span that has ``count`` lanes."""
        found = [array("I") for _ in range(count)]
        for j, key in enumerate(self._keys):
            found[key & (count - 1)].append(j)
        return found

    def void_counts(self, void: int, entry: int) -> bool:
        """See :func:`void_counts`."""
        return void_counts(void, entry, self.closes, self.void_window)

    def voids_are_settled(self, size: int, voided_at: int) -> bool:
        """See :func:`voids_are_settled`."""
        return voids_are_settled(size, voided_at, self.closes, self.void_window)


def _size(close: Close) -> int:
    return close.size


def _period(close: Close) -> int:
    return close.period


def _first_close(closes: Sequence[Close], entry: int) -> Close:
    place = bisect_right(closes, entry, key=_size)
    if place == len(closes):
        raise VerificationError("ring: the entry has not been closed yet")
    return closes[place]


def _segments(closes: Sequence[Close], first: int) -> Iterator[tuple[Close, int, int]]:
    """The closes with the part of ``[first, …)`` whose first close each is; not the empty ones."""
    start = first
    for close in closes:
        if close.size > start:
            yield close, start, close.size
            start = close.size


def _keys(seed_: bytes, start: int, stop: int) -> list[int]:
    """:func:`shuffle_key` of the entries ``[start, stop)``, written out for speed."""
    from_bytes = int.from_bytes
    return [
        from_bytes(sha256(seed_ + j.to_bytes(8, "little")).digest()[:8], "little")
        for j in range(start, stop)
    ]


def _select(keys: Iterable[int], first: int, count: int, lane: int) -> list[int]:
    mask = count - 1  # count is a power of two
    return [j for j, key in enumerate(keys, first) if key & mask == lane]
