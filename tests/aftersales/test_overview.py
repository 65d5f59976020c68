"""The numbers of the charts, on the logs that the browser's tests count too."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.overview.make import FOLDER, count

VECTORS = sorted(FOLDER.glob("*.json"))


def _read(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return vector


def _responses(vector: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in vector["overview"]["responses"]]


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_logs_have_the_overview_that_was_counted(path: Path) -> None:
    vector = json.loads(path.read_text("utf-8"))
    assert count(vector["events"], vector["overview"]["purchases"]) == vector["overview"]
    assert len(VECTORS) == 3


def test_each_answer_counts_once_and_a_dropped_one_never() -> None:
    """Counted by hand, from the story in tests/vectors/overview/make.py."""
    assert _responses(_read("all-are-answered")) == [
        ("looked-at", 1, 8, 0, 0, 0, 3 * 3600, 3 * 3600),
        ("refund-14d", 1, 1, 0, 0, 0, 2 * 3600, 2 * 3600),
        ("warranty-2y", 1, 0, 1, 0, 0, 7 * 86_400 + 1, 7 * 86_400 + 1),
    ]


def test_what_waits_is_open_until_its_time_is_over() -> None:
    assert _responses(_read("some-wait")) == [
        ("looked-at", 1, 2, 0, 1, 3, 59, 86_400 + 59),
        ("looked-at", 2, 0, 1, 0, 0, 25 * 3600, 25 * 3600),
    ]


def test_a_log_of_nothing_has_an_overview() -> None:
    assert count([], 0) == {
        "origin": "ledger.example/acme",
        "events": 0,
        "purchases": 0,
        "at": None,
        "claims": [],
        "declines": [],
        "responses": [],
        "voids": [],
    }


def test_order_is_of_the_members_and_not_of_the_log() -> None:
    claims = _read("all-are-answered")["overview"]["claims"]
    rows = [tuple(row.values())[:-1] for row in claims]
    assert rows == sorted(rows)
    assert sum(row["count"] for row in claims) == 8
