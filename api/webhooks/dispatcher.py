"""Sends what the outbox has, to many endpoints at once and to each one message after the other."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from api.problems import log_unexpected
from api.webhooks.outbox import Attempt, Batch, Outbox
from api.webhooks.sending import Sender
from api.webhooks.signing import signed_headers
from commitments.clock import Clock, unix_seconds
from ledger.metrics import WEBHOOKS

__all__ = ["Dispatcher"]

_AT_ONCE = 64  # endpoints; each takes a socket, and one that hangs takes it for 15 s
_LOOK = 1.0  # seconds from one look into the database to the next, while nothing happens
_AFTER_ERROR = 5.0
_BATCH_SECONDS = 10.0  # after which what came of a batch is noted, and the rest taken again
_GRACE = 3.0  # seconds for what is being sent when the service stops


class Dispatcher:
    """Sends from ``outbox`` by ``sender``; one for each lifespan of the application."""

    def __init__(self, outbox: Outbox, sender: Sender, clock: Clock) -> None:
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._attempts: list[Attempt] = []
        self._wake = asyncio.Event()
        self._stopped = False

    async def run(self) -> None:
        """Send until :meth:`stop`."""
        while not self._stopped:
            pause = _LOOK
            try:
                await self.turn()
            except Exception as error:  # noqa: BLE001 - tried again later
                log_unexpected(error)
                pause = _AFTER_ERROR
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()
        await self._finish()

    def stop(self) -> None:
        """End :meth:`run` soon. What is not sent by then is sent by whoever comes next."""
        self._stopped = True
        self._wake.set()

    async def turn(self) -> None:
        """Note what has come back, and begin to send what is due."""
        busy = tuple(self._sending)  # before it is noted: who is not busy has been noted
        await self._note()
        for batch in await asyncio.to_thread(self._outbox.take, busy, _AT_ONCE - len(busy)):
            self._sending[batch.endpoint] = asyncio.create_task(self._send(batch))

    async def _send(self, batch: Batch) -> None:
        """One after the other, until one fails: then the endpoint rests."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _BATCH_SECONDS
        try:
            for message in batch.messages:
                moment = self._clock()
                headers = signed_headers(batch.keys, message.id, moment, message.body)
                outcome = await self._sender.send(batch.url, headers, message.body)
                WEBHOOKS.labels(outcome.error or "delivered").inc()
                tried = unix_seconds(moment)
                self._attempts.append(Attempt(batch.endpoint, message, tried, outcome))
                if outcome.error is not None or loop.time() > until:
                    break
        finally:
            del self._sending[batch.endpoint]
            self._wake.set()

    async def _note(self) -> None:
        noted: Sequence[Attempt] = tuple(self._attempts)
        await asyncio.to_thread(self._outbox.note, noted)
        del self._attempts[: len(noted)]  # not before: what could not be noted is noted later

    async def _finish(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=_GRACE)
        unfinished = tuple(self._sending.values())
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        try:
            await self._note()
            await asyncio.to_thread(self._outbox.lease.release)
        except Exception as error:  # noqa: BLE001 - the service stops all the same
            log_unexpected(error)
