"""A log as it stands in the database: what is served of it, read from one snapshot."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection, func, select

from commitments.errors import FormatError
from ledger.merkle import (
    HASH_BYTES,
    build_consistency,
    build_inclusion,
    build_multiproof,
    build_root,
)
from ledger.note import Verifier, parse_vkey
from ledger.schema import entries, logs, published, tiles, voids
from ledger.tiles import TILE_WIDTH, Tile, TileFetcher, TileReader, encode_bundle
from ledger.tlog_proof import TlogProof

__all__ = ["Log", "NotInLog", "published_sizes", "tile_fetcher"]

_CHUNK = 500  # values in one IN list; below every database's limit on parameters
_MOST_TILES = 32  # kept for a request: a ring needs hundreds, once, and 32 ask for one at a time

T = TypeVar("T")


class NotInLog(FormatError):  # noqa: N818 - the name is the condition, as in HTTP 404
    """There is no such log, or it has no such entry, tile or size."""


class Log:
    """The log ``origin`` in the snapshot of ``connection``.

    Proofs and tiles are for the newest checkpoint of that snapshot, or for a smaller ``size``;
    within a transaction that appends, entries can be read before a checkpoint covers them.
    ``NotInLog`` for what is not there.
    """

    def __init__(self, connection: Connection, origin: str) -> None:
        row = connection.execute(select(logs).where(logs.c.origin == origin)).one_or_none()
        if row is None:
            raise NotInLog("no such log", "origin")
        self.origin = origin
        self.id: int = row.id
        self.vkeys: tuple[str, ...] = tuple(row.vkeys.split("\n"))
        self.size: int = row.size
        self._checkpoint: bytes = row.checkpoint
        self._connection = connection
        self._reader = TileReader(tile_fetcher(connection, self.id), self.size, _MOST_TILES)

    @classmethod
    def published(cls, connection: Connection, origin: str, position: int = -1) -> "Log":
        """The log as readers see it: under the last checkpoint that witnesses were asked for.

        The newest one where there are no witnesses, or where the entry at ``position`` would
        not be seen yet.
        """
        log = cls(connection, origin)
        query = select(published).where(published.c.log_id == log.id, published.c.size > position)
        row = connection.execute(query).one_or_none()
        if row is not None:
            log.size, log._checkpoint = row.size, row.checkpoint
            log._reader = TileReader(tile_fetcher(connection, log.id), log.size, _MOST_TILES)
        return log

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """The keys that sign it, oldest first."""
        return tuple(parse_vkey(vkey) for vkey in self.vkeys)

    def checkpoint(self) -> bytes:
        """The newest checkpoint, a signed note."""
        return self._checkpoint

    def root(self, size: int) -> bytes:
        """The root of the first ``size`` entries."""
        self._check_size(size)
        return build_root(self._reader, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that entry ``index`` is among the first ``size``."""
        self._check_size(size)
        return build_inclusion(self._reader, index, size)

    def tlog_proof(self, index: int) -> TlogProof:
        """The proof that entry ``index`` is in the log under its checkpoint."""
        return TlogProof(index, tuple(self.inclusion(index, self.size)), self._checkpoint)

    def consistency(self, old_size: int, size: int) -> list[bytes]:
        """The proof that the first ``size`` entries begin with the first ``old_size``."""
        self._check_size(size)
        return build_consistency(self._reader, old_size, size)

    def multiproof(self, indices: Sequence[int], size: int) -> list[bytes]:
        """The one proof that all entries at ``indices`` are among the first ``size``."""
        self._check_size(size)
        return build_multiproof(self._reader, indices, size)

    def tile(self, level: int, index: int, width: int) -> bytes:
        """A tile of the tree, of any width up to what exists."""
        (hashes,) = tile_fetcher(self._connection, self.id)([Tile(level, index, width)])
        return hashes

    def bundle(self, index: int, width: int) -> bytes:
        """An entry bundle, of any width up to what exists."""
        start = index * TILE_WIDTH
        if not 1 <= width <= TILE_WIDTH or not 0 <= start < start + width <= self.size:
            raise NotInLog("no such entry bundle", "tile")
        return encode_bundle(self.entries(start, start + width))

    def entry(self, index: int) -> bytes:
        """The entry at ``index``."""
        (entry,) = self.entries(index, index + 1)
        return entry

    def entries(self, start: int, stop: int) -> list[bytes]:
        """The entries ``[start, stop)``."""
        query = select(entries.c.data).where(
            entries.c.log_id == self.id,
            entries.c.position >= start,
            entries.c.position < stop,
        )
        found = list(self._connection.scalars(query.order_by(entries.c.position)))
        if len(found) != stop - start:
            raise NotInLog("the log has not that many entries", "index")
        return found

    def index_of(self, commitment: bytes) -> int | None:
        """Where a purchase log has the commitment, in whatever entry; ``None`` if nowhere."""
        query = select(entries.c.position).where(
            entries.c.log_id == self.id, entries.c.commitment == commitment
        )
        position: int | None = self._connection.scalar(query)
        return position

    # ---- a purchase log, as rings see it (ledger.rings.ProvableLog)

    def entries_at(self, indices: Sequence[int]) -> list[bytes]:
        """The entry at each index, in the order asked for."""
        query = select(entries.c.position, entries.c.data).where(entries.c.log_id == self.id)
        found: dict[int, bytes] = {}
        for chunk in _chunks(indices):
            rows = self._connection.execute(query.where(entries.c.position.in_(chunk)))
            found |= {row.position: row.data for row in rows}
        if not found.keys() >= set(indices):
            raise NotInLog("the log has not that many entries", "index")
        return [found[index] for index in indices]

    def voids_of(self, indices: Sequence[int]) -> dict[int, list[int]]:
        """For each index that any void entry names, the indices of those, ascending."""
        query = select(voids.c.voided, voids.c.position).where(voids.c.log_id == self.id)
        found: dict[int, list[int]] = {}
        for chunk in _chunks(indices):
            chosen = query.where(voids.c.voided.in_(chunk)).order_by(voids.c.position)
            for voided, position in self._connection.execute(chosen):
                found.setdefault(voided, []).append(position)
        return found

    def repeats(self, _commitments: Mapping[int, bytes]) -> dict[int, int]:
        """Commitments that occur earlier too: none, since the database keeps them unique."""
        return {}

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise NotInLog("the log is not that large", "size")


def published_sizes(connection: Connection, origins: Collection[str]) -> dict[str, int]:
    """The size of each of these logs as readers see it; see :meth:`Log.published`."""
    query = (
        select(logs.c.origin, func.coalesce(published.c.size, logs.c.size))
        .outerjoin(published, published.c.log_id == logs.c.id)
        .where(logs.c.origin.in_(origins))
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def tile_fetcher(connection: Connection, log_id: int) -> TileFetcher:
    """How to fetch tiles of a log: one query for each of their levels and some hundred tiles."""
    query = select(tiles.c.position, tiles.c.hashes).where(tiles.c.log_id == log_id)

    def fetch(wanted: Sequence[Tile]) -> list[bytes]:
        found: dict[tuple[int, int], bytes] = {}
        for level in {tile.level for tile in wanted}:
            for chunk in _chunks([tile.index for tile in wanted if tile.level == level]):
                chosen = query.where(tiles.c.level == level, tiles.c.position.in_(chunk))
                for index, hashes in connection.execute(chosen):
                    found[level, index] = hashes
        return [_prefix(found.get((tile.level, tile.index), b""), tile.width) for tile in wanted]

    return fetch


def _prefix(hashes: bytes, width: int) -> bytes:
    if not 1 <= width <= len(hashes) // HASH_BYTES:
        raise NotInLog("no such tile", "tile")
    return hashes[: width * HASH_BYTES]


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
