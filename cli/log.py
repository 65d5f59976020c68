"""``kvitto log``: stored logs checked, as files and back, and logs of others watched."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.database import DATA, DatabaseUrl, DataDirectory
from cli.db import open_signing_store, open_store
from cli.files import read_bytes, read_quorum
from cli.following import naming_what_follows
from cli.forks import keeping_proof
from cli.options import QuorumFile
from cli.output import AsJson, facts, note, show
from cli.secret_files import Keys, PassphraseFile
from commitments.errors import FormatError, VerificationError
from commitments.sandbox import is_sandbox

if TYPE_CHECKING:
    from ledger.monitor import Head
    from ledger.note import Verifier

__all__ = ["app"]

app = typer.Typer(name="log", help="Check, export, import and watch logs.", no_args_is_help=True)

_UNCHANGED = 3
_STATE = Path("~/.kvitto/monitor")


@app.command()
def fsck(
    *, data: DataDirectory = DATA, database: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Make every tile and root again from the entries, and compare with what is stored.

    Exit status 1 if anything differs; each fault is named.
    """
    from ledger.fsck import check_all

    with open_store(data, database) as store, store.read() as connection:
        heads = check_all(connection)
    found = [{"origin": head.origin, "size": head.size} for head in heads]
    lines = [f"{head.origin}: {head.size} entries, sound" for head in heads]
    show({"logs": found}, "\n".join(lines) or "there is no log", as_json=as_json)


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it does not exist.")],
    *,
    data: DataDirectory = DATA,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write all logs as the files that the service has below /logs; those of sandboxes are not.

    Run it again to add what is new: tiles that are there are not written again.
    """
    from cli.log_directory import export_merchant
    from issuer.merchants import list_merchants

    with open_store(data, database) as store:
        written = sum(export_merchant(store, m, directory) for m in list_merchants(store))
    show({"written": written}, f"{written} files written", as_json=as_json)


@app.command("import")
def import_(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Written by `log export`.")],
    *,
    data: DataDirectory = DATA,
    database: DatabaseUrl = None,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Read logs back from files: after the loss of a database, or to have a copy of one's own.

    Everything is verified first. The keys of a log that is new here are those it declares itself;
    compare them with what you know. A copy is served and checked like any log, and grows only by
    another import. Run it again to add what is new, or after an interruption.
    """
    from cli.log_directory import import_merchant

    os.umask(0o077)
    homes = sorted(path for path in directory.iterdir() if path.is_dir())
    with open_signing_store(data, database, keys, passphrase_file, new=True) as store:
        found = [log for home in homes for log in import_merchant(store, home)]
    lines = [
        f"{log['origin']}: {log['size']} entries, {log['new']} new\n  {log['vkey']}"
        for log in found
    ]
    show({"logs": found}, "\n".join(lines) or "there is no log", as_json=as_json)


@app.command()
def monitor(
    log: Annotated[
        str, typer.Argument(metavar="LOG", help="A directory or the address of any C2SP log.")
    ],
    *,
    key: Annotated[
        list[str],
        typer.Option(
            metavar="VKEY",
            help="The log's verifier key. Again for each it has had, oldest first: what was seen"
            " before may be signed by any of them, what is shown now by the last.",
        ),
    ],
    quorum: QuorumFile = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Holds the checkpoint seen last; else one for each log in ~/.kvitto/monitor.",
        ),
    ] = None,
    entries: Annotated[
        bool, typer.Option("--entries", help="Also fetch all new entries, and hash them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look whether a log has only grown since this was last called.

    Exit status 0: it has, or it was seen for the first time. 3: it has not changed. 4: it cannot
    be reached. 5: it has forked, and the proof is in a file beside the state. 1: what is served
    does not hold, which proves nothing against the log. The state changes with status 0 only.
    """
    from ledger.durable import replace_file
    from ledger.monitor import check_entries, look
    from ledger.note import parse_vkey
    from ledger.served_log import ServedLog

    keys = [parse_vkey(each) for each in key]
    verifier = keys[-1]
    if is_sandbox(verifier.name):
        note("This log is a sandbox's: nothing in it is real.")
    wanted = read_quorum(quorum)
    file = (state or _state_of(verifier)).expanduser()
    known = _read_head(file, keys)
    with ServedLog.at(log) as served, keeping_proof(file), naming_what_follows():
        head = look(served, verifier, wanted, known)
        if entries:
            check_entries(served, known, head)
    if head is not known:
        replace_file(file, head.note)
    before = known and known.size
    found = {"origin": verifier.name, "before": before, "size": head.size, "state": str(file)}
    show(found, facts(found), as_json=as_json)
    if head is known:
        raise typer.Exit(_UNCHANGED)


@app.command()
def verify_fork(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written by whoever saw the fork.")],
    *,
    key: Annotated[
        list[str],
        typer.Option(metavar="VKEY", help="The log's verifier key; again for each it has had."),
    ],
    as_json: AsJson = False,
) -> None:
    """Check the proof that a log has forked, without asking anyone.

    Exit status 0 only if the log has signed both of two histories that contradict each other.
    """
    from ledger import fork
    from ledger.note import parse_vkey

    proof = fork.Fork.parse(read_bytes(file))
    small, large = fork.verify_fork(proof, [parse_vkey(each) for each in key])
    found = {
        "origin": small.origin,
        "size": small.size,
        "root": small.root.hex(),
        "other_root": proof.root.hex(),
        "shown_at": large.size,
    }
    said = f"{small.origin} has forked: it has signed two roots over its first entries"
    show(found, said, facts(found), as_json=as_json)


def _state_of(log: "Verifier") -> Path:
    """A file for each log; an origin may hold what no file name can."""
    from hashlib import sha256

    return _STATE / sha256(log.name.encode()).hexdigest()


def _read_head(file: Path, keys: "Sequence[Verifier]") -> "Head | None":
    from ledger.checkpoint import open_extended
    from ledger.monitor import Head

    if not file.exists():
        return None
    seen = read_bytes(file)
    try:
        open_extended(seen, keys)
    except (FormatError, VerificationError) as error:
        raise FormatError(f"not a checkpoint of this log: {error}", str(file)) from None
    return Head.of(seen)
