"""``kvitto bench-peers``: Kvitto and other proof systems, side by side in one run."""

from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType

from cli.bench import number
from cli.errors import Failure
from cli.options import whole_number
from cli.output import AsJson, facts, show, table

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
    """Measure Kvitto beside the peers that `make bench-peers` has installed."""
    from benchmarks.measure import load, machine
    from benchmarks.peers.catalogue import KVITTO, KVITTO_ALONE, PEERS
    from benchmarks.peers.rounds import all_cores, measure, one_core

    if rounds == 0:
        raise typer.BadParameter("none would be measured", param_hint="--rounds")
    about = {"asked for": f"bench-peers --rounds {rounds}", **machine()}
    contests: dict[str, list[Measured]] = {}
    with Console(stderr=True).status("measuring") as status:
        for name, cores in (("one core", one_core()), ("all cores", all_cores())):
            contests[name] = measure(
                (KVITTO, KVITTO_ALONE, *PEERS), cores, rounds=rounds, progress=status.update
            )
    about["load afterwards"] = load()
    for results in contests.values():
        if results[0].failure is not None:
            raise Failure(f"{results[0].contestant.name}: {results[0].failure}")
    views = [view for name, results in contests.items() for view in _views(name, results)]
    views += [_statements(contests["one core"]), facts(about)]
    document = {name: _document(name, results) for name, results in contests.items()}
    show({"machine": about, **document}, *views, as_json=as_json)


def _document(name: str, results: "list[Measured]") -> dict[str, Any]:
    return {
        "figures": {result.contestant.name: result.document() for result in results},
        "promises": {
            ratio.key: ratio.document() for pair in _promised(name, results) for ratio in pair
        },
    }


def _promised(name: str, results: "list[Measured]") -> "list[tuple[Figure, Figure]]":
    from benchmarks.peers.promises import promised

    return list(promised(results, one_core=name == "one core"))


def _views(name: str, results: "list[Measured]") -> list[RenderableType]:
    """Times on these cores, what was not measured, and what was promised."""
    kvitto = results[0]
    columns = ("", "prove ms", "min – max", "worked", "verify ms", "min – max", "worked")
    more = ("proof bytes", "x our proving", "x our verifying")
    rows = [row for result in results for row in _rows(result, kvitto)]
    failures = {r.contestant.name: r.failure for r in results if r.failure is not None}
    promises = [
        (ratio.what, number(ratio.median), _spread(ratio), number(worked.median), ratio.target)
        for ratio, worked in _promised(name, results)
    ]
    return [
        table((*columns, *more), rows, title=f"\nMilliseconds by the clock, on {name}"),
        facts(failures),
        table(("ratio", "median", "min – max", "by work", "promised"), promises),
    ]


def _rows(result: "Measured", kvitto: "Measured") -> list[list[str]]:
    name = result.contestant.name
    if result.failure is not None:
        return [[name, "not measured"]]
    rows = [
        [
            name,
            *_cells(result, "prove"),
            *_cells(result, "verify"),
            number(result.size().median),
            *(_over(result, kvitto, word) for word in ("prove", "verify")),
        ]
    ]
    if "batch" in result.times:
        rows.append([f"{name}: in batches, each", "", "", "", *_cells(result, "batch")])
    return rows


def _cells(result: "Measured", word: str) -> tuple[str, str, str]:
    time = result.time(word)
    return number(time.median), _spread(time), number(result.work(word).median)


def _over(result: "Measured", kvitto: "Measured", word: str) -> str:
    from benchmarks.peers.rounds import ratios

    return number(median(ratios(kvitto.times[word], result.times[word])))


def _spread(figure: "Figure") -> str:
    return f"{number(figure.low)} – {number(figure.high)}"


def _statements(results: "list[Measured]") -> RenderableType:
    """What each figure is a figure of."""
    columns = ("", "versions", "set up ms", "bytes to fetch", "trusted setup", "says", "cannot say")
    rows = []
    for result in results:
        of, setup = result.contestant, result.setup
        versions = " ".join(f"{name} {value}" for name, value in setup.get("versions", {}).items())
        amounts = [number(float(round(setup[name]))) if setup else "" for name in ("ms", "bytes")]
        rows.append([of.name, versions, *amounts, of.trusted_setup, of.says, of.lacks])
    return table(columns, rows, title="\nWhat the figures are of")
