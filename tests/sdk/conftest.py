import gc
from collections.abc import Iterator

import pytest

from tests.databases import Databases, Sqlite
from tests.sdk.shop_server import ShopServer
from tests.world import WARRANTY, World

DECOYS = 8


@pytest.fixture(scope="session")
def databases(sqlite: Sqlite) -> Databases:
    """What a buyer is served does not depend on the engine: one is enough."""
    return sqlite


@pytest.fixture
def server(world: World) -> ShopServer:
    """A shop with some customers and a warranty."""
    world.buy(*(world.sale() for _ in range(DECOYS)))
    world.publish(WARRANTY)
    return ShopServer(world)


@pytest.fixture
def ordinary_collector() -> Iterator[None]:
    """Garbage goes as it does for everybody, who may measure memory."""
    of_the_tests = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*of_the_tests)
