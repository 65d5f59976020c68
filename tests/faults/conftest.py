import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import OwnPostgresql, Postgresql


@pytest.fixture
def own_postgresql(postgresql: Postgresql | None) -> Iterator[OwnPostgresql]:
    """A server that nobody else uses. Where there is one for all, there can be another."""
    assert postgresql is not None
    directory = Path(tempfile.mkdtemp(prefix="kvitto-postgresql-"))
    opened = OwnPostgresql(directory)
    yield opened
    opened.close()
    shutil.rmtree(directory)
