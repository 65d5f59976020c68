"""``kvitto bench``: what this machine reaches, measured now, with the spread."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

__all__ = ["bench"]


def bench(
    *,
    quick: Annotated[bool, typer.Option(help="Fewer runs, under 40 seconds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Measure proving, verifying and recording on this machine."""
    from benchmarks.claims import claim_figures
    from benchmarks.measure import Figure, machine
    from benchmarks.recording import recording_figures

    console = Console(stderr=True)
    figures: list[Figure] = []
    with console.status("measuring") as status:
        for part in (claim_figures, recording_figures):
            figures += part(quick=quick, progress=status.update)
    if as_json:
        values = {f.key: f.median for f in figures}
        details = {f.key: f.document() for f in figures}
        typer.echo(json.dumps({**values, "machine": machine(), "figures": details}, indent=2))
        return
    table = Table("what", "median", "min – max", "runs", "promised")
    for f in figures:
        spread = f"{_number(f.low)} – {_number(f.high)}" if f.runs > 1 else ""
        table.add_row(f.what, f"{_number(f.median)} {f.unit}", spread, str(f.runs), f.target)
    Console().print(table)
    for name, value in machine().items():
        typer.echo(f"{name}: {value}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value.is_integer() else f"{value:.2f}"
