"""The logs are read once more: an honest merchant's hold, and each broken rule is named."""

import pytest

from tests.auditor.logs import Logs, read_logs
from tests.auditor.story import tell
from tests.databases import Sqlite, fresh
from tests.world import World


@pytest.fixture(scope="session")
def honest(sqlite: Sqlite) -> Logs:
    """The logs of :mod:`tests.auditor.story`."""
    with fresh(sqlite) as url, World(url) as world:
        tell(world)
        return read_logs(world.store)


def test_an_honest_log_of_everything_gives_no_disagreement(honest: Logs) -> None:
    replay = honest.replay()
    assert replay.disagreements == []
