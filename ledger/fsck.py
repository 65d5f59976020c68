"""Checking a stored log from the ground up: everything is made again from its entries and compared.

It believes nothing but the entries and the signature. What it finds it lists, instead of stopping
at the first fault: whoever runs it wants to know what is left.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, select

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.entries import Entry, Void, commitment_of, parse_entry
from ledger.event_log import event_kinds, events_of
from ledger.events import events_origin, is_events_origin, parse_event, purchases_origin
from ledger.key_history import KEY_EVENTS, read_key_history
from ledger.log import Log, NotInLog
from ledger.merkle import leaf_hash
from ledger.note import verify_note
from ledger.right_edge import RightEdge, TileChange
from ledger.schema import entries, logs, published, tiles, voids
from ledger.tiles import TILE_WIDTH
from ledger.transfers import transfer_faults
from ledger.void_events import void_faults

__all__ = ["Damaged", "check_all", "check_log", "find_faults"]

_CHUNK = 16 * TILE_WIDTH  # entries in memory at a time


class Damaged(VerificationError):  # noqa: N818 - the name is the condition
    """A stored log is not what its entries make; ``faults`` says where."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("the stored logs are damaged")
        self.faults = faults


def check_all(connection: Connection) -> list[Checkpoint]:
    """The newest checkpoints of all logs; :class:`Damaged` with the faults of all of them."""
    origins = list(connection.scalars(select(logs.c.origin).order_by(logs.c.id)))
    faults = [f"{o}: {fault}" for o in origins for fault in find_faults(connection, o)]
    faults += _stray_faults(connection, origins)
    if faults:
        raise Damaged(faults)
    return [_head(Log(connection, origin)) for origin in origins]


def check_log(connection: Connection, origin: str) -> Checkpoint:
    """The newest checkpoint of a log in which everything fits; :class:`Damaged` otherwise."""
    if faults := list(find_faults(connection, origin)):
        raise Damaged(faults)
    return _head(Log(connection, origin))


def find_faults(connection: Connection, origin: str) -> Iterator[str]:
    """What does not fit: entries, tiles, root, checkpoint, and the tables made of this log."""
    log = Log(connection, origin)
    yield from _outside_faults(connection, log)
    edge, expected = RightEdge(), 0
    transferred: set[bytes] = set()
    for start in range(0, log.size, _CHUNK):
        stop = min(start + _CHUNK, log.size)
        rows = _rows(connection, log, start, stop)
        if [position for position, _, _ in rows] != list(range(start, stop)):
            yield f"entries {start} to {stop - 1} are not all there"
            return  # no tree can be made of the rest
        growth = edge.grow([leaf_hash(data) for _, data, _ in rows])
        edge = growth.edge
        expected += len(growth.full_tiles)
        yield from _tile_faults(connection, log, growth.full_tiles)
        yield from _projection_faults(connection, log, rows)
        transferred |= {c for _, data, c in rows if c is not None and data[:1] == b"\x03"}
    expected += len(edge.partial_tiles)
    yield from _tile_faults(connection, log, edge.partial_tiles)
    stored = select(func.count()).where(tiles.c.log_id == log.id)
    if connection.scalar(stored) != expected:
        yield "there are more or fewer tiles than the entries make"
    yield from _head_faults(connection, log, edge.root)
    yield from _key_faults(connection, log)
    if not is_events_origin(log.origin) and _has_events(connection, log.origin):
        yield from transfer_faults(connection, log.origin, transferred)
        yield from void_faults(connection, log.origin)


Rows = Sequence[tuple[int, bytes, bytes | None]]
"""Position, data and commitment of entries."""


def _rows(connection: Connection, log: Log, start: int, stop: int) -> Rows:
    query = select(entries.c.position, entries.c.data, entries.c.commitment).where(
        entries.c.log_id == log.id, entries.c.position >= start, entries.c.position < stop
    )
    return [
        (row.position, row.data, row.commitment)
        for row in connection.execute(query.order_by(entries.c.position))
    ]


def _outside_faults(connection: Connection, log: Log) -> Iterator[str]:
    """A crash leaves nothing behind that no checkpoint covers: it shares their transaction."""
    ours = {entries: entries.c.log_id == log.id, voids: voids.c.log_id == log.id}
    if is_events_origin(log.origin):
        ours[event_kinds] = event_kinds.c.origin == purchases_origin(log.origin)
    for table, condition in ours.items():
        outside = (table.c.position < 0) | (table.c.position >= log.size)
        if connection.scalar(select(func.count()).where(condition, outside)):
            yield f"{table.name} has rows that the checkpoint does not cover"


def _stray_faults(connection: Connection, origins: Sequence[str]) -> Iterator[str]:
    """Rows that belong to no log at all."""
    for table in (entries, voids, tiles):
        stray = select(func.count()).where(table.c.log_id.not_in(select(logs.c.id)))
        if connection.scalar(stray):
            yield f"{table.name} has rows of no log"
    named = connection.scalars(select(event_kinds.c.origin).distinct())
    if not {events_origin(origin) for origin in named} <= set(origins):
        yield "event_kinds has rows of no log"


def _tile_faults(connection: Connection, log: Log, made: Sequence[TileChange]) -> Iterator[str]:
    for tile in made:
        query = select(tiles.c.hashes).where(
            tiles.c.log_id == log.id, tiles.c.level == tile.level, tiles.c.position == tile.index
        )
        if connection.scalar(query) != tile.hashes:
            yield f"tile {tile.index} of level {tile.level} is not what the entries make"


def _head_faults(connection: Connection, log: Log, root: bytes) -> Iterator[str]:
    try:
        head = _head(log)
    except (FormatError, VerificationError):
        yield "the checkpoint is not signed by the log's key"
        return
    if head != Checkpoint(log.origin, log.size, root):
        yield "the checkpoint is not of these entries"
    if connection.scalar(select(logs.c.root).where(logs.c.id == log.id)) != root:
        yield "the stored root is not of these entries"
    yield from _published_faults(connection, log)


def _published_faults(connection: Connection, log: Log) -> Iterator[str]:
    """What readers see where there are witnesses: an earlier head, or this one, cosigned."""
    row = connection.execute(select(published).where(published.c.log_id == log.id)).one_or_none()
    if row is None:
        return
    try:
        shown = open_checkpoint(row.checkpoint, *log.verifiers)
        if shown != Checkpoint(log.origin, row.size, log.root(row.size)):
            yield "the published checkpoint is not of these entries"
    except (FormatError, VerificationError):
        yield "the published checkpoint is not of this log"


def _key_faults(connection: Connection, log: Log) -> Iterator[str]:
    """The event log says which keys sign; each of them has signed the checkpoint."""
    origin = purchases_origin(log.origin)
    try:
        events = [event for _, event in events_of(connection, origin, KEY_EVENTS)]
    except NotInLog:
        return  # a log without an event log
    if not events:
        return  # a log that no merchant has declared
    try:
        in_force = read_key_history(events).of(log.origin).in_force
        _, signed = verify_note(log.checkpoint(), in_force)
    except (FormatError, VerificationError):
        yield "the event log does not say which keys sign"
        return
    if in_force != log.verifiers or set(signed) != set(in_force):
        yield "the checkpoint is not signed by the keys that the event log says"


def _has_events(connection: Connection, origin: str) -> bool:
    named = select(logs.c.id).where(logs.c.origin == events_origin(origin))
    return connection.execute(named).first() is not None


def _head(log: Log) -> Checkpoint:
    return open_checkpoint(log.checkpoint(), *log.verifiers)


def _projection_faults(connection: Connection, log: Log, rows: Rows) -> Iterator[str]:
    named: set[tuple[int, int]] = set()
    try:
        if is_events_origin(log.origin):
            yield from _event_faults(connection, log, rows)
        else:
            parsed = [(position, parse_entry(data)) for position, data, _ in rows]
            named = {(p, entry.index) for p, entry in parsed if isinstance(entry, Void)}
            yield from _commitment_faults(rows, dict(parsed))
    except (FormatError, VerificationError):
        yield f"entries {rows[0][0]} to {rows[-1][0]} cannot all be read"
    else:
        yield from _void_faults(connection, log, rows, named)


def _event_faults(connection: Connection, log: Log, rows: Rows) -> Iterator[str]:
    first, last = rows[0][0], rows[-1][0]
    query = select(event_kinds.c.position, event_kinds.c.type).where(
        event_kinds.c.origin == purchases_origin(log.origin),
        event_kinds.c.position.between(first, last),
    )
    stored = {(row.position, row.type) for row in connection.execute(query)}
    if stored != {(position, parse_event(data)["type"]) for position, data, _ in rows}:
        yield f"event_kinds is not of events {first} to {last}; kvitto db rebuild makes it again"


def _commitment_faults(rows: Rows, parsed: Mapping[int, Entry]) -> Iterator[str]:
    for position, _, stored in rows:
        if stored != commitment_of(parsed[position]):
            yield f"the commitment beside entry {position} is not the entry's"


def _void_faults(
    connection: Connection, log: Log, rows: Rows, named: set[tuple[int, int]]
) -> Iterator[str]:
    first, last = rows[0][0], rows[-1][0]
    query = select(voids.c.position, voids.c.voided).where(
        voids.c.log_id == log.id, voids.c.position.between(first, last)
    )
    if {(row.position, row.voided) for row in connection.execute(query)} != named:
        yield f"log_voids is not of entries {first} to {last}"
