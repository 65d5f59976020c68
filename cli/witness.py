"""``kvitto witness``: watch logs for others, and vouch that they only grow."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from cli import witness_keys
from cli.options import port_number
from cli.output import AsJson, show
from cli.secret_files import PassphraseFile
from cli.serve import listen, run, server_options
from cli.witness_keys import DATA, Data, open_witness, show_public

__all__ = ["app"]

app = typer.Typer(name="witness", help="Vouch for logs of others.", no_args_is_help=True)
app.add_typer(witness_keys.app)


class Period(StrEnum):
    """What ends the periods of a log."""

    DAY = "P1D"
    MANUAL = "manual"


@app.command()
def watch(
    key: Annotated[str, typer.Argument(metavar="VKEY", help="The log's verifier key.")],
    *,
    seeds: Annotated[
        Period | None,
        typer.Option(help="Also sign the closes of this log, whose periods end like this."),
    ] = None,
    data: Data = DATA,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Vouch from now on for the log with this key. A running witness need not be restarted.

    A log that changes its key has two for a while: watch the new one, and then unwatch the old.
    """
    from ledger.note import parse_vkey

    log = parse_vkey(key)
    with open_witness(data, passphrase_file) as witness:
        witness.watch(log)
        if seeds is not None:
            witness.sign_seeds(log.name, seeds.value)
    document = {"origin": log.name, "seeds": seeds and seeds.value}
    also = f", signing closes ({seeds.value})" if seeds else ""
    show(document, f"watching {log.name}{also}", as_json=as_json)


@app.command()
def unwatch(
    key: Annotated[str, typer.Argument(metavar="VKEY", help="The log's verifier key.")],
    *,
    data: Data = DATA,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Vouch no more for what is signed by this key only, such as one that the log has retired."""
    from ledger.note import parse_vkey

    log = parse_vkey(key)
    with open_witness(data, passphrase_file) as witness:
        witness.unwatch(log)
    show({"origin": log.name}, f"a key of {log.name} is trusted no more", as_json=as_json)


@app.command()
def serve(
    *,
    data: Data = DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(parser=port_number, metavar="PORT", help="0 for any free one.")
    ] = 8001,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Start the witness; Ctrl-C stops it."""
    from api.witness import create_witness_app

    with listen(host, port) as listening, open_witness(data, passphrase_file) as witness:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        public = {"url": address, **witness.public()}
        show_public(public, as_json=as_json)
        sys.stdout.flush()
        run(create_witness_app(witness), listening, **server_options())
