"""``kvitto merchant contact-key``: the key to which buyers encrypt what they send."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import AsJson, facts, show
from cli.secret_files import PassphraseFile, read_passphrase
from commitments.errors import FormatError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

__all__ = ["app", "read_contact_key"]

app = typer.Typer(name="contact-key", help="The key to what buyers send.", no_args_is_help=True)

_KIND = "kvitto-contact-key"


@app.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="For the private key.")],
    *,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key to which buyers encrypt what they send; its public half goes into policies.

    Back the file up: without it nobody can read what buyers have sent.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from cli.secret_files import write_secret

    made = X25519PrivateKey.generate()
    secret = made.private_bytes_raw().hex().encode("ascii") + b"\n"
    write_secret(file, _KIND, secret, read_passphrase(passphrase_file))
    _show(made, as_json=as_json)


@app.command("show")
def show_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="With the private key.")],
    *,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """The public half of the key in a file."""
    _show(read_contact_key(file, read_passphrase(passphrase_file)), as_json=as_json)


def _show(key: "X25519PrivateKey", *, as_json: bool) -> None:
    document = {"contact_key": key.public_key().public_bytes_raw().hex()}
    show(document, facts(document), as_json=as_json)


def read_contact_key(file: Path, passphrase: str | None) -> "X25519PrivateKey":
    """The private key in a file; errors name the file."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from cli.secret_files import read_secret
    from commitments.wire import parse_hex

    secret = read_secret(file, _KIND, passphrase)
    try:
        text = secret.decode("ascii").removesuffix("\n")
        return X25519PrivateKey.from_private_bytes(parse_hex(text, str(file), 32))
    except UnicodeDecodeError:
        raise FormatError("not a contact key", str(file)) from None
