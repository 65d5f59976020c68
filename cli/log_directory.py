"""The directory of ``kvitto log export`` and ``import``: what the service has below ``/logs``.

Each merchant has a directory of its id, with ``purchases``, ``events`` and ``merchant.json``: its
id, name and origin. The name is in no log, so nobody has signed it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli.files import read_document
from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json
from issuer.merchants import Merchant, adopt_merchant, check_merchant
from ledger.checkpoint import Checkpoint
from ledger.closed import ClosedLogs
from ledger.durable import replace_file
from ledger.events import events_origin, parse_event
from ledger.export import export_log
from ledger.farewells import (
    adopt_farewells,
    show_keys,
    stored_key_history,
)
from ledger.importing import import_log, read_bundle, verify_files
from ledger.key_history import (
    KEY_EVENTS,
    KeyHistory,
    follow_keys,
    parse_shown_keys,
    read_key_history,
)
from ledger.log import Log, NotInLog
from ledger.note import Note
from ledger.store import Store, Transaction
from ledger.tiles import TILE_WIDTH
from verifier.rebuild import replay

__all__ = ["export_merchant", "import_merchant"]

_FILE = "merchant.json"
_KEYS = "keys.json"


def export_merchant(store: Store, merchant: Merchant, directory: Path) -> int:
    """Write what is new of a merchant into its directory; how many files those were.

    Both logs are of one moment. The event log comes last: a close in it names a size that the
    purchase log beside it has.
    """
    home = directory / merchant.id
    with store.read() as connection:
        events = Log.published(connection, events_origin(merchant.origin))
        purchases = Log.published(connection, merchant.origin)
        written = export_log(purchases, home / "purchases") + export_log(events, home / "events")
        keys = show_keys(connection, merchant.origin)
    replace_file(home / _KEYS, keys)
    replace_file(home / _FILE, canonical_json(asdict(merchant)))
    return written + 2


def import_merchant(store: Store, home: Path) -> list[Mapping[str, Any]]:
    """Bring both logs of a merchant, and what is made of them, to what its directory says.

    Everything is verified before anything is written; each log is then written whole, so that
    one which was interrupted is done again. For each log its origin, key, size and how many
    entries were new.
    """
    merchant = _read_merchant(home)
    with _named(home / "events"):
        history = _key_history(home / "events")
    if history.origin != merchant.origin:
        raise VerificationError("the logs are another merchant's", str(home))
    _require_same_keys(store, history, home)
    logs = {"purchases": history.purchases, "events": history.events}
    for kind, keys in logs.items():
        with _named(home / kind):
            verify_files(home / kind, *keys.in_force)
    with _named(home / _KEYS):
        shown = parse_shown_keys(read_document(home / _KEYS))
        if follow_keys(shown, history.events.keys[:1]) != history:
            raise VerificationError("not the keys that the event log tells")

    def take_purchases(transaction: Transaction) -> range:
        return import_log(transaction, home / "purchases", history.purchases)

    def take_events(transaction: Transaction) -> range:
        adopt_merchant(transaction, merchant)
        new = import_log(transaction, home / "events", history.events)
        replay(transaction.connection, merchant.origin, new)
        adopt_farewells(transaction.connection, merchant.origin, shown)
        ClosedLogs().partition(transaction.connection, merchant.origin)  # or a close is false
        return new

    taken = {
        merchant.origin: store.write(take_purchases, merchant.origin),
        events_origin(merchant.origin): store.write(take_events, events_origin(merchant.origin)),
    }
    return [
        {"origin": origin, "vkey": keys.keys[-1].vkey, "size": new.stop, "new": len(new)}
        for (origin, new), keys in zip(taken.items(), logs.values(), strict=True)
    ]


def _read_merchant(home: Path) -> Merchant:
    path = home / _FILE
    document = read_document(path)
    if not isinstance(document, dict) or document.keys() != {"id", "name", "origin"}:
        raise FormatError("not a merchant with id, name and origin", str(path))
    if not all(isinstance(value, str) for value in document.values()):
        raise FormatError("not text", str(path))
    if document["id"] != home.name:
        raise FormatError("not the merchant of this directory", str(path))
    merchant = Merchant(**document)
    with _named(path):
        check_merchant(merchant)
    return merchant


def _key_history(events: Path) -> KeyHistory:
    """What the events say about keys; that these are the events is for others to verify."""
    note = Note.parse((events / "checkpoint").read_bytes())
    size = Checkpoint.parse(note.text).size
    bundles = (read_bundle(events, index, size) for index in range(-(-size // TILE_WIDTH)))
    told = (parse_event(entry) for bundle in bundles for entry in bundle)
    return read_key_history(event for event in told if event["type"] in KEY_EVENTS)


def _require_same_keys(store: Store, history: KeyHistory, home: Path) -> None:
    """A log that is here already goes on from the keys that it has here.

    Anybody can make a history that begins with another key and names ours as its successor.
    """
    try:
        with store.read() as connection:
            Log(connection, events_origin(history.origin))
            known = stored_key_history(connection, history.origin)
    except NotInLog:
        return
    for ours, theirs in ((known.purchases, history.purchases), (known.events, history.events)):
        if theirs.keys[: len(ours.keys)] != ours.keys:
            raise VerificationError("the log has another key", str(home))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors about a file, or the files in a directory, name it."""
    try:
        yield
    except (FormatError, VerificationError) as error:
        if error.field is None or not error.field.startswith(str(path)):
            error.field = str(path)
        raise
