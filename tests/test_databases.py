"""A database that was used before does not show it."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from ledger.schema import metadata
from ledger.store import Store
from tests.databases import Postgresql, check
from tests.world import WARRANTY, World


def rows(url: str) -> dict[str, list[Any]]:
    with Store(url) as store, store.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def use(url: str) -> tuple[int, int]:
    with World(url) as world:
        world.buy(world.sale())
        world.close()
        world.publish(WARRANTY)
        return world.sizes()


def test_what_was_used_is_emptied_and_used_again(postgresql: Postgresql) -> None:
    url = postgresql.make()
    empty, sizes = rows(url), use(url)
    used = rows(url)
    postgresql.drop(url)
    assert postgresql.make() == url
    assert rows(url) == empty != used
    assert use(url) == sizes
    assert [row[0] for row in rows(url)["logs"]] == [1, 2] == [row[0] for row in used["logs"]]
    check(url)
    postgresql.drop(url)


def test_whoever_is_still_connected_is_no_longer(postgresql: Postgresql) -> None:
    url = postgresql.make()
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE logs")
        postgresql.drop(url)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert postgresql.make() == url
    postgresql.drop(url)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER log_forks ON logs",
        "ALTER TABLE logs DISABLE TRIGGER log_forks",
        "DROP INDEX approved_by_position",
        "ALTER TABLE tags ADD COLUMN extra INTEGER",
        "ALTER TABLE merchants DROP COLUMN name",
        "ALTER TABLE log_entries DROP CONSTRAINT log_entries_commitment_log_id_key",
        "CREATE TABLE more (id INTEGER)",
        "ALTER FUNCTION kvitto_refuse() RENAME TO kvitto_permit",
    ],
)
def test_what_has_other_tables_is_not_used_again(postgresql: Postgresql, statement: str) -> None:
    url = postgresql.make()
    with Store(url) as store:
        store.write(lambda transaction: transaction.connection.execute(text(statement)))
    postgresql.drop(url)
    other = postgresql.make()
    assert other != url
    postgresql.drop(other)
