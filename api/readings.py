"""Each merchant's logs, read as an auditor reads them, and kept up to date in memory.

A log is first read when somebody asks what is in it, in portions of some milliseconds with a rest
between them, so that whoever claims meanwhile hardly notices. Each process reads for itself. Those
that nobody has asked for longest are forgotten when there are more than the memory is for.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from api.problems import log_unexpected
from api.stopping import Stopping
from api.tagged import Tagged
from api.unread import NotRead
from auditor.record import Record
from auditor.replay import Replay
from commitments.group import Group
from ledger.events import events_origin
from ledger.log import Log
from ledger.store import Store

__all__ = ["Reading", "Readings"]

_PORTION_SECONDS = 0.01
_REST_SECONDS = 0.005
_PATIENCE = 0.9  # seconds; whoever waits for longer is told how far it is
_PURCHASES, _EVENTS = 200, 20  # entries between looks at the clock
_PURCHASE_BYTES, _EVENT_BYTES = 200, 1600  # as measured on 100,000 purchases with 10,000 claims
_MEGABYTE = 1 << 20
_KEPT_FOR = 10  # times as long as it took to make it


@dataclass(frozen=True)
class _Sizes:
    """How many entries there are to read of each log, and how many purchases readers see."""

    purchases: int = 0
    shown: int = 0
    events: int = 0

    @property
    def all(self) -> int:
        return self.purchases + self.events

    @property
    def bytes(self) -> int:
        return self.purchases * _PURCHASE_BYTES + self.events * _EVENT_BYTES


@dataclass(frozen=True)
class _Kept:
    """An answer: of which state it is, and until when it does for later ones."""

    state: tuple[object, ...]
    until: float
    answer: Tagged


class Reading:
    """Both logs of a merchant, as far as they were read. Used by one thread at a time."""

    def __init__(self, origin: str, group: Group) -> None:
        self.origin = origin
        self.purchases = 0
        self.events = 0
        self.is_whole = False
        self.sizes = _Sizes()
        self._at_end = True
        self._replay = Replay(origin, group, self._root_at)
        self._log: Log | None = None
        self._kept: dict[str, _Kept] = {}

    @property
    def replay(self) -> Replay:
        """What the rules say of what was read."""
        return self._replay

    @property
    def record(self) -> Record | None:
        """The facts of what was read; ``None`` for logs that declare nothing."""
        return self._replay.record

    @property
    def at(self) -> str | None:
        """The time of the last event that was read."""
        return self.record.times[-1] if self.record is not None else None

    def read(self, store: Store) -> bool:
        """Read a portion; whether that was the end, as it stood when the first portion began."""
        until = time.monotonic() + _PORTION_SECONDS
        with store.read() as connection:
            self._log = Log(connection, self.origin)
            events = Log.published(connection, events_origin(self.origin))
            if self._at_end:
                shown = Log.published(connection, self.origin).size
                self.sizes = _Sizes(self._log.size, shown, events.size)
                self._at_end = False
            while not self._at_end:
                self._read_some(self._log, events)
                if time.monotonic() >= until:
                    break
        return self._at_end

    def answer(self, name: str, now: str, make: Callable[["Reading", str], Tagged]) -> Tagged:
        """The answer of this name, made anew when there is more to say and it is worth it.

        ``now`` is an event time. Who makes answers often must not keep the process busy: one that
        took long to make does for a while.
        """
        kept, start = self._kept.get(name), time.monotonic()
        state = (self.purchases, self.events, self.sizes, now[: len("2026-11-22T12:00")])
        if kept is None or (kept.state != state and kept.until <= start):
            made = make(self, now)
            end = time.monotonic()
            kept = self._kept[name] = _Kept(state, end + _KEPT_FOR * (end - start), made)
        return kept.answer

    def _read_some(self, purchases: Log, events: Log) -> None:
        if self.purchases < self.sizes.purchases:
            self._read_purchases(purchases)
        elif self.events < self.sizes.events:
            self._read_events(events)
        else:
            self._replay.settle()
            self._at_end = self.is_whole = True

    def _read_purchases(self, log: Log) -> None:
        stop = min(self.purchases + _PURCHASES, self.sizes.purchases)
        for entry in log.entries(self.purchases, stop):
            self._replay.purchase(self.purchases, entry)
            self.purchases += 1

    def _read_events(self, log: Log) -> None:
        stop = min(self.events + _EVENTS, self.sizes.events)
        for entry in log.entries(self.events, stop):
            self._replay.event(self.events, entry)
            self.events += 1
        self._replay.take_proofs()  # which this service has verified when it decided

    def _root_at(self, size: int) -> bytes | None:
        if self._log is None or size > self._log.size:
            return None
        return self._log.root(size)


class Readings:
    """All readings of a process, which belong to its event loop."""

    def __init__(self, store: Store, group: Group, stopping: Stopping, megabytes: int) -> None:
        self._store = store
        self._group = group
        self._stopping = stopping
        self._most_bytes = megabytes * _MEGABYTE
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(1)  # of one portion or answer at a time

    async def answer(
        self, origin: str, name: str, now: str, make: Callable[[Reading, str], Tagged]
    ) -> Tagged:
        """What ``make`` says of the logs of ``origin``, as :meth:`Reading.answer` keeps it.

        :class:`NotRead` where it would be said of a part of them.
        """
        reading = await self._read(origin)
        async with self._turn:
            return await asyncio.to_thread(reading.answer, name, now, make)

    async def close(self) -> None:
        """Read no more; the service has been told to stop."""
        for task in list(self._tasks.values()):
            await asyncio.wait([task])

    async def _read(self, origin: str) -> Reading:
        """The reading of all that was in the logs when it was asked for, if that can be soon."""
        deadline = time.monotonic() + _PATIENCE
        if (before := self._tasks.get(origin)) is not None:
            await asyncio.wait([before], timeout=_PATIENCE)
        if origin not in self._tasks:
            self._tasks[origin] = asyncio.create_task(self._catch_up(origin))
            self._tasks[origin].add_done_callback(partial(self._done, origin))
        task = self._tasks[origin]
        left = deadline - time.monotonic()
        done, _ = await asyncio.wait([task], timeout=max(left, 0))
        if done:
            task.result()
        reading = self._readings.get(origin)
        if reading is None or not reading.is_whole:
            read = 0 if reading is None else reading.purchases + reading.events
            of = 0 if reading is None else reading.sizes.all
            raise NotRead(f"{read} of {of} entries are read", later=True)
        return reading

    def _done(self, origin: str, task: "asyncio.Task[None]") -> None:
        del self._tasks[origin]
        if not task.cancelled():
            task.exception()  # heard of, also if all who waited have gone

    async def _catch_up(self, origin: str) -> None:
        reading = self._readings.setdefault(origin, Reading(origin, self._group))
        self._readings.move_to_end(origin)
        try:
            while not self._stopping:
                async with self._turn:
                    at_end = await asyncio.to_thread(reading.read, self._store)
                self._make_room(reading)
                if at_end:
                    return
                await asyncio.sleep(_REST_SECONDS)
        except Exception as error:
            self._readings.pop(origin, None)  # it may have read half of something
            if not isinstance(error, NotRead):
                log_unexpected(error)
            raise

    def _make_room(self, reading: Reading) -> None:
        if reading.sizes.bytes > self._most_bytes:
            raise NotRead("the logs are larger than this service reads", later=False)
        for origin in [*self._readings]:
            if sum(each.sizes.bytes for each in self._readings.values()) <= self._most_bytes:
                return
            if origin not in self._tasks:
                del self._readings[origin]
