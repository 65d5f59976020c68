"""Reading logs for many at once: what never changes is kept, what changes is read once for all."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from fastapi.concurrency import run_in_threadpool

__all__ = ["KeptTiles", "SharedReads"]

T = TypeVar("T")

_MOST_BYTES = 1 << 25  # of tiles and bundles: some 4,000 full tiles
_ENTRY_BYTES = 200  # what Python takes beside the content


class KeptTiles:
    """Tiles and bundles that were asked for last, by origin, path and coding.

    Used by the loop's thread alone.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str, bool], bytes] = OrderedDict()

    def get(self, key: tuple[str, str, bool]) -> bytes | None:
        """The content, if it is kept."""
        content = self._kept.get(key)
        if content is not None:
            self._kept.move_to_end(key)
        return content

    def put(self, key: tuple[str, str, bool], content: bytes) -> None:
        """Keep it, in the place of what nobody has asked for longest."""
        if key in self._kept:
            return
        self._kept[key] = content
        self._bytes += len(content) + _ENTRY_BYTES
        while self._bytes > self._most:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped) + _ENTRY_BYTES


class SharedReads(Generic[T]):
    """Reads by key, each done once for all who wait for it.

    Nobody gets what was read before they asked: who comes while one runs waits for the next. So
    whoever has been told of a write reads it, however many others read.
    """

    def __init__(self, read: Callable[[str], T]) -> None:
        self._read = read
        self._running: dict[str, asyncio.Task[T]] = {}
        self._waiting: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str) -> T:
        """What ``read(key)`` gives, in a thread; raises what it raises."""
        task = self._waiting.get(key)
        if task is None:
            task = asyncio.create_task(self._next(key, self._running.get(key)))
            task.add_done_callback(partial(self._done, key))
            self._waiting[key] = task
        return await asyncio.shield(task)  # one who goes away takes it from nobody

    async def _next(self, key: str, before: "asyncio.Task[T] | None") -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running[key] = self._waiting.pop(key)  # from here on it is too late to join
        return await run_in_threadpool(self._read, key)

    def _done(self, key: str, task: "asyncio.Task[T]") -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # heard of, also if all who waited have gone
