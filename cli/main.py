"""The command ``kvitto``. Commands import what they need when they run, so that help is quick."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli import (
    log,
    merchant,
    proof,
    receipt,
    sandbox,
    wallet,
    wallet_advice,
    wallet_backup,
    wallet_case,
    wallet_transfers,
    witness,
)
from cli.audit import audit, verify_evidence
from cli.bench import bench, bench_audit, bench_growth, bench_large, bench_load, bench_wallet
from cli.bench_peers import bench_peers
from cli.db import app as db
from cli.demo import demo
from cli.disclosure import app as disclosure
from cli.disclosure import disclose
from cli.errors import CommandLine
from cli.keys import app as keys
from cli.report import report
from cli.serve import serve

__all__ = ["app"]

app = typer.Typer(
    name="kvitto",
    cls=CommandLine,
    help="Prove your purchase, not your person: anonymous claims over a public purchase log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer's signature of a callback
    if wanted:
        typer.echo(f"kvitto {version('kvitto')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options of the command itself."""


app.add_typer(merchant.app)
for command in (
    wallet_advice.advice,
    wallet_advice.preview,
    wallet_backup.words,
    wallet_backup.backup,
    wallet_backup.forget,
    wallet_backup.restore,
    wallet_backup.merge,
    disclose,
    wallet_transfers.offer,
    wallet_transfers.accept_offer,
    wallet_transfers.transfer,
    wallet_transfers.receive,
):
    wallet.app.command()(command)
wallet.app.add_typer(wallet_case.app)
app.add_typer(wallet.app)
app.command()(serve)
app.add_typer(db)
log.app.command()(verify_evidence)
app.add_typer(log.app)
app.command()(audit)
app.command()(report)
app.add_typer(keys)
app.add_typer(witness.app)
app.add_typer(receipt.app)
app.add_typer(sandbox.app)
app.add_typer(disclosure)
app.add_typer(proof.app)
app.command()(demo)
app.command()(bench)
app.command()(bench_audit)
app.command()(bench_growth)
app.command()(bench_large)
app.command()(bench_load)
app.command()(bench_peers)
app.command()(bench_wallet)

if __name__ == "__main__":
    app()
