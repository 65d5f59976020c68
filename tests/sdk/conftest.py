import pytest

from tests.sdk.shop_server import ShopServer
from tests.world import WARRANTY, World

DECOYS = 8


@pytest.fixture
def server(world: World) -> ShopServer:
    """A shop with some customers and a warranty."""
    world.buy(*(world.sale() for _ in range(DECOYS)))
    world.publish(WARRANTY)
    return ShopServer(world)
