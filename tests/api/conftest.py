from collections.abc import Iterator

import pytest

from tests.api.receivers import Receiver
from tests.api.shop import Shop
from tests.api.webhook_shop import Hooks
from tests.world import World


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with Shop(database) as opened:
        yield opened


@pytest.fixture
def hooks(world: World, database: str) -> Iterator[Hooks]:
    opened = Hooks(world, database)
    yield opened
    opened.webhooks.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as opened:
        yield opened
