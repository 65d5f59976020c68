"""``kvitto keys``: the key that seals the logs' private keys, and a change of the logs' own."""

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.database import DATA, DatabaseUrl, DataDirectory
from cli.db import open_signing_store, open_store
from cli.files import new_file, read_document, read_quorum
from cli.options import QuorumFile
from cli.output import AsJson, show
from cli.secret_files import (
    Keys,
    PassphraseFile,
    create_sealing_key,
    read_passphrase,
    sealing_key_path,
)

if TYPE_CHECKING:
    from issuer.key_rotation import LogKind
    from ledger.key_history import KeyHistory

__all__ = ["app"]

app = typer.Typer(name="keys", help="The keys of the service's logs.", no_args_is_help=True)

Merchant = Annotated[str, typer.Argument(metavar="MERCHANT", help="The merchant's id.")]


class Which(StrEnum):
    """Which of a merchant's two logs a command is about."""

    PURCHASES = "purchases"
    EVENTS = "events"
    BOTH = "both"


Log = Annotated[Which, typer.Option("--log", help="Which log's key.")]


@app.command()
def create(
    *,
    data: DataDirectory = DATA,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the sealing key, under which the logs' private keys lie in the database.

    Encrypted if there is a passphrase. `serve` makes one by itself where there is none. An
    existing file is never overwritten. Keep a copy apart from the database and its backups.
    """
    os.umask(0o077)
    path = sealing_key_path(data, keys)
    path.parent.mkdir(parents=True, exist_ok=True)
    passphrase = read_passphrase(passphrase_file)
    create_sealing_key(path, passphrase)
    made = {"keys": str(path), "encrypted": passphrase is not None}
    how = "encrypted" if passphrase else "not encrypted: there was no passphrase"
    show(made, f"{path}, {how}", as_json=as_json)


@app.command()
def rotate(
    merchant: Merchant,
    *,
    log: Log = Which.BOTH,
    data: DataDirectory = DATA,
    database: DatabaseUrl = None,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Give a merchant's logs new keys, which sign with the old ones until `retire`.

    The event log says so. A running service need not be restarted. Tell the new keys to the
    witnesses before the old ones are retired.
    """
    from commitments.clock import system_clock
    from issuer.key_rotation import rotate_keys
    from issuer.merchants import find_merchant
    from issuer.sandbox_clocks import SandboxClocks

    with open_signing_store(data, database, keys, passphrase_file) as store:
        clocks = SandboxClocks(store, system_clock)
        events = rotate_keys(store, clocks, find_merchant(store, merchant), _kinds(log))
    made = [{"vkey": event["vkey"], "next_vkey": event["next_vkey"]} for event in events]
    show({"rotated": made}, "\n".join(keys["next_vkey"] for keys in made), as_json=as_json)


@app.command()
def retire(
    merchant: Merchant,
    *,
    log: Log = Which.BOTH,
    data: DataDirectory = DATA,
    database: DatabaseUrl = None,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Destroy the older keys of a merchant's logs, whose successors have been published."""
    from commitments.clock import system_clock
    from issuer.key_rotation import retire_keys
    from issuer.merchants import find_merchant
    from issuer.sandbox_clocks import SandboxClocks

    with open_signing_store(data, database, keys, passphrase_file) as store:
        clocks = SandboxClocks(store, system_clock)
        events = retire_keys(store, clocks, find_merchant(store, merchant), _kinds(log))
    gone = [event["vkey"] for event in events]
    show({"retired": gone}, "\n".join(f"retired: {vkey}" for vkey in gone), as_json=as_json)


@app.command("list")
def list_keys(
    merchant: Merchant,
    *,
    data: DataDirectory = DATA,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print all verifier keys that a merchant's logs have had."""
    from issuer.merchants import find_merchant
    from ledger.farewells import stored_key_history

    with open_store(data, database) as store:
        origin = find_merchant(store, merchant).origin
        with store.read() as connection:
            history = stored_key_history(connection, origin)
    _show_history(history, as_json=as_json)


@app.command()
def follow(
    file: Annotated[
        Path, typer.Argument(metavar="KEYS.json", help="The service's /logs/MERCHANT/keys.json.")
    ],
    *,
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="A verifier key of the event log that you trust.")
    ],
    quorum: QuorumFile = None,
    new_quorum: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write here the policy with the witnesses' present keys."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """From a key that you trust, however old, to the present keys of both logs, offline.

    Exit status 0 only if each key in between has named the next one in the log. The keys of
    witnesses in the policy of --quorum may be old too; --new-quorum writes one that names those
    which have followed them, for `receipt verify` and `log monitor`.
    """
    from ledger.key_history import follow_keys, parse_shown_keys
    from ledger.note import parse_vkey

    shown = parse_shown_keys(read_document(file))
    if new_quorum is not None and quorum is None:
        raise typer.BadParameter("there is no --quorum to write anew", param_hint="--new-quorum")
    policy = read_quorum(quorum)
    history = follow_keys(shown, [parse_vkey(key)], policy)
    if new_quorum is not None:
        with new_file(new_quorum) as written:
            written.buffer.write(policy.following(history.witnesses).serialise())
    _show_history(history, as_json=as_json)


def _kinds(log: Which) -> "Sequence[LogKind]":
    if log is Which.BOTH:
        return ("purchases", "events")
    return ("purchases",) if log is Which.PURCHASES else ("events",)


def _show_history(history: "KeyHistory", *, as_json: bool) -> None:
    found: dict[str, Any] = {"origin": history.origin}
    lines = []
    for kind, log in (("purchases", history.purchases), ("events", history.events)):
        retired = log.keys[: log.retired]
        found[kind] = {
            "in_force": [key.vkey for key in log.in_force],
            "retired": [key.vkey for key in retired],
        }
        lines += [f"in force: {key.vkey}" for key in log.in_force]
        lines += [f"retired:  {key.vkey}" for key in retired]
    handovers = history.witnesses.handovers
    found["witnesses"] = [
        {"vkey": handover.old.vkey, "next_vkey": handover.new.vkey} for handover in handovers
    ]
    lines += [f"witness:   {each.old.vkey}\nnow:       {each.new.vkey}" for each in handovers]
    show(found, "\n".join(lines), as_json=as_json)
