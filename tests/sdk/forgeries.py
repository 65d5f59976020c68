"""What a merchant who holds the log's keys can make: other logs, properly signed."""

from collections.abc import Iterable, Sequence
from typing import Any

import httpx

from ledger.checkpoint import Checkpoint, sign
from ledger.events import encode_event, events_origin, parse_event
from ledger.evidence import EventEvidence
from ledger.merkle import build_inclusion, build_multiproof, build_root, leaf_hash
from ledger.tiles import TILE_WIDTH, encode_bundle, parse_bundle_path, parse_tile_path
from ledger.tlog_proof import TlogProof
from tests.ledger.memory_log import LeafReader
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, World

Event = dict[str, Any]


class PrivateLog:
    """A log of any entries under the true key, with everything that is served of one."""

    def __init__(self, server: ShopServer, origin: str, entries: Iterable[bytes]) -> None:
        self.entries = list(entries)
        self.reader = LeafReader(map(leaf_hash, self.entries))
        self.size = len(self.reader.leaves)
        head = Checkpoint(origin, self.size, build_root(self.reader, self.size))
        self.note = sign(head, server.signer(origin))

    def __call__(self, request: httpx.Request) -> bytes:
        """The checkpoint, a tile or a bundle."""
        path = request.url.path.split("/", 4)[4]
        if path == "checkpoint":
            return self.note
        if path.startswith("tile/entries/"):
            index, width = parse_bundle_path(path)
            return encode_bundle(self.entries[index * TILE_WIDTH :][:width])
        tile = parse_tile_path(path)
        first = tile.index * TILE_WIDTH
        nodes = [(8 * tile.level, first + i) for i in range(tile.width)]
        return b"".join(self.reader.hashes(nodes))

    def proof(self, index: int) -> str:
        hashes = build_inclusion(self.reader, index, self.size)
        return TlogProof(index, tuple(hashes), self.note).serialise().decode()

    def multiproof(self, indices: Sequence[int]) -> list[bytes]:
        return build_multiproof(self.reader, indices, self.size)


def all_events(world: World) -> list[Event]:
    with world.store.log(events_origin(ORIGIN)) as log:
        return [parse_event(entry) for entry in log.entries(0, log.size)]


def all_entries(world: World) -> list[bytes]:
    with world.store.log(ORIGIN) as log:
        return log.entries(0, log.size)


def event_log(server: ShopServer, events: Iterable[Event]) -> PrivateLog:
    return PrivateLog(server, events_origin(ORIGIN), map(encode_event, events))


def show(server: ShopServer, events: Sequence[Event], indices: Iterable[int] | None = None) -> Any:
    """The evidence of a private event log, all of it or the events at ``indices``."""
    log = event_log(server, events)
    wanted = sorted(range(len(events)) if indices is None else indices)
    shown = tuple((index, events[index]) for index in wanted)
    return EventEvidence(shown, tuple(log.multiproof(wanted)), log.note).document()
