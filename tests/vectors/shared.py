"""Vectors made by others. They lie beside the repository on some machines, not in it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "vectors"
KVITTO = FOLDER / "kvitto-v01.json"
CFRG = FOLDER / "cfrg"

needs_kvitto = pytest.mark.skipif(
    not KVITTO.is_file(), reason="../shared/vectors/kvitto-v01.json is not on this machine"
)
needs_cfrg = pytest.mark.skipif(
    not CFRG.is_dir(), reason="../shared/vectors/cfrg is not on this machine"
)


@cache
def load(path: Path) -> Any:
    """The parsed file; an empty list where there is none, so that nothing is parametrised."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def cfrg(prefix: str) -> list[Any]:
    """All entries of the CFRG files whose names begin so, as parameters named by their id."""
    files = sorted(CFRG.glob(f"{prefix}*.json")) if CFRG.is_dir() else []
    return [pytest.param(entry, id=entry["Id"]) for path in files for entry in load(path)]
