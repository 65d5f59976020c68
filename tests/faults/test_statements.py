"""Every statement of one append fails once, and once is carried out and its answer lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from commitments.errors import Overloaded
from ledger.store import CommitFailed, Store
from ledger.tiles import TILE_WIDTH
from tests.databases import SEALING, Databases, files_of, fresh
from tests.faults.oracle import check
from tests.faults.processes import prepare
from tests.faults.teller import open_store, sell

SALES = TILE_WIDTH - 1


@pytest.fixture(scope="module")
def prepared(databases: Databases) -> Iterator[str]:
    """A database with some sales, which nobody has open."""
    with fresh(databases) as url:
        prepare(url, SALES)
        yield url


@pytest.fixture
def copy(databases: Databases, prepared: str) -> Iterator[str]:
    """One like it."""
    with fresh(databases, template=prepared) as url:
        yield url


class Counter:
    """Counts statements, the commit among them, and lets one of them fail."""

    def __init__(self, failing: int, *, applied: bool) -> None:
        self.count = 0
        self.failing, self.applied = failing, applied

    def before(self, *_context: Any) -> None:
        self._pass(fails=not self.applied)

    def after(self, *_context: Any) -> None:
        self._pass(fails=self.applied)

    def commit(self, connection: Any) -> None:
        if self.applied and self.count + 1 == self.failing:
            connection.connection.commit()
        self.before()
        self.after()

    def _pass(self, *, fails: bool) -> None:
        if not fails:
            return
        self.count += 1
        if self.count == self.failing:
            raise OperationalError("statement", {}, OSError("disk"))


@contextmanager
def failing(engine: Engine, number: int, *, applied: bool) -> Iterator[Counter]:
    counter = Counter(number, applied=applied)
    hooks = [
        ("before_cursor_execute", counter.before),
        ("after_cursor_execute", counter.after),
        ("commit", counter.commit),
    ]
    for name, hook in hooks:
        event.listen(engine, name, hook)
    try:
        yield counter
    finally:
        for name, hook in hooks:
            event.remove(engine, name, hook)


@pytest.mark.parametrize("applied", [False, True])
def test_every_statement_fails_once(
    databases: Databases, prepared: str, copy: str, *, applied: bool
) -> None:
    with open_store(copy) as store, failing(store._writer, 0, applied=applied) as counted:
        sell(store, SALES)
    assert counted.count > 20
    kept = []
    for number in range(1, counted.count + 1):
        with fresh(databases, template=prepared) as url, open_store(url) as store:
            with failing(store._writer, number, applied=applied), pytest.raises(CommitFailed):
                sell(store, SALES)
            kept.append(check(store, range(SALES)) > SALES)
            sell(store, SALES)
            sell(store, SALES + 1)
            assert check(store, range(SALES + 2)) == SALES + 2
    # Only the last statement, the commit, can have been carried out when its answer is lost.
    assert kept == [False] * (len(kept) - 1) + [applied]


def test_a_database_that_cannot_be_read_for_a_while(copy: str) -> None:
    with open_store(copy) as store:
        with failing(store._reader, 1, applied=False), pytest.raises(Overloaded), store.log("any"):
            pytest.fail("it was read")
        assert check(store, range(SALES)) == SALES


def test_a_reader_keeps_its_own_mistakes(copy: str) -> None:
    with open_store(copy) as store, pytest.raises(DatabaseError), store.read() as connection:
        connection.exec_driver_sql("INSERT INTO logs (id) VALUES (NULL)")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_database_that_is_gone_for_a_while(copy: str, tmp_path: Path) -> None:
    (file,) = files_of(copy)
    with Store(copy, sealing=SEALING) as store:
        file.parent.rename(tmp_path / "away")
        with pytest.raises(CommitFailed):
            sell(store, SALES)
        with pytest.raises(Overloaded), store.log("any"):
            pytest.fail("it was read")
        (tmp_path / "away").rename(file.parent)
        sell(store, SALES)
        assert check(store, range(SALES + 1)) == SALES + 1
