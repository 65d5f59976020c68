from collections.abc import Iterator

import pytest

from tests.api.shop import Shop


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with Shop(database) as opened:
        yield opened
