"""How hard the property tests look: HYPOTHESIS_PROFILE=quick (the default), fuzz or soak."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.world import World

# quick repeats the same examples, so that a red run is red again; the others search anew.
settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("fuzz", max_examples=2_000, deadline=None, print_blob=True)
settings.register_profile("soak", max_examples=100_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A shop with its logs, without HTTP."""
    with World(tmp_path) as world:
        yield world
