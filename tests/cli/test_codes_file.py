"""No code may be lost: not when the service fails, not when the disk does."""

import csv
import errno
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from cli import codes_file
from cli.codes_file import ImportStopped, record_sales
from commitments.errors import KvittoError, Refused
from commitments.sale import parse_day
from issuer.cells import ShopSale
from sdk.errors import UnexpectedAnswer, Unreachable
from tests.cli.terminal import TODAY
from tests.world import KETTLE

SALES = [ShopSale(parse_day(TODAY), KETTLE, price, "EUR", row=price + 2) for price in range(5)]


class Till:
    """Answers with codes, until it is told to fail; sees what is on the disk at each request."""

    def __init__(self, path: Path, failure: KvittoError | None = None, after: int = 0) -> None:
        self.path = path
        self.failure = failure
        self.after = after
        self.rejected: set[int] = set()
        self.sent: list[int] = []
        self.on_disk: list[list[str]] = []

    def __call__(self, sales: list[dict[str, Any]]) -> Any:
        self.on_disk.append(codes_in(self.path))
        if self.failure is not None and len(self.sent) == self.after:
            raise self.failure
        first = sum(self.sent)
        self.sent.append(len(sales))
        return {"rows": [self.row(first + place, sale) for place, sale in enumerate(sales)]}

    def row(self, index: int, sale: dict[str, Any]) -> dict[str, Any]:
        if sale["price"] in self.rejected:
            problem = {"type": "urn:kvitto:problem:future-date", "detail": "no", "field": "date"}
            return {"status": "rejected", "problem": problem}
        return {"status": "accepted", "slip": {"index": index, "code": f"CODE-{index}"}}


def codes_in(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["code"] for row in csv.DictReader(file)]


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes_file, "CHUNK", 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "codes.csv"


def record(till: Till) -> list[int]:
    progress: list[int] = []
    record_sales(SALES, till, till.path, progress.append)
    return progress


def test_codes_are_written_before_the_next_request(path: Path) -> None:
    till = Till(path)
    assert record(till) == [2, 4, 5]
    assert till.sent == [2, 2, 1]
    assert till.on_disk == [[], ["CODE-0", "CODE-1"], [f"CODE-{i}" for i in range(4)]]
    assert codes_in(path) == [f"CODE-{i}" for i in range(5)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_sales_that_are_rejected_are_reported_and_keep_no_other_out(path: Path) -> None:
    till = Till(path)
    till.rejected = {0, 3}
    assert record_sales(SALES, till, path, lambda _: None) == [(2, "date", "no"), (5, "date", "no")]
    assert codes_in(path) == ["CODE-1", "CODE-2", "CODE-4"]
    late = Till(path.with_name("late"), Refused("overdrawn", "no more"), after=2)
    late.rejected = {0, 3}
    with pytest.raises(ImportStopped, match=r"2 of 5 sales are recorded; .*late\)"):
        record(late)


@pytest.mark.parametrize(
    ("failure", "code", "doubt"),
    [
        (Refused("overdrawn", "no more"), "overdrawn", ""),
        (Unreachable("no answer"), "unreachable", "; sales 3 to 4 may be too"),
        (UnexpectedAnswer("rubbish"), "unexpected-answer", "; sales 3 to 4 may be too"),
    ],
    ids=["refused", "no answer", "rubbish"],
)
def test_a_failure_in_the_middle_keeps_the_codes(
    path: Path, failure: KvittoError, code: str, doubt: str
) -> None:
    with pytest.raises(ImportStopped) as caught:
        record(Till(path, failure, after=1))
    assert caught.value.code == code
    kept = f"2 of 5 sales are recorded; their codes are in {path}"
    assert str(caught.value) == f"{failure} ({kept}{doubt})"
    assert codes_in(path) == ["CODE-0", "CODE-1"]


def test_a_failure_at_once_leaves_no_file(path: Path) -> None:
    with pytest.raises(ImportStopped, match=r"0 of 5 sales are recorded\)"):
        record(Till(path, Refused("unauthorised", "no"), after=0))
    assert not path.exists()
    record(Till(path))


@pytest.mark.parametrize(
    "answer",
    [
        *({}, [], {"rows": [{}, {}]}, {"rows": 2}),
        {"rows": [{"status": "accepted", "slip": {"index": 0, "code": "CODE-0"}}]},
        {"rows": [{"status": "accepted"}, {"status": "rejected"}]},
        {"rows": [{"status": "rejected", "problem": []}] * 2},
    ],
)
def test_a_service_that_keeps_codes_to_itself(path: Path, answer: Any) -> None:
    with pytest.raises(ImportStopped, match="a code for each sale"):
        record_sales(SALES, lambda _: answer, path, lambda _: None)


def test_codes_that_the_disk_refuses_are_shown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImportStopped, match="No space left") as caught:
        record(Till(path))
    assert [line.split(",")[1] for line in caught.value.unsaved] == ["code", "CODE-0", "CODE-1"]


def test_codes_that_reach_the_disk_in_part_are_shown(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(ImportStopped, match="File too large") as caught:
            record(Till(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [line.split(",")[1] for line in caught.value.unsaved] == ["code", "CODE-0", "CODE-1"]
    assert path.stat().st_size == 100


def test_nothing_is_sent_when_there_is_a_file(path: Path) -> None:
    path.write_text("precious", "utf-8")
    till = Till(path)
    with pytest.raises(FileExistsError):
        record(till)
    assert (till.sent, path.read_text("utf-8")) == ([], "precious")
