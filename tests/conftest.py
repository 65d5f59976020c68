"""How hard the property tests look: HYPOTHESIS_PROFILE=quick (the default), fuzz or soak."""

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

import ledger.sqlite
from tests.databases import Databases, Postgresql, Sqlite, begin_session, end_session, fresh
from tests.world import World

# quick repeats the same examples, so that a red run is red again; the others search anew.
settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("fuzz", max_examples=2_000, deadline=None, print_blob=True)
settings.register_profile("soak", max_examples=100_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        begin_session()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        end_session()


def pytest_collection_finish() -> None:
    """Thousands of tests and what they import stay until the end: no collector looks at them.

    Otherwise it looks at them again and again, which is a twelfth of all the work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Statements are compiled once for all engines of a kind.

    SQLAlchemy does it for each engine, of which a service has two and the tests have thousands.
    """
    begin, compiled = Engine.__init__, LRUCache[Any, Any](5000)

    def sharing(engine: Engine, *arguments: Any, **options: Any) -> None:
        begin(engine, *arguments, **options)
        engine._compiled_cache = compiled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "__init__", sharing)
        for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):  # the cache is by dialect
            patch.setattr(kind, "__eq__", lambda one, other: type(one) is type(other))
            patch.setattr(kind, "__hash__", lambda one: hash(type(one)))
        yield


@pytest.fixture(scope="session", autouse=True)
def in_haste() -> Iterator[None]:
    """No test cuts the power. Whether a commit waits for the disk is seen in tests/faults."""
    durable = "PRAGMA synchronous = FULL"
    assert durable in ledger.sqlite._PRAGMAS
    hasty = [p.replace(durable, "PRAGMA synchronous = OFF") for p in ledger.sqlite._PRAGMAS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger.sqlite, "_PRAGMAS", hasty)
        yield


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """SQLite files."""
    return Sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql(worker_id: str) -> Iterator[Postgresql]:
    """Databases of a server that the tests start; without one, all tests that ask are skipped."""
    try:
        databases = Postgresql(f"template_{worker_id}")
    except Exception as error:  # noqa: BLE001 - whatever stops it, the reason is shown
        pytest.skip(f"PostgreSQL CANNOT BE STARTED HERE, its tests are left out: {error!r}")
    yield databases
    databases.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Databases of either engine: a test that asks for them runs once on each."""
    found: Databases = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def database(databases: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh database; the test leaves its logs sound, or says that it does not."""
    damaged = request.node.get_closest_marker("leaves_damage") is not None
    with fresh(databases, damaged=damaged) as url:
        yield url


@pytest.fixture
def world(database: str) -> Iterator[World]:
    """A shop with its logs, without HTTP."""
    with World(database) as world:
        yield world
