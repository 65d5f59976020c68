"""``kvitto demo``: a shop, three thousand buyers, and what each of them can and cannot claim."""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import AsJson, bar, note, show, table, waiting

if TYPE_CHECKING:
    from cli.demo.service import Calendar
    from cli.demo.story import Scene
    from commitments.sale import Sale

__all__ = ["demo"]

_SALES = Path(__file__).parents[2] / "examples" / "sales.csv"
_OTHER_SHOPS_SALES = 800
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
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kvitto-")))
        else:
            directory.mkdir(parents=True)
        calendar = Calendar()
        sold = read_sales(sales, today=date.max).sales
        scenes = _play(directory, calendar, sorted(sold, key=lambda sale: sale.date))
    good = all(scene.as_expected for scene in scenes)
    document = {
        "sales": len(sold),
        "seconds": round(time.monotonic() - started, 1),
        "as_expected": good,
        "scenes": [asdict(scene) for scene in scenes],
    }
    view = table(
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
    show(document, view, as_json=as_json)
    note(f"{len(sold):,} sales, {len(scenes)} scenes, {document['seconds']} s")
    if not good:
        raise typer.Exit(1)


def _play(directory: Path, calendar: "Calendar", sold: "list[Sale]") -> "list[Scene]":
    from cli.demo.service import running_service, running_witness
    from cli.demo.story import play, publish_policies
    from cli.demo.town import introduce, open_shop, quorum_of

    with ExitStack() as stack:
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
            return list(play(town, other, directory))
