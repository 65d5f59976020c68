"""The shop of ``tests/world.py`` with webhooks, and the process that sends them."""

import asyncio

from api.webhooks.deliveries import Delivery
from api.webhooks.dispatcher import Dispatcher
from api.webhooks.endpoints import Endpoint
from api.webhooks.webhooks import Webhooks
from commitments.clock import unix_seconds
from tests.api.receivers import LOOPBACK, Receiver
from tests.databases import SEALING
from tests.world import World

__all__ = ["QUICK", "Hooks", "land", "settle"]

QUICK = 0.5
"""Seconds that a receiver has for its answer."""


class Hooks:
    """A shop with webhooks, and the process that sends them."""

    def __init__(self, world: World, database: str) -> None:
        self.world = world
        self.database = database
        self.webhooks = self.process()

    def process(self) -> Webhooks:
        """Another process on the same database."""
        webhooks = Webhooks(self.database, self.world.clock, SEALING, LOOPBACK)
        webhooks.sender._patience = QUICK
        return webhooks

    @property
    def now(self) -> int:
        return unix_seconds(self.world.clock())

    def hook(self, receiver: Receiver | str, *types: str) -> Endpoint:
        url = receiver if isinstance(receiver, str) else receiver.url
        endpoints = self.webhooks.endpoints
        created = endpoints.create(self.world.merchant, url, types or None, "")
        return endpoints.find(self.world.merchant, created["id"])

    def happen(self, count: int = 1) -> range:
        """So many closes, which are events; their indices."""
        _, before = self.world.sizes()
        for _ in range(count):
            self.world.close()
        return range(before, before + count)

    def send(self, webhooks: Webhooks | None = None) -> None:
        """All that is due, and all that comes to be due meanwhile."""
        asyncio.run(settle((webhooks or self.webhooks).dispatcher()))

    def deliveries(self, endpoint: Endpoint, state: str | None = None) -> list[Delivery]:
        """Oldest first."""
        return self.webhooks.deliveries.of(self.world.merchant, endpoint, state, None, 1000)[::-1]

    def states(self, endpoint: Endpoint) -> list[str]:
        return [delivery.state for delivery in self.deliveries(endpoint)]

    def find(self, endpoint: Endpoint) -> Endpoint:
        return self.webhooks.endpoints.find(self.world.merchant, endpoint.id)

    def enable(self, endpoint: Endpoint, *, enabled: bool = True) -> Endpoint:
        return self.webhooks.endpoints.change(
            self.world.merchant, endpoint.id, endpoint.url, endpoint.types, "", enabled=enabled
        )


async def settle(dispatcher: Dispatcher) -> None:
    while True:
        await dispatcher.turn()
        if not dispatcher._sending:
            return
        await land(dispatcher)


async def land(dispatcher: Dispatcher) -> None:
    """Wait for all that is being sent."""
    if dispatcher._sending:
        await asyncio.wait(dispatcher._sending.values())
