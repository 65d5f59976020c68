"""What must be found in the logs of ``web/tests/fixtures``, by the Python rooms."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from aftersales.histories import Histories
from aftersales.versions import VersionFold
from commitments.p256 import P256
from commitments.wire import parse_base64
from ledger.checkpoint import Checkpoint
from ledger.closes import CLOSED, accept_closes, seed
from ledger.events import LogDeclaration, parse_event
from ledger.key_history import KEY_EVENTS, read_key_history
from ledger.merkle import leaf_hash, root_of
from ledger.note import Note
from ledger.partition import Partition
from ledger.purchases import Purchases
from ledger.rings import RingName, build_ring
from ledger.served_log import LogDirectory, ServedLog
from ledger.tiles import TILE_WIDTH, tile_width
from policies.claim import claim_statement, parse_claim
from zk.statement import Ring
from zk.verify import verify

__all__ = ["expected", "read_entries"]


def expected(home: Path) -> dict[str, Any]:
    """Of the logs of one merchant, all that another implementation must agree with."""
    events, purchases = (read_entries(home / name) for name in ("events", "purchases"))
    parsed = [parse_event(entry) for entry in events]
    declaration = LogDeclaration.from_event(parsed[0])
    keys = read_key_history(event for event in parsed if event["type"] in KEY_EVENTS)

    def root_at(size: int) -> bytes | None:
        return None if size > len(purchases) else root_of([*map(leaf_hash, purchases[:size])])

    closes = accept_closes(parsed, declaration, root_at)
    partition = Partition(declaration.capacity, declaration.void_window, closes)
    return {
        "origin": declaration.origin,
        "events": _head(home / "events"),
        "purchases": _head(home / "purchases"),
        "vkeys": {
            "events": [key.vkey for key in keys.events.in_force],
            "purchases": [key.vkey for key in keys.purchases.in_force],
        },
        "closes": [{"size": close.size, "seed": seed(close).hex()} for close in closes],
        "declared": sum(event["type"] == CLOSED for event in parsed),
        "claims": list(_claims(declaration.origin, parsed, partition, Purchases(purchases))),
        "states": _states(declaration.origin, parsed),
    }


def read_entries(directory: Path) -> list[bytes]:
    """The entries of a log that was exported."""
    log = ServedLog(LogDirectory(directory))
    size = Checkpoint.parse(Note.parse(log.checkpoint()).text).size
    bundles = range(-(-size // TILE_WIDTH))
    return [entry for n in bundles for entry in log.entries(n, tile_width(0, n, size))]


def _head(directory: Path) -> dict[str, Any]:
    note = Note.parse((directory / "checkpoint").read_bytes())
    checkpoint = Checkpoint.parse(note.text)
    return {"size": checkpoint.size, "root": checkpoint.root.hex()}


def _claims(
    origin: str, events: list[dict[str, Any]], partition: Partition, purchases: Purchases
) -> Iterator[dict[str, Any]]:
    fold = VersionFold(origin)
    for index, event in enumerate(events):
        fold.read(event)
        if event["type"] != "claim.decided":
            continue
        body = parse_claim(event["claim"])
        version = fold.version(body.policy, body.version)
        if version is None:
            raise ValueError("a claim under no policy")
        name = RingName(body.first, body.size, body.voided_at, body.lane)
        ring = build_ring(purchases, partition, name, P256.decode)
        points = Ring(P256, ring.members, ring.points)
        statement = claim_statement(P256, version, body, ring.root, points)
        shown = verify(statement, parse_base64(event["proof"], "proof"))
        if [tag.hex() for tag in shown.tags] != event["tags"]:
            raise ValueError("other tags than the proof shows")
        yield {
            "index": index,
            "claim_id": event["claim_id"],
            "ring": list(ring.indices),
            "digest": ring.digest().hex(),
            "statement": sha256(statement.encode()).hexdigest(),
            "tags": event["tags"],
        }


def _states(origin: str, events: list[dict[str, Any]]) -> dict[str, str]:
    histories = Histories(origin)
    for index, event in enumerate(events):
        histories.read(index, event)
    return {name: history.case.state for name, history in histories.claims.items()}
