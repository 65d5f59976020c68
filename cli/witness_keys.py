"""``kvitto witness keys``: the keys of a witness, and how they change."""

import os
from collections.abc import Callable
from errno import EEXIST
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.database import using_database
from cli.errors import Failure
from cli.output import AsJson, facts, show
from cli.secret_files import (
    PassphraseFile,
    read_passphrase,
    read_secret,
    replace_secret,
    write_secret,
)

if TYPE_CHECKING:
    from witness.keys import WitnessKeys
    from witness.service import Witness

__all__ = ["DATA", "Data", "app", "open_witness", "show_public"]

app = typer.Typer(name="keys", help="The keys of a witness.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Option(metavar="DIR", help="Holds the keys and all that was vouched for.")
]
DATA = Path("~/.kvitto/witness")
_KIND = "kvitto-witness-keys"


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option(help="Of the witness; best a host name that is yours.")],
    data: Data = DATA,
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
    file = _file(data)
    _make_directory(file)
    if file.exists():  # a fresh database beside old keys would vouch for a second history
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(file))
    _open(file.with_name("witness.db"), made).close()
    secret = canonical_json(made.document())
    write_secret(file, _KIND, secret, read_passphrase(passphrase_file))
    show_public(made.public(), as_json=as_json)


@app.command()
def rotate(
    *, data: Data = DATA, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> None:
    """Have fresh keys follow the present ones; print the public ones.

    The old ones have signed that, which the witness shows at /handovers, and cosign too until
    `retire`. Closes are signed by the new key alone: restart a running witness now, which
    signs none until then.
    """
    with open_witness(data, passphrase_file) as witness:
        witness.rotate_keys(_keeping(data, passphrase_file))
        show_public(witness.public(), as_json=as_json)


@app.command()
def retire(
    *, data: Data = DATA, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> None:
    """Destroy the older keys; print those that are left.

    Restart a running witness, which has them in its memory. Wait until the logs have recorded
    the change, or who reads them with a policy that names the old keys sees no cosignatures.
    """
    with open_witness(data, passphrase_file) as witness:
        witness.retire_keys(_keeping(data, passphrase_file))
        show_public(witness.public(), as_json=as_json)


def open_witness(data: Path, passphrase_file: Path | None) -> "Witness":
    """The witness in the directory ``data``."""
    from commitments.wire import parse_json
    from witness.keys import WitnessKeys

    file = _file(data)
    if not file.exists():
        raise Failure(f"no keys in {file.parent}; make them with: kvitto witness keys create")
    secret = read_secret(file, _KIND, read_passphrase(passphrase_file))
    own = WitnessKeys.parse(parse_json(secret, str(file)))
    _make_directory(file)
    database = file.with_name("witness.db")
    if not database.exists():
        raise Failure(f"{database} is lost: under these keys it could vouch for a second history")
    return _open(database, own)


def show_public(public: dict[str, Any], *, as_json: bool) -> None:
    """Print the verifier keys of a witness, and where it is."""
    lines = {name: value for name, value in public.items() if name in ("url", "name")}
    keys = ["cosignatures:", *public["cosignature_keys"], "seeds:", public["seed_key"]]
    show(public, facts(lines), "\n".join(keys), as_json=as_json)


def _file(data: Path) -> Path:
    return data.expanduser().absolute() / "witness.keys"


def _make_directory(file: Path) -> None:
    os.umask(0o077)  # private keys, and the memory that they rest on
    file.parent.mkdir(parents=True, exist_ok=True)


def _keeping(data: Path, passphrase_file: Path | None) -> "Callable[[WitnessKeys], None]":
    """What puts other keys in the place of those that are kept."""
    from commitments.wire import canonical_json

    replace = partial(replace_secret, _file(data), _KIND)
    passphrase = read_passphrase(passphrase_file)
    return lambda keys: replace(canonical_json(keys.document()), passphrase)


def _open(database: Path, own: "WitnessKeys") -> "Witness":
    from commitments.clock import system_clock
    from witness.service import Witness

    with using_database(database):
        return Witness(f"sqlite:///{database}", own, system_clock)
