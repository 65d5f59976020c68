"""File system calls of one append fail once, and are once where the process is killed.

``make soak`` tries every single call. ``make test`` tries all but the inner ones of long runs of
equal calls, such as the pages that one commit writes: of those only each tenth.
"""

import os
import signal
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from ledger.tiles import TILE_WIDTH
from tests.faults.oracle import check
from tests.faults.processes import Teller, database, fresh_copy, prepare, teller
from tests.faults.teller import open_store, sell
from tests.faults.tracing import Call, injected, recorded

SALES = TILE_WIDTH - 1  # the next one fills a tile and begins one a level higher
EACH = 1 if "KVITTO_KILLS" in os.environ else 10


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("prepared")
    prepare(database(directory), SALES)
    return directory


@pytest.fixture(scope="module")
def server() -> Iterator[Teller]:
    with teller("serve") as running:
        yield running


def calls_of_one_sale(prepared: Path, server: Teller, directory: Path) -> list[Call]:
    pid = server.tell(fresh_copy(prepared, directory))["ready"]
    with recorded(pid, directory) as calls:
        assert server.tell(SALES) == {"sold": SALES}
    assert server.tell("") == {"ended": 0}
    assert {name for name, _ in calls} >= {"pread64", "pwrite64", "fdatasync", "fcntl"}
    return [call for _, same in groupby(calls, lambda call: call[0]) for call in chosen([*same])]


def chosen(run: list[Call]) -> list[Call]:
    """Of one run of equal calls: the first and the last, and of the others each tenth, or all."""
    return [call for n, call in enumerate(run) if n % EACH == 0 or call is run[-1]]


def check_after(url: str, sold: list[int]) -> bool:
    """Everything is right; whether a sale was recorded after those that were prepared."""
    with open_store(url) as store:
        return check(store, [*range(SALES), *sold]) > SALES


def test_calls_fail_once(prepared: Path, server: Teller, tmp_path: Path) -> None:
    """The answer is clear, and the same process goes on without help."""
    refused = 0
    calls = calls_of_one_sale(prepared, server, tmp_path / "recorded")
    for place, (name, number) in enumerate(calls):
        directory = tmp_path / f"{place}"
        url = fresh_copy(prepared, directory)
        pid = server.tell(url)["ready"]
        with injected(pid, directory, "error=EIO", name, str(number)):
            answer = server.tell(SALES)
        sold = [SALES] if answer.get("sold") == SALES else []
        assert sold or answer == {"refused": "CommitFailed", "clear": True}, (name, number)
        assert server.tell(SALES + 1) == {"sold": SALES + 1}, (name, number)
        assert server.tell("") == {"ended": 0}
        check_after(url, [*sold, SALES + 1])
        refused += not sold
    assert refused > len(calls) // 2


def test_killed_at_calls(prepared: Path, server: Teller, tmp_path: Path) -> None:
    """Who starts it again finds the sale whole or not at all."""
    kept = []
    calls = calls_of_one_sale(prepared, server, tmp_path / "recorded")
    for place, (name, number) in enumerate(calls):
        directory = tmp_path / f"{place}"
        url = fresh_copy(prepared, directory)
        pid = server.tell(url)["ready"]
        with injected(pid, directory, "signal=SIGKILL", name, str(number)):
            answer = server.tell(SALES)
        assert answer == {"ended": -signal.SIGKILL}, (name, number)
        kept.append(check_after(url, []))
        with open_store(url) as store:
            sell(store, SALES)
            sell(store, SALES + 1)
            check(store, range(SALES + 2))
    # Some calls are before the commit and some behind it: a kill was tried on either side.
    assert True in kept
    assert False in kept


def test_a_full_disk_is_a_clear_answer_until_there_is_room(
    prepared: Path, server: Teller, tmp_path: Path
) -> None:
    for writes in (1, 2, 7):
        directory = tmp_path / f"{writes}"
        url = fresh_copy(prepared, directory)
        pid = server.tell(url)["ready"]
        with injected(pid, directory, "error=ENOSPC", "pwrite64", f"{writes}+"):
            for sale in (SALES, SALES + 1, SALES):
                assert server.tell(sale) == {"refused": "CommitFailed", "clear": True}
        for sale in (SALES, SALES + 1):
            assert server.tell(sale) == {"sold": sale}
        assert server.tell("") == {"ended": 0}
        assert check_after(url, [SALES, SALES + 1])
