import os
from collections.abc import Iterator

import pytest

from tests.auditor.logs import Logs
from tests.auditor.told import Told, told_story
from tests.databases import Sqlite


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """No test here cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="session")
def told(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The logs of :mod:`tests.auditor.story`."""
    return told_story(sqlite, tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="session")
def honest(told: Told) -> Logs:
    """The same, in memory."""
    return told.logs
