"""The parts of webhooks, put together for a service."""

from asyncio import to_thread
from secrets import token_hex
from typing import Any, cast

from api.webhooks.deliveries import Deliveries
from api.webhooks.destinations import Destinations
from api.webhooks.dispatcher import Dispatcher
from api.webhooks.endpoints import Endpoint, Endpoints
from api.webhooks.messages import message_id, test_message
from api.webhooks.outbox import Outbox
from api.webhooks.sending import Sender
from api.webhooks.signing import signed_headers
from commitments.clock import Clock
from commitments.errors import Overloaded
from issuer.merchants import Merchant
from ledger.once import Once, unless_done
from ledger.sealing import SealingKey
from ledger.store import Store

__all__ = ["Webhooks"]

_TESTS_AT_ONCE = 8


class Webhooks:
    """Webhooks of the service whose database is at ``url``.

    They have a store of their own, and so transactions of their own: in one that also appends to
    logs, two processes could wait for a row of theirs and for a log in either order.
    """

    def __init__(
        self, url: str, clock: Clock, sealing: SealingKey, destinations: Destinations
    ) -> None:
        self._store = Store(url, sealing=sealing)
        self._clock = clock
        self._testing: set[str] = set()
        self.sender = Sender(destinations)
        self.endpoints = Endpoints(self._store, clock, sealing, destinations)
        self.deliveries = Deliveries(self._store, clock)
        self.outbox = Outbox(self._store, clock, sealing)

    def close(self) -> None:
        """Let go of threads and connections."""
        self.sender.close()
        self._store.close()

    def dispatcher(self) -> Dispatcher:
        """Who sends, for one lifespan of the application."""
        return Dispatcher(self.outbox, self.sender, self._clock)

    async def test(
        self, merchant: Merchant, identifier: str, once: Once | None = None
    ) -> dict[str, Any]:
        """Send a test message at once, also to an endpoint that is disabled; what came of it.

        ``Overloaded`` while one is being sent to it, or many are to others; errors of a webhook
        that there is not as :meth:`Endpoints.find`.
        """
        endpoint = await to_thread(self.endpoints.find, merchant, identifier)
        done = None if once is None else await to_thread(self._done, once)
        if done is not None:
            return done
        if endpoint.id in self._testing or len(self._testing) >= _TESTS_AT_ONCE:
            raise Overloaded("a test is being sent already")
        self._testing.add(endpoint.id)
        try:
            result = await self._test(merchant, endpoint)
        finally:
            self._testing.remove(endpoint.id)
        if once is not None:
            unit = unless_done(lambda _transaction: result, once)
            await to_thread(self._store.commit, unit, merchant.origin)
        return result

    def _done(self, once: Once) -> dict[str, Any] | None:
        with self._store.read() as connection:
            return cast("dict[str, Any] | None", once.find(connection))

    async def _test(self, merchant: Merchant, endpoint: Endpoint) -> dict[str, Any]:
        keys = await to_thread(self.endpoints.keys, endpoint)
        moment = self._clock()
        body = test_message(merchant.id, moment)
        identifier = message_id(merchant.origin, f"test_{token_hex(8)}")
        headers = signed_headers(keys, identifier, moment, body)
        outcome = await self.sender.send(endpoint.url, headers, body)
        delivered = outcome.error is None
        return {"delivered": delivered, "status": outcome.status, "error": outcome.error}
