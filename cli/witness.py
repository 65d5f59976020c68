"""``kvitto witness``: watch logs for others, and vouch that they only grow."""

import os
import sys
from enum import StrEnum
from errno import EEXIST
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.database import using_database
from cli.errors import Failure
from cli.output import AsJson, facts, show
from cli.secret_files import PassphraseFile, read_passphrase, read_secret, write_secret
from cli.serve import listen, port_number, run

__all__ = ["app"]

app = typer.Typer(name="witness", help="Vouch for logs of others.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Option(metavar="DIR", help="Holds the keys and all that was vouched for.")
]
_DATA = Path("~/.kvitto/witness")
_KIND = "kvitto-witness-keys"


class Period(StrEnum):
    """What ends the periods of a log."""

    DAY = "P1D"
    MANUAL = "manual"


@app.command()
def keys(
    *,
    name: Annotated[str, typer.Option(help="Of the witness; best a host name that is yours.")],
    data: Data = _DATA,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys of a witness, once; print the public ones.

    The private ones are kept in the file witness.keys, readable by you alone, and encrypted if
    there is a passphrase.
    """
    from commitments.wire import canonical_json
    from witness.keys import WitnessKeys

    made = WitnessKeys.create(name)
    directory = _directory(data)
    file = directory / "witness.keys"
    if file.exists():  # a fresh database beside old keys would vouch for a second history
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(file))
    _open(directory / "witness.db", made).close()
    secret = canonical_json(made.document())
    write_secret(file, _KIND, secret, read_passphrase(passphrase_file))
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
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Vouch from now on for the log with this key. A running witness need not be restarted.

    A log that changes its key has two for a while: watch the new one, and then unwatch the old.
    """
    from ledger.note import parse_vkey

    log = parse_vkey(key)
    with _witness(data, passphrase_file) as witness:
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
    data: Data = _DATA,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Vouch no more for what is signed by this key only, such as one that the log has retired."""
    from ledger.note import parse_vkey

    log = parse_vkey(key)
    with _witness(data, passphrase_file) as witness:
        witness.unwatch(log)
    show({"origin": log.name}, f"a key of {log.name} is trusted no more", as_json=as_json)


@app.command()
def serve(
    *,
    data: Data = _DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(parser=port_number, metavar="PORT", help="0 for any free one.")
    ] = 8001,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Start the witness; Ctrl-C stops it."""
    from api.witness import create_witness_app

    with listen(host, port) as listening, _witness(data, passphrase_file) as witness:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        public = {"url": address, **witness.public()}
        _show_public(public, as_json=as_json)
        sys.stdout.flush()
        run(create_witness_app(witness), listening)


def _directory(data: Path) -> Path:
    os.umask(0o077)  # private keys, and the memory that they rest on
    directory = data.expanduser().absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _keys(data: Path, passphrase_file: Path | None) -> Any:
    from commitments.wire import parse_json
    from witness.keys import WitnessKeys

    file = data.expanduser().absolute() / "witness.keys"
    if not file.exists():
        raise Failure(f"no keys in {file.parent}; make them with: kvitto witness keys")
    secret = read_secret(file, _KIND, read_passphrase(passphrase_file))
    return WitnessKeys.parse(parse_json(secret, str(file)))


def _witness(data: Path, passphrase_file: Path | None) -> Any:
    own = _keys(data, passphrase_file)
    database = _directory(data) / "witness.db"
    if not database.exists():
        raise Failure(f"{database} is lost: under these keys it could vouch for a second history")
    return _open(database, own)


def _open(database: Path, own: Any) -> Any:
    from commitments.clock import system_clock
    from witness.service import Witness

    with using_database(database):
        return Witness(f"sqlite:///{database}", own, system_clock)


def _show_public(public: dict[str, Any], *, as_json: bool) -> None:
    lines = {name: value for name, value in public.items() if name in ("url", "name")}
    keys = ["cosignatures:", *public["cosignature_keys"], "seeds:", public["seed_key"]]
    show(public, facts(lines), "\n".join(keys), as_json=as_json)
