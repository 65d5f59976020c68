import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import column, insert, inspect, select, table, text

import api.service  # noqa: F401 - all rooms, and so all tables
from api.keys import MerchantKeys
from commitments.clock import system_clock
from ledger.migrate import WrongSchema, _config
from ledger.revisions import newest
from ledger.schema import metadata
from ledger.statistics import month_counts
from ledger.store import Store
from tests.databases import SEALING, Databases


@pytest.fixture
def empty(databases: Databases) -> Iterator[str]:
    """A database without tables."""
    url = databases.make_empty()
    yield url
    databases.drop(url)


def test_migrations_make_the_tables_that_the_rooms_define(empty: str) -> None:
    with Store(empty, sealing=SEALING) as store:
        with pytest.raises(WrongSchema, match="kvitto db upgrade"):
            store.check()
        store.create()
        store.check()
        with store.read() as connection:
            names = set(inspect(connection).get_table_names())
    assert names == {*metadata.tables, "alembic_version"}


def test_the_newest_migration_is_the_one_that_alembic_runs_last() -> None:
    assert newest() == ScriptDirectory.from_config(_config()).get_current_head()


def test_what_is_up_to_date_is_left_alone(database: str) -> None:
    with Store(database, sealing=SEALING) as store:
        store.create_log("ledger.example/acme", b"k" * 32)
        store.create()
        store.check()
        with store.log("ledger.example/acme") as log:
            assert log.size == 0


def test_many_processes_start_at_once(empty: str) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        stores = [stack.enter_context(Store(empty, sealing=SEALING)) for _ in range(4)]
        list(pool.map(Store.create, stores))
        stores[0].check()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DROP TABLE tags", "add_table tags"),
        ("ALTER TABLE tags ADD COLUMN extra INTEGER", "remove_column tags extra"),
        ("DROP INDEX approved_by_position", "add_index approved_by_position"),
        ("DROP TRIGGER log_forks", "trigger log_forks"),
    ],
)
def test_a_difference_is_named(database: str, statement: str, found: str) -> None:
    with Store(database, sealing=SEALING) as store:
        store.check()
        with store._writer.begin() as connection:
            on = (
                " ON logs" if "TRIGGER" in statement and connection.dialect.name != "sqlite" else ""
            )
            connection.execute(text(statement + on))
        with pytest.raises(WrongSchema, match=found):
            store.check()


def test_a_database_of_an_earlier_version_gets_todays_triggers(empty: str) -> None:
    with Store(empty) as store:
        with store._writer.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0002")
        with pytest.raises(WrongSchema, match="migrations are missing"):
            store.check()
        store.create()
        store.check()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_trigger_that_is_switched_off_is_noticed(database: str) -> None:
    with Store(database, sealing=SEALING) as store:
        store.write(
            lambda t: t.connection.execute(text("ALTER TABLE logs DISABLE TRIGGER log_shrinks"))
        )
        with pytest.raises(WrongSchema, match="trigger log_shrinks"):
            store.check()


def test_a_database_of_a_newer_version_is_refused(database: str) -> None:
    with Store(database, sealing=SEALING) as store:
        newer = text("UPDATE alembic_version SET version_num = '9999'")
        store.write(lambda t: t.connection.execute(newer))
        with pytest.raises(WrongSchema, match="newer"):
            store.create()


def test_a_database_from_before_migrations_is_refused(database: str) -> None:
    with Store(database, sealing=SEALING) as store:
        store.write(lambda t: t.connection.execute(text("DROP TABLE alembic_version")))
        with pytest.raises(WrongSchema, match="no migrations yet"):
            store.create()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_migration_that_is_cut_off_leaves_nothing(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.sqlite.refusals", lambda: ["no SQL"])
    with Store(empty, sealing=SEALING) as store:
        with pytest.raises(Exception, match="syntax error"):
            store.create()
        with store.read() as connection:
            assert inspect(connection).get_table_names() == []
        monkeypatch.undo()
        store.create()
        store.check()


def test_keys_from_before_there_were_scopes_may_do_everything(empty: str) -> None:
    with Store(empty, sealing=SEALING) as store:
        with store._writer.begin() as connection:
            config = _config()
            config.attributes |= {"connection": connection, "sealing": SEALING}
            command.upgrade(config, "0008")
            made = table("merchant_keys", column("merchant"), column("key_hash"))
            key_hash = sha256(b"kv_acme_00").digest()
            connection.execute(insert(made).values(merchant="acme", key_hash=key_hash))
        store.create()
        store.check()
        MerchantKeys(store, system_clock).check("kv_acme_00", "acme", "webhooks")


def test_claims_that_were_approved_before_there_were_transfers(empty: str) -> None:
    with Store(empty, sealing=SEALING) as store:
        with store._writer.begin() as connection:
            config = _config()
            config.attributes |= {"connection": connection, "sealing": SEALING}
            command.upgrade(config, "0005")
            for name, values in _BEFORE_TRANSFERS:
                made = table(name, *map(column, values))
                connection.execute(insert(made).values(values))
        store.create()
        store.check()
        with store.read() as connection:
            found = connection.execute(text("SELECT * FROM approved ORDER BY identifier")).all()
            cases = connection.execute(text("SELECT * FROM cases ORDER BY claim_id")).all()
            where = connection.execute(text("SELECT * FROM case_events ORDER BY claim_id")).all()
    kept = ("ledger.example/acme", 5, "scope", b"tag", "2026-11-28T12:00:00Z", "claim")
    assert [(row.identifier, row.retired_at) for row in found] == [("ended", 7), ("waits", None)]
    for row in found:
        said = row.origin, row.position, row.scope, bytes(row.secret_tag), row.retire_by, row.kind
        assert said == kept
    assert [row.due for row in cases] == ["2026-03-07T13:00:00Z", None]
    assert {(row.state, row.opened, row.position, row.number) for row in cases} == {
        ("approved", "2026-01-31T12:00:00Z", 5, 0)
    }
    assert sorted((row.claim_id, row.position) for row in where) == [
        ("ended", 5),
        ("ended", 7),
        ("waits", 5),
    ]


@pytest.mark.parametrize(("period", "months"), [("P1D", "2026-11"), ("manual", "2026-12")])
def test_what_closes_covered_before_it_was_counted(empty: str, period: str, months: str) -> None:
    """A purchase, a void and a sale in one close, and an entry that none covers."""
    rows: list[tuple[str, dict[str, Any]]] = [
        ("logs", {"id": 1, "origin": "ledger.example/acme", **_HEAD}),
        ("logs", {"id": 2, "origin": "ledger.example/acme/events", **_HEAD}),
        ("event_kinds", {**_OURS, "position": 0, "type": "log.declared"}),
        ("event_kinds", {**_OURS, "position": 1, "type": "log.closed"}),
        ("log_entries", {"log_id": 2, "position": 0, "data": _bytes(period=period)}),
        ("log_entries", {"log_id": 2, "position": 1, "data": _bytes(**_CLOSED)}),
        *(
            ("log_entries", {"log_id": 1, "position": position, "data": bytes([kind]) * 34})
            for position, kind in enumerate((1, 2, 4, 1))
        ),
    ]
    with Store(empty, sealing=SEALING) as store:
        with store._writer.begin() as connection:
            config = _config()
            config.attributes |= {"connection": connection, "sealing": SEALING}
            command.upgrade(config, "0013")
            for name, values in rows:
                connection.execute(insert(table(name, *map(column, values))).values(values))
        store.create()
        store.check()
        with store.read() as connection:
            found = connection.execute(select(month_counts)).all()
    counted = {(row.month, row.what, row.amount) for row in found}
    assert counted == {(months, what, 1) for what in ("purchases", "voids", "sales")}


_CLOSED = {"time": "2026-12-01T00:00:10Z", "period": 20_787, "size": 3}  # of 30 November
_OURS = {"origin": "ledger.example/acme"}
_HEAD = {"vkeys": "", "size": 8, "root": b"r", "checkpoint": b"c"}
_DECISION = {
    **_OURS,
    "position": 5,
    "scope": "scope",
    "secret_tag": b"tag",
    "retire_by": "2026-11-28T12:00:00Z",
}
_REFUND = {"response_time": "P1M1W", "ends_ownership": True}
_DECIDED = {
    "time": "2026-01-31T12:00:00Z",
    "claim": {"policy": "refund-14d", "version": 1},
}
_ENDED = {"time": "2026-01-31T13:00:00Z", "claim_id": "ended"}


def _bytes(**event: Any) -> bytes:
    return json.dumps(event).encode()


_BEFORE_TRANSFERS: list[tuple[str, dict[str, Any]]] = [
    ("logs", {"id": 1, "origin": "ledger.example/acme/events", **_HEAD}),
    ("log_entries", {"log_id": 1, "position": 2, "data": _bytes(policy=_REFUND)}),
    ("log_entries", {"log_id": 1, "position": 5, "data": _bytes(**_DECIDED)}),
    ("log_entries", {"log_id": 1, "position": 7, "data": _bytes(**_ENDED)}),
    ("policies", {**_OURS, "policy": "refund-14d", "version": 1, "position": 2}),
    ("retired", {**_OURS, "position": 7, "secret": b"s"}),
    ("decisions", {**_DECISION, "claim_id": "ended", "status": "completed"}),
    ("decisions", {**_DECISION, "claim_id": "waits", "status": "awaiting_secret"}),
]
