"""Two logs of a merchant in memory, as the files that a service shows, honest or not."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from auditor.mirror import Mirror, mirror_merchant
from auditor.place import service_place
from auditor.state import LogKind
from benchmarks.rings import walk
from commitments.p256 import P256
from commitments.wire import canonical_json
from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import Cosigner
from ledger.entries import Purchase
from ledger.events import encode_event, event_time, events_origin
from ledger.evidence import EventEvidence
from ledger.key_history import KeyHistory, retirement_event, rotation_event
from ledger.merkle import build_multiproof, build_root, leaf_hash
from ledger.note import Note, Signer, Verifier
from ledger.quorum import NO_QUORUM, Quorum
from ledger.tiles import TILE_WIDTH, bundle_path, encode_bundle, tile_path, tile_width
from tests.ledger.memory_log import ORIGIN, LeafReader, declaration
from tests.ledger.served import SECONDS, Files

PURCHASES = Signer(ORIGIN, b"p" * 32)
EVENTS = Signer(events_origin(ORIGIN), b"e" * 32)
NEXT = Signer(events_origin(ORIGIN), b"f" * 32)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TIME = event_time(NOW)
SECOND = SECONDS


class ShownLog:
    """A log that is shown at any size."""

    def __init__(self, entries: Sequence[bytes], *signers: Signer) -> None:
        self.entries = list(entries)
        self.signers = signers
        self.reader = LeafReader(map(leaf_hash, self.entries))
        self._tiles: dict[int, dict[str, bytes]] = {}

    def note(self, size: int, cosigners: Sequence[Cosigner] = ()) -> bytes:
        root = build_root(self.reader, size)
        note = Note.parse(sign(Checkpoint(self.signers[0].name, size, root), *self.signers))
        cosigned = [cosigner.cosign(note.text, SECOND) for cosigner in cosigners]
        return Note(note.text, (*note.signatures, *cosigned)).serialise()

    def files(self, size: int, cosigners: Sequence[Cosigner] = ()) -> dict[str, bytes]:
        if size not in self._tiles:
            self._tiles[size] = dict(self._all_tiles(size))
        return {"checkpoint": self.note(size, cosigners), **self._tiles[size]}

    def _all_tiles(self, size: int) -> Iterator[tuple[str, bytes]]:
        level = 0
        while tile_width(level, 0, size):
            index = 0
            while width := tile_width(level, index, size):
                first = index * TILE_WIDTH
                hashes = self.reader.hashes([(8 * level, first + i) for i in range(width)])
                yield tile_path(level, index, width), b"".join(hashes)
                if level == 0:
                    bundle = self.entries[first:][:width]
                    yield bundle_path(index, width), encode_bundle(bundle)
                index += 1
            level += 1


def event(number: int) -> bytes:
    return encode_event({"type": "note", "time": TIME, "number": number})


FIRST = declaration().to_event(TIME)
_DECLARED = KeyHistory.declared(declaration())
ROTATED = rotation_event(_DECLARED, EVENTS, NEXT.verifier, TIME)
RETIRED = retirement_event(_DECLARED.after(ROTATED), EVENTS.verifier, TIME)


SALES = [Purchase(P256.encode(point)).encode() for point in islice(walk(), 1700)]


class ShownMerchantLogs:
    """Both logs of ``acme``; ``forked`` are the numbers from which on they are others."""

    def __init__(
        self,
        *,
        forked_purchases: int = 1 << 30,
        forked_events: int = 1 << 30,
        rotated: bool = False,
    ) -> None:
        shift = 1000
        sold = [SALES[n + shift * (n >= forked_purchases)] for n in range(700)]
        told = [encode_event(FIRST)]
        told += [event(n + shift * (n >= forked_events)) for n in range(1, 600)]
        if rotated:
            told[300] = encode_event(ROTATED)
        self.purchases = ShownLog(sold, PURCHASES)
        self.events = ShownLog(told, EVENTS, *([NEXT] if rotated else []))
        self.rotated = rotated

    def retire_in_secret(self) -> None:
        """From here on the old key is retired, signs on, and is shown as the only one."""
        self.events = ShownLog([*self.events.entries[:301], encode_event(RETIRED)], EVENTS)
        self.rotated = False

    def files(
        self, purchases: int = 700, events: int = 600, cosigners: Sequence[Cosigner] = ()
    ) -> Files:
        listed = {"id": "acme", "name": "Acme", "origin": ORIGIN, "witnesses": []}
        shown = {
            "v1/directory": canonical_json({"service": "A service", "merchants": [listed]}),
            "logs/acme/keys.json": canonical_json({"history": [self._keys(events, cosigners)]}),
        }
        for kind, log, size in (
            ("purchases", self.purchases, purchases),
            ("events", self.events, events),
        ):
            of_log = log.files(size, cosigners)
            shown |= {f"logs/acme/{kind}/{path}": data for path, data in of_log.items()}
        return Files(shown)

    def _keys(self, size: int, cosigners: Sequence[Cosigner]) -> dict[str, Any]:
        told = ((0, FIRST), *([(300, ROTATED)] if self.rotated else []))
        indices = [index for index, _ in told]
        hashes = tuple(build_multiproof(self.events.reader, indices, size))
        return EventEvidence(told, hashes, self.events.note(size, cosigners)).document()


def mirrored(
    files: Files, directory: Path, *pinned: Verifier, quorum: Quorum = NO_QUORUM
) -> Mirror:
    place = service_place(files)
    return mirror_merchant(
        place,
        place.merchant("acme"),
        directory / "acme",
        clock=lambda: NOW,
        progress=lambda *_: None,
        pinned=pinned,
        quorum=quorum,
    )


def on_disk(directory: Path, kind: LogKind) -> dict[str, bytes]:
    home = directory / "acme" / kind
    return {
        str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()
    }
