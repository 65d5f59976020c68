"""``kvitto bench-peers``: Kvitto and other proof systems, side by side in one run."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.bench import number
from cli.errors import Failure
from cli.options import whole_number
from cli.output import AsJson

if TYPE_CHECKING:
    from benchmarks.measure import Figure
    from benchmarks.peers.rounds import Measured

__all__ = ["bench_peers"]


def bench_peers(
    *,
    rounds: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="How often each is asked.")
    ] = 15,
    as_json: AsJson = False,
) -> None:
    """Measure Kvitto beside the peers that ``make bench-peers`` has installed."""
    from benchmarks.measure import load, machine
    from benchmarks.peers.catalogue import KVITTO, KVITTO_ALONE, PEERS
    from benchmarks.peers.rounds import all_cores, measure, one_core

    if rounds == 0:
        raise typer.BadParameter("none", param_hint="--rounds")
    about = {"asked for": f"bench-peers --rounds {rounds}", **machine()}
    contests: dict[str, list[Measured]] = {}
    with Console(stderr=True).status("measuring") as status:
        for name, cores in (("one core", one_core()), ("all cores", all_cores())):
            contests[name] = measure(
                (KVITTO, KVITTO_ALONE, *PEERS), cores, rounds=rounds, progress=status.update
            )
    about["load afterwards"] = load()
    for result in (result for results in contests.values() for result in results[:2]):
        if result.failure is not None:
            raise Failure(f"{result.contestant.name}: {result.failure}")
    if as_json:
        typer.echo(json.dumps({"machine": about, **_documents(contests)}, indent=2))
        return
    console = Console()
    for name, results in contests.items():
        console.print(_times(name, results))
        console.print(_promises(name, results))
    console.print(_statements(contests["one core"]))
    for key, value in about.items():
        typer.echo(f"{key}: {value}")


def _documents(contests: "dict[str, list[Measured]]") -> dict[str, Any]:
    return {
        name: {
            "figures": {result.contestant.name: result.document() for result in results},
            "promises": {
                promise.what: ratio.document()
                for promise, ratio in _ratios(results)
                if ratio is not None
            },
        }
        for name, results in contests.items()
    }
