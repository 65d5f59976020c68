"""``kvitto db``: the tables of the service's database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.database import DATA, DatabaseUrl, DataDirectory, database_url, using_database
from cli.output import AsJson, show
from cli.secret_files import (
    Keys,
    PassphraseFile,
    kept_sealing_key,
    read_passphrase,
    sealing_key_path,
)

if TYPE_CHECKING:
    from ledger.sealing import SealingKey
    from ledger.store import Store

__all__ = ["app", "open_signing_store", "open_store"]

app = typer.Typer(name="db", help="The tables of the service's database.", no_args_is_help=True)


@app.command()
def upgrade(
    *,
    data: DataDirectory = DATA,
    database: DatabaseUrl = None,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the tables, or bring those of an earlier version up to date. `serve` does it too.

    Private keys that an earlier version has stored as they are become sealed.
    """
    os.umask(0o077)  # the database holds orders and one-time codes
    with open_signing_store(data, database, keys, passphrase_file, new=True):
        pass  # opening it is all there is to do
    show({"status": "current"}, "the database is up to date", as_json=as_json)


@app.command()
def check(
    *, data: DataDirectory = DATA, database: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Compare the tables, and the triggers that protect the logs, with those of this version."""
    with open_store(data, database) as store:
        store.check()
    show({"status": "current"}, "the database is as it should be", as_json=as_json)


@app.command()
def rebuild(
    *, data: DataDirectory = DATA, database: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Make all tables that repeat the logs again from them. Restart the service afterwards.

    A merchant's private records (orders, one-time codes, keys) are in no log and stay as they are.
    """
    from verifier.rebuild import rebuild as rebuild_tables

    with open_store(data, database) as store:
        events = rebuild_tables(store)
    show({"events": events}, f"{events} events replayed", as_json=as_json)


def _require(data: Path, database: str | None) -> None:
    """SQLite would make an empty file, and then find it lacking."""
    path = data.expanduser() / "kvitto.db"
    if database is None and not path.exists():
        raise FileNotFoundError(2, "No such file", str(path))


@contextmanager
def open_store(data: Path, database: str | None) -> Iterator["Store"]:
    """The store that ``kvitto serve`` with the same options works on; it signs nothing."""
    _require(data, database)
    with _opened(database_url(data, database)) as store:
        yield store


@contextmanager
def open_signing_store(
    data: Path,
    database: str | None,
    keys: Path | None,
    passphrase_file: Path | None,
    *,
    new: bool = False,
) -> Iterator["Store"]:
    """The same with the logs' private keys, its tables up to date."""
    if new:
        data.expanduser().mkdir(parents=True, exist_ok=True)
    else:
        _require(data, database)
    url = database_url(data, database)
    path = sealing_key_path(data, keys)
    with using_database("the database"):
        sealing = kept_sealing_key(path, read_passphrase(passphrase_file), url)
    with _opened(url, sealing) as store:
        store.create()
        yield store


@contextmanager
def _opened(url: str, sealing: "SealingKey | None" = None) -> Iterator["Store"]:
    import api.service  # noqa: F401 - all rooms, and so all tables
    from ledger.store import Store

    with using_database("the database"), Store(url, sealing=sealing) as store:
        yield store
