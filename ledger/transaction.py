"""One transaction of the store: what a unit of work may do to the logs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.wire import parse_identifier
from ledger.checkpoint import Checkpoint, open_checkpoint, sign
from ledger.database_errors import is_failure
from ledger.entries import Entry, Purchase, Void, commitment_of, parse_entry
from ledger.events import is_events_origin, parse_event
from ledger.group_commit import Ticket
from ledger.log import Log, NotInLog, tile_fetcher
from ledger.merkle import EMPTY_ROOT, leaf_hash
from ledger.note import Note, Signer, Verifier, parse_vkey, verify_note
from ledger.private_keys import destroy_key, has_keys, keep_key, pin, read_signers
from ledger.purchases import Decode
from ledger.right_edge import RightEdge, TileChange
from ledger.savepoint import savepoint
from ledger.schema import entries, logs, published, tiles, voids
from ledger.sealing import NoSealingKey, SealingKey

__all__ = ["DuplicateCommitment", "LogState", "ReadOnly", "Transaction"]

_INSERT_ENTRIES = insert(entries)
_UPDATE_TILE = (
    update(tiles)
    .where(
        tiles.c.log_id == bindparam("of_log"),
        tiles.c.level == bindparam("at_level"),
        tiles.c.position == bindparam("at_position"),
    )
    .values(hashes=bindparam("new_hashes"))
)


class ReadOnly(KvittoError):  # noqa: N818 - as NotInLog
    """The log is a copy of somebody's: whoever has its private key makes it grow."""

    def __init__(self) -> None:
        super().__init__("this log is a copy, without the key that signs for it")


class DuplicateCommitment(VerificationError):  # noqa: N818 - as NotInLog
    """A commitment is in the log already; ``position`` says which of the list it was."""

    def __init__(self, position: int) -> None:
        super().__init__("the commitment is in the log already")
        self.position = position


@dataclass(frozen=True)
class LogState:
    """What appending to a log needs of it, kept in memory between transactions.

    A copy of somebody's log has no ``signers``.
    """

    id: int
    verifiers: tuple[Verifier, ...]
    signers: tuple[Signer, ...]
    edge: RightEdge

    @property
    def vkeys(self) -> str:
        """The verifier keys, as the table has them."""
        return _lines(self.verifiers)

    @property
    def head(self) -> tuple[int, str, int, bytes]:
        """What tells this state from others."""
        return self.id, self.vkeys, self.edge.size, self.edge.root


@dataclass
class _Open:
    """A log that this transaction has touched, and the leaf hashes appended so far.

    ``signers`` sign from this transaction on, and ``verifiers`` are their keys; a copy has these
    only. ``given`` is the checkpoint that the leaves will lead to, where it is not for us to sign.
    """

    state: LogState
    signers: tuple[Signer, ...]
    verifiers: tuple[Verifier, ...]
    leaves: list[bytes] = field(default_factory=list)
    given: bytes | None = None

    @property
    def size(self) -> int:
        return self.state.edge.size + len(self.leaves)

    def sign_with(self, *signers: Signer) -> None:
        """Let these keys sign from this transaction on."""
        self.signers = signers
        self.verifiers = tuple(signer.verifier for signer in signers)


class Transaction:
    """A transaction of the database and of all its logs.

    ``connection`` is open for the other rooms' own tables. Units of work run one after the other
    and see what earlier ones did; tiles and checkpoints are made once, after the last of them.
    """

    def __init__(
        self,
        connection: Connection,
        states: Mapping[str, LogState],
        decode: Decode | None,
        sealing: SealingKey | None,
    ) -> None:
        self.connection = connection
        self._states = states
        self._decode = decode
        self._sealing = sealing
        self._open: dict[str, _Open] = {}
        self._held: dict[str, Row[Any]] = {}

    def create_log(self, origin: str, private_key: bytes) -> str:
        """Begin an empty log that signs with ``private_key`` (32 bytes); its verifier key.

        ``FormatError`` for an origin that cannot be one or is taken.
        """
        signer = Signer(parse_identifier(origin, "origin"), private_key)
        taken = select(logs.c.id).where(logs.c.origin == origin)
        if self.connection.execute(taken).first() is not None:
            raise FormatError("there is a log of that origin", "origin")
        row = {
            "origin": origin,
            "vkeys": signer.verifier.vkey,
            "size": 0,
            "root": EMPTY_ROOT,
            "checkpoint": sign(Checkpoint(origin, 0, EMPTY_ROOT), signer),
        }
        (log_id,) = self.connection.execute(insert(logs).values(row).returning(logs.c.id)).one()
        sealing = self._require_sealing()
        pin(self.connection, sealing)
        keep_key(self.connection, sealing, log_id, signer)
        return signer.verifier.vkey

    def adopt(
        self, origin: str, verifiers: Sequence[Verifier], known: Collection[Verifier], note: bytes
    ) -> int:
        """Let the log become what its checkpoint, ``note``, says; the size that it has so far.

        The entries that are missing are appended next. Begins a log without a private key, which
        only this can make grow, where there is none of that origin. ``verifiers`` sign it now,
        ``known`` are all keys that it has had. ``VerificationError`` for a checkpoint that not all
        of ``verifiers`` have signed, or where the log had another key.
        """
        text, signed = verify_note(note, verifiers)
        if len(signed) < len(verifiers):
            raise VerificationError("the checkpoint has not the signatures of all its keys")
        if Checkpoint.parse(text).origin != origin or any(key.name != origin for key in signed):
            raise VerificationError("the checkpoint is of another log")
        if origin not in self._lock([origin]):
            row = {"origin": origin, "vkeys": _lines(verifiers), "size": 0, "root": EMPTY_ROOT}
            row["checkpoint"] = note
            (log_id,) = self.connection.execute(insert(logs).values(row).returning(logs.c.id)).one()
            state = LogState(log_id, tuple(verifiers), (), RightEdge())
            self._open[origin] = _Open(state, (), tuple(verifiers))
        log = self._touch(origin)
        if not set(log.state.verifiers) <= set(known):
            raise VerificationError("the log has another key")
        if log.verifiers != tuple(verifiers):  # it has changed them elsewhere
            log.signers, log.verifiers = (), tuple(verifiers)
        log.given = note
        return log.size

    @property
    def appended(self) -> dict[str, int]:
        """How many entries each log that was touched has got."""
        return {origin: len(log.leaves) for origin, log in self._open.items()}

    def signers(self, origin: str) -> tuple[Signer, ...]:
        """The keys that sign the log, oldest first; :class:`ReadOnly` for a copy."""
        return self._signers(self._touch(origin))

    def add_key(self, origin: str, private_key: bytes) -> None:
        """Let another key (32 bytes) sign the log besides those that do, from this commit on."""
        log, signer = self._touch(origin), Signer(origin, private_key)
        keep_key(self.connection, self._require_sealing(), log.state.id, signer)
        log.sign_with(*self._signers(log), signer)

    def drop_oldest_key(self, origin: str) -> None:
        """Let the oldest of several keys sign no more, and destroy it."""
        log = self._touch(origin)
        oldest, *others = self._signers(log)
        if not others:
            raise ValueError("it is the only key of the log")
        destroy_key(self.connection, log.state.id, oldest.verifier.vkey)
        log.sign_with(*others)

    def log(self, origin: str) -> Log:
        """The log as the last commit left it; entries of this transaction can be read too."""
        return Log(self.connection, origin)

    def size(self, origin: str) -> int:
        """The size of the log, with what this transaction has appended."""
        return self._touch(origin).size

    def root(self, origin: str) -> bytes:
        """The root of the log, with what this transaction has appended."""
        log = self._touch(origin)
        return log.state.edge.grow(log.leaves).edge.root

    def sign(self, origin: str, text: str) -> Note:
        """A note with this text and the signatures of the log; never a checkpoint of it."""
        if text.startswith(f"{origin}\n"):
            raise ValueError("the text could be taken for a checkpoint")
        return Note(text, tuple(s.signature(text) for s in self.signers(origin)))

    def append(self, origin: str, new: Sequence[bytes]) -> range:
        """Append entries, all or none of them; their indices.

        An event log takes canonical events; any other log is a purchase log and takes the
        entries of docs/protocol.md 4. ``FormatError`` for anything else, ``VerificationError``
        for a void that names no earlier purchase, :class:`DuplicateCommitment`,
        :class:`ReadOnly` for a copy of somebody's log.
        """
        log = self._touch(origin)
        if log.given is None:
            self._signers(log)  # or no checkpoint could ever cover the entries
        indices = range(log.size, log.size + len(new))
        parsed = [self._admit(origin, data) for data in new]
        rows = _entry_rows(log.state.id, indices, new, parsed)
        if not rows:
            return indices
        try:
            with savepoint(self.connection, "append"):  # a unit may catch the error and go on
                self.connection.execute(_INSERT_ENTRIES, rows)
                for index, entry in zip(indices, parsed, strict=True):
                    if isinstance(entry, Void):
                        self._insert_void(log.state.id, index, entry.index)
        except IntegrityError:
            raise DuplicateCommitment(self._first_duplicate(log.state.id, rows)) from None
        log.leaves += [leaf_hash(data) for data in new]
        return indices

    def _admit(self, origin: str, data: bytes) -> Entry | None:
        """Read an entry before it is appended; ``None`` for an event."""
        if is_events_origin(origin):
            parse_event(data)
            return None
        entry = parse_entry(data)
        commitment = commitment_of(entry)
        if commitment is not None and self._decode is not None:
            self._decode(commitment)
        return entry

    def _insert_void(self, log_id: int, index: int, voided: int) -> None:
        """Only a purchase that is there already can be voided (docs/protocol.md 4)."""
        query = select(entries.c.data).where(
            entries.c.log_id == log_id, entries.c.position == voided
        )
        data = self.connection.scalar(query) if voided < index else None
        if data is None or not isinstance(parse_entry(data), Purchase):
            raise VerificationError("a void names an entry that is no purchase")
        self.connection.execute(insert(voids).values(log_id=log_id, voided=voided, position=index))

    def _first_duplicate(self, log_id: int, rows: Sequence[Mapping[str, Any]]) -> int:
        seen: set[bytes] = set()
        for place, row in enumerate(rows):
            commitment = row["commitment"]
            if commitment is None:
                continue
            known = select(entries.c.position).where(
                entries.c.log_id == log_id, entries.c.commitment == commitment
            )
            if commitment in seen or self.connection.execute(known).first() is not None:
                return place
            seen.add(commitment)
        raise VerificationError("the log has grown behind this program's back")

    def _touch(self, origin: str) -> _Open:
        if origin not in self._open:
            state = self._current_state(origin)
            self._open[origin] = _Open(state, state.signers, state.verifiers)
        return self._open[origin]

    def _current_state(self, origin: str) -> LogState:
        """The state kept in memory, if it is that of the database.

        It is not when another process has written or changed the log's keys, or when a commit
        was applied and its answer lost. Then the log's right edge is read again, and must lead
        to its checkpoint.
        """
        row = self._held.get(origin) or self._lock([origin]).get(origin)
        if row is None:
            raise NotInLog("no such log", "origin")
        kept = self._states.get(origin)
        if kept is not None and kept.head == (row.id, row.vkeys, row.size, row.root):
            return kept
        verifiers = tuple(parse_vkey(vkey) for vkey in row.vkeys.split("\n"))
        head = open_checkpoint(row.checkpoint, *verifiers)
        if (head.size, head.root) != (row.size, row.root):
            raise VerificationError("the stored checkpoint is not of the log's size and root")
        edge = RightEdge.load(tile_fetcher(self.connection, row.id), head.size, head.root)
        signers: tuple[Signer, ...] = ()
        if self._sealing is not None and has_keys(self.connection, row.id, verifiers):
            signers = read_signers(self.connection, self._sealing, row.id, verifiers)
        return LogState(row.id, verifiers, signers, edge)

    def _signers(self, log: _Open) -> tuple[Signer, ...]:
        """The keys that sign; there are none without the sealing key, or of a copy."""
        if not log.signers:
            if has_keys(self.connection, log.state.id, log.verifiers):
                raise NoSealingKey
            raise ReadOnly
        return log.signers

    def _checkpoint(self, log: _Open, head: Checkpoint) -> bytes:
        """The signed note of what the log has become."""
        if log.given is not None:
            if open_checkpoint(log.given, *log.verifiers) != head:
                raise VerificationError("the entries do not lead to the checkpoint that was given")
            return log.given
        return sign(head, *self._signers(log))

    def _require_sealing(self) -> SealingKey:
        if self._sealing is None:
            raise NoSealingKey
        return self._sealing

    def _lock(self, origins: Collection[str]) -> dict[str, Row[Any]]:
        """The rows of the logs; no other process changes them before this transaction ends.

        Locked in one order, so that no two programs wait for each other. SQLite has no FOR UPDATE
        and needs none: its transaction has the whole database.
        """
        query = select(logs).where(logs.c.origin.in_(origins)).order_by(logs.c.id)
        return {row.origin: row for row in self.connection.execute(query.with_for_update())}

    # ---- for the store

    def hold(self, origins: Collection[str]) -> None:
        """Lock these logs, before and not within a unit: its savepoint would let go of them."""
        if origins:
            self._held = self._lock(origins)

    def attempt(self, ticket: Ticket["Transaction"]) -> None:
        """Run a unit of work; when it raises, nothing of it remains, in database or memory.

        Raises only when the database fails: then the whole transaction has.
        """
        before = {origin: replace(log, leaves=[*log.leaves]) for origin, log in self._open.items()}
        try:
            with savepoint(self.connection, "unit"):
                _work(ticket, self)
        except _UnitFailed:  # and no other: an error of the savepoint is the database's
            self._open = {origin: self._open[origin] for origin in before}
            self._open = before

    def seal(self) -> dict[str, LogState]:
        """Write tiles and a new checkpoint of each log that grew; the states after the commit."""
        return {origin: self._seal(origin, log) for origin, log in self._open.items()}

    def _seal(self, origin: str, log: _Open) -> LogState:
        if not log.leaves and log.given is None and log.verifiers == log.state.verifiers:
            return log.state
        growth = log.state.edge.grow(log.leaves)
        state = LogState(log.state.id, log.verifiers, log.signers, growth.edge)
        self._check_stored(log)
        self._write_tiles(state.id, growth.tiles)
        _, vkeys, size, root = state.head
        checkpoint = self._checkpoint(log, Checkpoint(origin, size, root))
        new_head = {"vkeys": vkeys, "size": size, "root": root, "checkpoint": checkpoint}
        old_head = (logs.c.id, logs.c.vkeys, logs.c.size, logs.c.root)
        unchanged = [c == value for c, value in zip(old_head, log.state.head, strict=True)]
        swap = update(logs).where(*unchanged).values(new_head)
        if self.connection.execute(swap).rowcount != 1:
            raise VerificationError("the log has another head than it was read with")
        if log.signers and log.signers != log.state.signers:
            self._sign_published_anew(log.state, state)
        return state

    def _sign_published_anew(self, old: LogState, new: LogState) -> None:
        """What readers see bears the signatures of the new keys, and keeps its cosignatures."""
        of_log = published.c.log_id == new.id
        seen = self.connection.scalar(select(published.c.checkpoint).where(of_log))
        if seen is None:
            return
        open_checkpoint(seen, *old.verifiers)
        note = Note.parse(seen)
        own = [signer.signature(note.text) for signer in new.signers]
        others = [s for s in note.signatures if s.name != own[0].name]
        fresh = Note(note.text, (*own, *others)).serialise()
        self.connection.execute(update(published).where(of_log).values(checkpoint=fresh))

    def _check_stored(self, log: _Open) -> None:
        """Sign no entry that a unit has rolled back by a savepoint of its own."""
        last = select(func.coalesce(func.max(entries.c.position), -1)).where(
            entries.c.log_id == log.state.id
        )
        if self.connection.scalar(last) != log.size - 1:
            raise VerificationError("the stored entries are not those that were appended")

    def _write_tiles(self, log_id: int, changes: Sequence[TileChange]) -> None:
        added = [
            {"log_id": log_id, "level": t.level, "position": t.index, "hashes": t.hashes}
            for t in changes
            if not t.extends
        ]
        extended = [
            {"of_log": log_id, "at_level": t.level, "at_position": t.index, "new_hashes": t.hashes}
            for t in changes
            if t.extends
        ]
        if added:
            self.connection.execute(insert(tiles), added)
        if extended:
            self.connection.execute(_UPDATE_TILE, extended)


def _lines(verifiers: Sequence[Verifier]) -> str:
    return "\n".join(verifier.vkey for verifier in verifiers)


def _entry_rows(
    log_id: int, indices: range, new: Sequence[bytes], parsed: Sequence[Entry | None]
) -> list[dict[str, Any]]:
    return [
        {
            "log_id": log_id,
            "position": index,
            "data": data,
            "commitment": None if entry is None else commitment_of(entry),
        }
        for index, data, entry in zip(indices, new, parsed, strict=True)
    ]


class _UnitFailed(Exception):  # noqa: N818 - as NotInLog
    """The unit has raised; its ticket has the error."""


def _work(ticket: Ticket[Transaction], transaction: Transaction) -> None:
    try:
        ticket.result = ticket.work(transaction)
    except Exception as error:
        if is_failure(error):
            raise  # the whole transaction fails, and no caller could make anything of this error
        ticket.error = error
        raise _UnitFailed from error
