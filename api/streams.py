"""Events as they come (WHATWG HTML, *Server-sent events*), for many who watch at once.

A stream costs no thread and no connection to the database. One task of the process asks once a
second how far the watched logs have come, and only while somebody watches; what is new is read
once for all. Who reads too slowly is let go, and goes on later where it stopped.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.head import is_head
from api.problems import log_unexpected
from api.stopping import Stopping
from commitments.errors import Overloaded
from commitments.wire import canonical_json
from ledger.events import events_origin, parse_event, purchases_origin
from ledger.log import Log, published_sizes
from ledger.metrics import STREAMS
from ledger.store import Store
from verifier.watching import Interest

__all__ = ["EventStream", "Streams", "frame"]

EVENTS = "text/event-stream"

_LOOK_SECONDS = 1.0
_HEARTBEAT_SECONDS = 15.0  # proxies end what is silent for a minute
_PATIENCE = 30.0  # seconds for a client to take what is sent
_LAST_WORD = 1.0  # seconds for the end of an answer to reach who is let go
_MOST_STREAMS = 1000  # of one process; each is about 50 kB
_MOST_WAITING = 64  # events for one client
_MOST_READ = 500  # events of one log at a time
_READING = 4  # clients at a time that are told what they have missed

_HEARTBEAT = b":\n\n"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy would wait for more
}

Event = Mapping[str, Any]
Events = Sequence[tuple[int, Event]]


def frame(position: int, event: Event) -> bytes:
    """An event as it is sent: its place in the log, its type, and the rest without its proof."""
    said = {name: value for name, value in event.items() if name != "proof"}
    lines = (b"id: %d" % position, b"event: " + event["type"].encode("utf-8"))
    return b"\n".join((*lines, b"data: " + canonical_json(said), b"", b""))


class _Log:
    """An event log that is watched: how far it has been read, by whom, and who has kept up."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.watchers: set[EventStream] = set()
        self.live: set[EventStream] = set()

    def tell(self, events: Events) -> None:
        for position, event in events:
            takers = [stream for stream in self.live if stream.interest.takes(event)]
            if takers:
                framed = frame(position, event)
                for stream in takers:
                    stream.put(framed)


class Streams:
    """All streams of a process, which live in its event loop."""

    def __init__(self, store: Store, stopping: Stopping) -> None:
        self._store = store
        self._stopping = stopping
        self._logs: dict[str, _Log] = {}
        self._open: set[EventStream] = set()
        self._looking: asyncio.Task[None] | None = None
        self._reading = asyncio.Semaphore(_READING)

    def open(self, interest: Interest, start: int | None) -> "EventStream":
        """The answer that streams what is of interest from the place ``start`` on, or from now on.

        ``Overloaded`` when there are too many streams, or the service stops.
        """
        self._stopping.require_running()
        if len(self._open) >= _MOST_STREAMS:
            raise Overloaded("too many streams are open")
        return EventStream(self, interest, start)

    async def close(self) -> None:
        """End all streams; the service has been told to stop."""
        for stream in list(self._open):
            stream.stop()
        if self._looking is not None:
            await self._looking

    # ---- what a stream asks for

    def enter(self, stream: "EventStream") -> None:
        """Count a stream that begins."""
        self._open.add(stream)
        STREAMS.set(len(self._open))

    async def catch_up(self, stream: "EventStream", start: int | None) -> None:
        """Send what a stream has missed; from then on it is given what comes."""
        log = await self._watched(stream)
        position = log.size if start is None else min(start, log.size)
        while position < log.size:
            async with self._reading:
                events, position = await asyncio.to_thread(
                    self._missed, stream.interest, position, log.size
                )
            for place, event in events:
                await stream.send(frame(place, event))
        log.live.add(stream)

    def leave(self, stream: "EventStream") -> None:
        """Forget a stream."""
        self._open.discard(stream)
        STREAMS.set(len(self._open))
        origin = stream.interest.origin
        if log := self._logs.get(origin):
            log.live.discard(stream)
            log.watchers.discard(stream)
            if not log.watchers:
                del self._logs[origin]

    # ---- inside

    async def _watched(self, stream: "EventStream") -> _Log:
        origin = stream.interest.origin
        if origin not in self._logs:
            size = (await asyncio.to_thread(self._sizes, [origin])).get(origin, 0)
            self._logs.setdefault(origin, _Log(size))
        log = self._logs[origin]
        log.watchers.add(stream)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return log

    async def _look(self) -> None:
        while self._logs and not self._stopping:
            try:
                behind = await self._tell_news()
            except Exception as error:  # noqa: BLE001 - tried again in a second
                log_unexpected(error)
                behind = False
            if not behind:
                await asyncio.sleep(_LOOK_SECONDS)
        self._looking = None
        if self._stopping:  # else somebody may have come who is not among the watchers yet
            for stream in list(self._open):
                stream.stop()

    async def _tell_news(self) -> bool:
        """Read what is new, and tell; whether there is more."""
        known = {origin: log.size for origin, log in self._logs.items()}
        sizes = await asyncio.to_thread(self._sizes, list(known))
        news = {
            origin: range(size, min(sizes[origin], size + _MOST_READ))
            for origin, size in known.items()
            if size < sizes.get(origin, 0)
        }
        read = await asyncio.to_thread(self._read, news) if news else {}
        for origin, log in list(self._logs.items()):
            if origin in read:
                log.tell(read[origin])
                log.size = news[origin].stop
            elif origin in known and origin not in sizes:  # a sandbox that was thrown away
                for stream in list(log.watchers):
                    stream.stop()
        return any(places.stop < sizes[origin] for origin, places in news.items())

    def _sizes(self, origins: Sequence[str]) -> dict[str, int]:
        with self._store.read() as connection:
            sizes = published_sizes(connection, [events_origin(origin) for origin in origins])
        return {purchases_origin(origin): size for origin, size in sizes.items()}

    def _read(self, news: Mapping[str, range]) -> dict[str, Events]:
        with self._store.read() as connection:
            logs = {origin: Log(connection, events_origin(origin)) for origin in news}
            return {
                origin: [
                    (position, parse_event(entry))
                    for position, entry in enumerate(
                        logs[origin].entries(places.start, places.stop), places.start
                    )
                ]
                for origin, places in news.items()
            }

    def _missed(self, interest: Interest, start: int, stop: int) -> tuple[Events, int]:
        with self._store.read() as connection:
            return interest.missed(connection, start, stop)


class EventStream(Response):
    """An answer that goes on for as long as both sides want it."""

    media_type = EVENTS

    def __init__(self, streams: Streams, interest: Interest, start: int | None) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["Content-Length"]
        self.interest = interest
        self._streams = streams
        self._start = start
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client has left, reads too slowly, or the service stops (ASGI)."""
        self._send = send
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        if not is_head(scope):
            await self._stream(receive)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORD):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    def put(self, framed: bytes) -> None:
        """Send it when what came before is sent; who is too slow for that is let go."""
        try:
            self._waiting.put_nowait(framed)
        except asyncio.QueueFull:
            self.stop()

    def stop(self) -> None:
        """End the stream. A frame is sent whole or not at all."""
        if self._sending is not None:
            self._sending.cancel()

    async def send(self, framed: bytes) -> None:
        """Send it now; ``TimeoutError`` when the client does not take it."""
        async with asyncio.timeout(_PATIENCE):
            await self._send({"type": "http.response.body", "body": framed, "more_body": True})

    async def _stream(self, receive: Receive) -> None:
        self._streams.enter(self)
        self._sending = asyncio.create_task(self._send_all())
        leaving = asyncio.create_task(_left(receive))
        tasks = self._sending, leaving
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended, _ = await asyncio.gather(*tasks, return_exceptions=True)
            self._streams.leave(self)
        if isinstance(ended, Exception) and not isinstance(ended, TimeoutError):
            log_unexpected(ended)

    async def _send_all(self) -> None:
        await self.send(_HEARTBEAT)  # so that the client knows that it is open
        await self._streams.catch_up(self, self._start)
        while True:
            try:
                framed = await asyncio.wait_for(self._waiting.get(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                framed = _HEARTBEAT
            await self.send(framed)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
