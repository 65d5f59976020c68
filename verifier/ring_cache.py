"""Decoded rings, kept as long as all of them together are not too many members."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from ledger.metrics import RINGS
from ledger.rings import RingName
from zk.statement import Ring

__all__ = ["RingCache", "RingKey"]

RingKey = tuple[str, RingName]
"""An origin and a ring of its log: what they name never changes."""
Kept = tuple[bytes, Ring]
"""The log's root at the ring's size, and the ring."""


class RingCache:
    """The rings asked for last, up to ``capacity`` members in all; any thread may ask."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[RingKey, Kept] = OrderedDict()
        self._members = 0
        self._lock = Lock()

    def __contains__(self, key: RingKey) -> bool:
        with self._lock:
            return key in self._kept

    def get(self, key: RingKey, make: Callable[[], Kept]) -> Kept:
        """What is kept under ``key``, or what ``make`` gives, which is kept from now on."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        RINGS.labels("miss" if kept is None else "hit").inc()
        if kept is not None:
            return kept
        made = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._members += len(made[1])
            while self._members > self._capacity and len(self._kept) > 1:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._members -= len(dropped)
        return made
