"""``kvitto demo``: a shop, three thousand buyers, and what each of them can and cannot claim."""

import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.output import AsJson, bar, note, show, table, waiting
from commitments.clock import system_clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.demo.service import Calendar
    from cli.demo.story import Scene
    from commitments.sale import Sale

__all__ = ["demo"]

_SALES = Path(__file__).parents[2] / "examples" / "sales.csv"
_OTHER_SHOPS_SALES = 800
_WHAT_FOLLOWS = timedelta(days=43)
"""The claims of the day after, what the shop does for them, and its report of the month."""
_WITNESSES = ("witness-1.example", "witness-2.example")


def demo(
    *,
    sales: Annotated[
        Path, typer.Option(help="A shop's export, as for `merchant import`.")
    ] = _SALES,
    directory: Annotated[
        Path | None, typer.Option(help="Keep database and wallets here; it must not exist.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a shop's two years over HTTP: sales, honest claims, and every way to cheat.

    Exit status 0 only if every scene ends as it must.
    """
    from cli.demo.service import Calendar
    from issuer.sales_import import read_sales

    started = time.monotonic()
    with ExitStack() as stack:
        kept = directory is not None
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kvitto-")))
        else:
            directory.mkdir(parents=True)
        sold = _brought_up_to_date(read_sales(sales, today=date.max).sales)
        url, scenes = _play(stack, directory, Calendar(), sold)
        good = all(scene.as_expected for scene in scenes)
        document = {
            "sales": len(sold),
            "seconds": round(time.monotonic() - started, 1),
            "as_expected": good,
            "scenes": [asdict(scene) for scene in scenes],
        }
        show(document, _table(scenes), as_json=as_json)
        note(f"{len(sold):,} sales, {len(scenes)} scenes, {document['seconds']} s")
        if kept:
            _tell_how_to_look(directory)
        if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
            note(f"The shop is open: {url}/dashboard (Ctrl-C closes it)")
            with suppress(KeyboardInterrupt):
                Event().wait()
    if not good:
        raise typer.Exit(1)


def _table(scenes: "Sequence[Scene]") -> Table:
    return table(
        ["who claims for", "outcome", "why", "what the verifier learned", "what it did not"],
        [
            [
                s.what,
                s.came if s.as_expected else f"{s.came}, NOT {s.expected}",
                s.why,
                s.learned,
                s.hidden,
            ]
            for s in scenes
        ],
    )


def _tell_how_to_look(directory: Path) -> None:
    kvitto = sys.argv[0]
    note(f"Open the shop again: {kvitto} serve --data {directory}")
    note("Then look at it:     http://127.0.0.1:8000/dashboard")
    note(f"And check all of it: {kvitto} audit http://127.0.0.1:8000")


def _brought_up_to_date(sales: "Sequence[Sale]") -> "list[Sale]":
    """In order, and moved so that all that follows the last of them has happened by now."""
    last = max(sale.date for sale in sales)
    later = system_clock().date() - _WHAT_FOLLOWS - last
    moved = [replace(sale, date=sale.date + later) for sale in sales]
    return sorted(moved, key=lambda sale: sale.date)


def _play(
    stack: ExitStack, directory: Path, calendar: "Calendar", sold: "list[Sale]"
) -> "tuple[str, list[Scene]]":
    """Where the service is, for as long as ``stack`` is open, and what happened."""
    from cli.demo.service import running_service, running_witness
    from cli.demo.story import play, publish_policies
    from cli.demo.town import introduce, open_shop, quorum_of

    witnesses = [
        stack.enter_context(running_witness(directory, name, calendar)) for name in _WITNESSES
    ]
    quorum = quorum_of(witnesses)
    url = stack.enter_context(
        running_service(
            directory, calendar, quorum.witnesses, [witness.seeds for witness in witnesses]
        )
    )
    note(f"service on {url}, two witnesses, data in {directory}")
    note(f"recording {len(sold):,} sales, each with a buyer's wallet of its own")
    town = stack.enter_context(open_shop(url, "nordlicht", "Nordlicht Haushalt", calendar))
    other = stack.enter_context(open_shop(url, "bergfors", "Bergfors Elektronik", calendar))
    introduce([town, other], witnesses, quorum)
    with bar("recording sales", len(sold)) as progress:
        other.record(sold[-_OTHER_SHOPS_SALES:], lambda _: None)
        town.record(sold, progress)
    calendar.next_morning()
    publish_policies(town)
    with waiting("claiming"):
        return url, list(play(town, other, directory))
