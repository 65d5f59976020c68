"""``kvitto witness``: watch logs for others, and vouch that they only grow."""

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import Failure
from cli.files import new_file, read_document
from cli.output import AsJson, facts, show
from cli.serve import listen, port_number, run

__all__ = ["app"]

app = typer.Typer(name="witness", help="Vouch for logs of others.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Option(metavar="DIR", help="Holds the keys and all that was vouched for.")
]
_DATA = Path("~/.kvitto/witness")


class Period(StrEnum):
    """What ends the periods of a log."""

    DAY = "P1D"
    MANUAL = "manual"


@app.command()
def keys(
    *,
    name: Annotated[str, typer.Option(help="Of the witness; best a host name that is yours.")],
    data: Data = _DATA,
    as_json: AsJson = False,
) -> None:
    """Make the keys of a witness, once; print the public ones.

    The private ones are kept in the file witness.keys, readable by you alone.
    """
    from witness.keys import WitnessKeys

    made = WitnessKeys.create(name)
    directory = _directory(data)
    with new_file(directory / "witness.keys") as file:
        _open(directory / "witness.db", made).close()
        file.write(json.dumps(made.document()) + "\n")
    _show_public(made.public(), as_json=as_json)


@app.command()
def watch(
    key: Annotated[str, typer.Argument(metavar="VKEY", help="The log's verifier key.")],
    *,
    seeds: Annotated[
        Period | None,
        typer.Option(help="Also sign the closes of this log, whose periods end like this."),
    ] = None,
    data: Data = _DATA,
    as_json: AsJson = False,
) -> None:
    """Vouch from now on for the log with this key. A running witness need not be restarted."""
    from ledger.note import parse_vkey

    log = parse_vkey(key)
    with _witness(data) as witness:
        witness.watch(log)
        if seeds is not None:
            witness.sign_seeds(log.name, seeds.value)
    document = {"origin": log.name, "seeds": seeds and seeds.value}
    also = f", signing closes ({seeds.value})" if seeds else ""
    show(document, f"watching {log.name}{also}", as_json=as_json)


@app.command()
def serve(
    *,
    data: Data = _DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(parser=port_number, metavar="PORT", help="0 for any free one.")
    ] = 8001,
    as_json: AsJson = False,
) -> None:
    """Start the witness; Ctrl-C stops it."""
    from api.witness import create_witness_app

    with listen(host, port) as listening, _witness(data) as witness:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        public = {"url": address, **_keys(data).public()}
        _show_public(public, as_json=as_json)
        sys.stdout.flush()
        run(create_witness_app(witness), listening)


def _directory(data: Path) -> Path:
    os.umask(0o077)  # private keys, and the memory that they rest on
    directory = data.expanduser().absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _keys(data: Path) -> Any:
    from witness.keys import WitnessKeys

    file = data.expanduser().absolute() / "witness.keys"
    if not file.exists():
        raise Failure(f"no keys in {file.parent}; make them with: kvitto witness keys")
    return WitnessKeys.parse(read_document(file))


def _witness(data: Path) -> Any:
    own = _keys(data)
    database = _directory(data) / "witness.db"
    if not database.exists():
        raise Failure(f"{database} is lost: under these keys it could vouch for a second history")
    return _open(database, own)


def _open(database: Path, own: Any) -> Any:
    from sqlalchemy.exc import SQLAlchemyError

    from commitments.clock import system_clock
    from witness.service import Witness

    try:
        return Witness(f"sqlite:///{database}", own, system_clock)
    except SQLAlchemyError as error:
        raise Failure(f"{database}: cannot be used ({type(error).__name__})") from None


def _show_public(public: dict[str, Any], *, as_json: bool) -> None:
    lines = {name: value for name, value in public.items() if name in ("url", "name")}
    keys = ["cosignatures:", *public["cosignature_keys"], "seeds:", public["seed_key"]]
    show(public, facts(lines), "\n".join(keys), as_json=as_json)
