"""``kvitto log``: the stored logs, checked from the ground up, and written out as files."""

from pathlib import Path
from typing import Annotated

import typer

from cli.database import DATA, DatabaseUrl, DataDirectory
from cli.db import open_store
from cli.output import AsJson, show

__all__ = ["app"]

app = typer.Typer(name="log", help="The logs in the service's database.", no_args_is_help=True)


@app.command()
def fsck(
    *, data: DataDirectory = DATA, database: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Make every tile and root again from the entries, and compare with what is stored.

    Exit status 1 if anything differs; each fault is named.
    """
    from ledger.fsck import check_all

    with open_store(data, database) as store, store.read() as connection:
        heads = check_all(connection)
    found = [{"origin": head.origin, "size": head.size} for head in heads]
    lines = [f"{head.origin}: {head.size} entries, sound" for head in heads]
    show({"logs": found}, "\n".join(lines) or "there is no log", as_json=as_json)


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it does not exist.")],
    *,
    data: DataDirectory = DATA,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write all logs as the files that the service has below /logs.

    Run it again to add what is new: tiles that are there are not written again.
    """
    from issuer.merchants import list_merchants
    from ledger.events import events_origin
    from ledger.export import export_log
    from ledger.log import Log

    written = 0
    with open_store(data, database) as store:
        for merchant in list_merchants(store):
            kinds = {"purchases": merchant.origin, "events": events_origin(merchant.origin)}
            for kind, origin in kinds.items():
                with store.read() as connection:
                    log = Log.published(connection, origin)
                    written += export_log(log, directory / merchant.id / kind)
    show({"written": written}, f"{written} files written", as_json=as_json)
