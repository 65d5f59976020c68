"""Files with private keys: readable by their owner only, and encrypted where there is a passphrase.

The passphrase is that of a service and not of a person: it comes from the environment or from a
file, such as a credential of systemd, and is never asked for.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import Failure
from ledger.durable import replace_file, sync_directory, write_durably

if TYPE_CHECKING:
    from ledger.sealing import SealingKey

__all__ = [
    "Keys",
    "PassphraseFile",
    "create_sealing_key",
    "kept_sealing_key",
    "open_sealing_key",
    "read_passphrase",
    "read_secret",
    "replace_secret",
    "sealing_key_path",
    "secret_variable",
    "write_secret",
]

Keys = Annotated[
    Path | None,
    typer.Option(
        envvar="KVITTO_KEYS", metavar="FILE", help="The sealing key; else sealing.key in --data."
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        envvar="KVITTO_KEYS_PASSPHRASE_FILE",
        metavar="FILE",
        help="Its first line encrypts files with private keys; else KVITTO_KEYS_PASSPHRASE.",
    ),
]
_LARGEST = 1 << 16  # bytes; no such file has more than some hundred
_ENCRYPTED = b'{"cipher":'  # how an envelope begins (commitments/envelope.py), and nothing else
_KIND = "kvitto-sealing-key"


def read_passphrase(file: Path | None) -> str | None:
    """The passphrase that the service was given, if any."""
    if file is None:
        return os.environ.get("KVITTO_KEYS_PASSPHRASE") or None
    return _first_line(file, "no passphrase")


def secret_variable(name: str) -> str | None:
    """What the environment says, itself or in the first line of the file that ``…_FILE`` names.

    ``Failure`` where it says both: one of them is not what was meant.
    """
    value, file = os.environ.get(name) or None, os.environ.get(f"{name}_FILE")
    if not file:
        return value
    if value is not None:
        raise Failure(f"both {name} and {name}_FILE are given")
    return _first_line(Path(file), "nothing")


def _first_line(file: Path, missing: str) -> str:
    line = _read(file).partition(b"\n")[0].decode("utf-8", "surrogateescape")
    if not line or not line.isprintable():
        raise Failure(f"{file}: {missing} in its first line")
    return line


def write_secret(path: Path, kind: str, secret: bytes, passphrase: str | None) -> None:
    """A new file with ``secret``, on the disk before this returns.

    What is there already is not overwritten: ``FileExistsError``.
    """
    data = _sealed(kind, secret, passphrase)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        write_durably(unfinished, data, 0o600)
        os.link(unfinished, path)  # nobody sees half of a file, and none is replaced
    except FileExistsError as error:
        raise FileExistsError(error.errno, error.strerror, str(path)) from None
    finally:
        unfinished.unlink(missing_ok=True)
    sync_directory(path.parent)


def replace_secret(path: Path, kind: str, secret: bytes, passphrase: str | None) -> None:
    """Another ``secret`` in the place of the one there, on the disk before this returns."""
    replace_file(path, _sealed(kind, secret, passphrase), 0o600)
    sync_directory(path.parent)


def _sealed(kind: str, secret: bytes, passphrase: str | None) -> bytes:
    from commitments.envelope import Envelope

    return secret if passphrase is None else Envelope.create(kind, passphrase).seal(secret)


def read_secret(path: Path, kind: str, passphrase: str | None) -> bytes:
    """What :func:`write_secret` wrote.

    ``Failure`` for an encrypted file without a passphrase, and for a passphrase with a file that
    is not encrypted: whoever gives one relies on it.
    """
    from commitments.envelope import Envelope

    data = _read(path)
    encrypted = data.startswith(_ENCRYPTED)
    if encrypted and passphrase is None:
        raise Failure(f"{path}: is encrypted; give KVITTO_KEYS_PASSPHRASE or --passphrase-file")
    if passphrase is None:
        return data
    if not encrypted:
        raise Failure(f"{path}: is not encrypted, though a passphrase was given")
    _, secret = Envelope.open(kind, passphrase, data)
    return secret


def sealing_key_path(data: Path, given: Path | None) -> Path:
    """The file that was given, or that in the data directory."""
    return (given or data / "sealing.key").expanduser().absolute()


def create_sealing_key(path: Path, passphrase: str | None) -> "SealingKey":
    """A fresh sealing key in a new file."""
    from ledger.sealing import SealingKey

    made = SealingKey.create()
    write_secret(path, _KIND, made.encode(), passphrase)
    return made


def open_sealing_key(path: Path, passphrase: str | None) -> "SealingKey":
    """The sealing key in a file; ``FileNotFoundError`` where there is none."""
    from ledger.sealing import SealingKey

    return SealingKey.parse(read_secret(path, _KIND, passphrase))


def kept_sealing_key(path: Path, passphrase: str | None, database: str) -> "SealingKey":
    """The sealing key in a file, which is made where there is none.

    ``Failure`` where there is none and the database at the URL ``database`` has keys that one has
    sealed: a fresh one would be of no use.
    """
    from ledger.store import Store

    if not path.exists():
        with Store(database) as store:
            sealed = store.is_sealed()
        if sealed:
            raise Failure(f"{path}: no such file, and the database's keys are sealed with it")
        with suppress(FileExistsError):  # another process was quicker
            return create_sealing_key(path, passphrase)
    return open_sealing_key(path, passphrase)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Failure(f"{path}: too large")
    return data
