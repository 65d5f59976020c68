"""Alive is not ready: what an orchestrator and a load balancer are told."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from api.options import Options
from api.readiness import NotReady, Readiness
from commitments.errors import Overloaded
from ledger.cosigning import Publisher
from ledger.group_commit import CommitFailed
from ledger.store import Store
from tests.api.shop import SALE, Shop
from tests.databases import Sqlite, fresh


@pytest.fixture
def quiet(sqlite: Sqlite) -> Iterator[Shop]:
    with fresh(sqlite) as database, Shop(database) as opened:
        yield opened


class _Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_service_that_can_write_is_ready(shop: Shop) -> None:
    before = shop.state()
    assert shop.get("/readyz").json() == {"status": "ok"}
    assert shop.state() == before


def test_a_database_that_takes_no_writes(quiet: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise CommitFailed("not confirmed")

    monkeypatch.setattr(Store, "commit", fail)
    answer = quiet.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:kvitto:problem:not-ready")
    assert answer.json()["detail"] == "the database cannot be written"
    assert quiet.get("/healthz").is_success  # to start it again would help nobody


def test_a_database_of_a_later_version(quiet: Shop) -> None:
    with quiet.store._writer.begin() as connection:
        before = connection.scalar(text("SELECT version_num FROM alembic_version"))
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    assert quiet.get("/readyz").json()["detail"] == "the database is of another version"
    with quiet.store._writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": before})


def test_many_who_ask_cause_one_write(quiet: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    commit = Store.commit

    def counted(*arguments: Any) -> Any:
        writes.append(1)
        return commit(*arguments)

    monkeypatch.setattr(Store, "commit", counted)
    time = _Time()
    readiness = Readiness(quiet.store, None, None, time)
    for _ in range(3):
        readiness.require()
    assert len(writes) == 1
    time.now += 5
    readiness.require()
    assert len(writes) == 2


def test_a_full_queue_of_writers_is_not_a_broken_database(
    quiet: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Overloaded("too many are waiting already")

    monkeypatch.setattr(Store, "commit", refuse)
    Readiness(quiet.store, None, None).require()


def test_a_witness_that_fails_too_long(quiet: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = Publisher(quiet.store, [])
    monkeypatch.setattr(publisher, "failing_for", lambda: {"w1": 61.0, "w2": 59.0})
    with pytest.raises(NotReady, match=r"no answer from w1$"):
        Readiness(quiet.store, publisher, 60).require()
    Readiness(quiet.store, publisher, 61).require()
    Readiness(quiet.store, publisher, None).require()
    publisher.close()


def test_who_is_stopping_is_not_ready_and_begins_no_claims(quiet: Shop) -> None:
    bought, _, _ = quiet.open_for_claims()
    claim = quiet.claim_body(bought)
    quiet.app.state.service.stopping.begin()
    assert quiet.get("/readyz").json()["detail"] == "the service is stopping"
    refused = quiet.post("claims", claim)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert quiet.post("transfers", {}).status_code == 503
    assert quiet.get("/healthz").is_success
    assert quiet.write("sales", {"sales": [SALE]}).is_success


def test_options_are_never_negative() -> None:
    for name in ("drain_seconds", "ready_witnesses"):
        with pytest.raises(ValueError, match="greater than or equal to 0"):
            Options(**{name: -1})
