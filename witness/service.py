"""A witness (c2sp tlog-witness): it vouches that a log only ever grew, to whoever asks.

It believes the log's signature and a consistency proof, nothing else. What it has vouched for is
on the disk before anyone hears of it, in the transaction that checked it: so it never vouches for
two histories, whoever asks at once and wherever it crashes.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, delete, insert, make_url, select, update

from commitments.clock import Clock, unix_seconds
from commitments.errors import FormatError, Refused, VerificationError
from commitments.sandbox import is_sandbox
from ledger.add_checkpoint import AddCheckpoint
from ledger.checkpoint import Checkpoint
from ledger.fork import ForkedLog, verify_fork
from ledger.handover import Handover
from ledger.merkle import EMPTY_ROOT, verify_consistency
from ledger.monitor import Head, newest_head
from ledger.note import Note, Signature, Verifier, parse_vkey, verify_note
from ledger.seeding import PeriodEnd, SignedEnd
from ledger.sqlite import open_engines
from witness.handovers import KeysReplaced, keep_handovers, stored_handovers
from witness.keys import WitnessKeys
from witness.schema import forks, heads, known_logs, metadata, seed_logs
from witness.seeds import WrongPeriod, sign_once, signed_from

__all__ = ["KeysReplaced", "StaleSize", "UnknownLog", "Untrusted", "Witness", "WrongPeriod"]


class UnknownLog(Refused):
    """No log of that origin is watched here."""

    def __init__(self) -> None:
        super().__init__("unknown-log", "this witness does not watch such a log")


class Untrusted(VerificationError):  # noqa: N818 - as Refused
    """No key that is trusted for the origin has signed the checkpoint, or one has not."""


class StaleSize(Refused):
    """The proof does not begin at the size that was cosigned last, which is ``size``."""

    def __init__(self, size: int) -> None:
        super().__init__("stale-size", "another size was cosigned last")
        self.size = size


class Witness:
    """A witness with its state in the SQLite database at ``url``; threads may share it.

    ``KeysReplaced`` when other keys have followed ``keys`` there.
    """

    def __init__(self, url: str, keys: WitnessKeys, clock: Clock) -> None:
        self._reader, self._writer = open_engines(make_url(url))
        self._keys = keys
        self._clock = clock
        metadata.create_all(self._writer)
        with self._writer.begin() as connection:
            keep_handovers(connection, keys)  # those that a crash has left out, too

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._reader.dispose()
        self._writer.dispose()

    def watch(self, log: Verifier) -> None:
        """Trust this key from now on to sign for the origin that is its name.

        ``Refused`` for a sandbox: a witness vouches for what happened.
        """
        if is_sandbox(log.name):
            raise Refused("sandbox", "nothing in the log of a sandbox has happened", "log")
        with self._writer.begin() as connection:
            if log not in _trusted(connection, log.name):
                row = {"origin": log.name, "vkey": log.vkey}
                connection.execute(insert(known_logs), row)

    def sign_seeds(self, origin: str, period: str) -> None:
        """From now on sign the closes of this watched log, whose periods end as ``period`` says.

        :class:`UnknownLog` if it is not watched; ``Refused`` if its periods ended otherwise before.
        """
        with self._writer.begin() as connection:
            if not _trusted(connection, origin):
                raise UnknownLog
            of_log = select(seed_logs.c.period).where(seed_logs.c.origin == origin)
            known = connection.scalar(of_log)
            if known is None:
                row = {"origin": origin, "digest": _digest(origin), "period": period}
                connection.execute(insert(seed_logs), row)
            elif known != period:
                raise Refused("period-is-fixed", "the log's periods end otherwise", "period")

    def unwatch(self, log: Verifier) -> None:
        """Trust this key no more; what was vouched for stays."""
        mine = known_logs.c.origin == log.name, known_logs.c.vkey == log.vkey
        with self._writer.begin() as connection:
            connection.execute(delete(known_logs).where(*mine))

    def public(self) -> dict[str, Any]:
        """The newest verifier keys, for logs and readers."""
        return self._keys.public()

    def rotate_keys(self, keep: Callable[[WitnessKeys], None]) -> None:
        """Have fresh keys follow those of now, which go on cosigning until :meth:`retire_keys`.

        ``keep`` makes the new keys durable; only then do the old ones name them. ``Refused`` while
        older keys are there, and if another process has changed the keys meanwhile.
        """
        if self._keys.older is not None:
            raise Refused("keys-not-retired", "there are older keys still: retire them first")
        rotated = self._keys.rotated()
        with self._writer.begin() as connection:
            keep_handovers(connection, self._keys)  # nobody else has rotated since they were read
            keep(rotated)
            keep_handovers(connection, rotated)
        self._keys = rotated

    def retire_keys(self, keep: Callable[[WitnessKeys], None]) -> None:
        """Go on without the older keys; ``keep`` replaces what was durable of them.

        ``Refused`` if there are none.
        """
        if self._keys.older is None:
            raise Refused("only-keys", "there are no older keys: rotate first")
        retired = self._keys.retired()
        with self._writer.begin() as connection:
            keep_handovers(connection, self._keys)
            keep(retired)
        self._keys = retired

    def handovers(self) -> Sequence[Handover]:
        """Which keys of this witness have followed which, from the first on to those used here.

        A process that was not restarted shows no others: a log that has recorded a handover has
        no cosignature for its readers until it has one by the new key.
        """
        with self._reader.connect() as connection:
            stored = stored_handovers(connection)
        newest = [signer.verifier for signer in self._keys.signers]
        return [handover for handover in stored if handover.old not in newest]

    def add_checkpoint(self, request: AddCheckpoint) -> list[Signature]:
        """Our cosignatures of a checkpoint that extends the last one.

        In this order: ``FormatError`` for what cannot be read, :class:`UnknownLog`,
        :class:`Untrusted`, ``FormatError`` for an old size above the new one,
        :class:`StaleSize`, ``VerificationError`` for what is no extension. If the log has signed
        another root than the one cosigned at this size, the proof is kept for :meth:`fork`.
        """
        try:
            return self._cosign(request)
        except (StaleSize, VerificationError):
            self._keep_fork(request.checkpoint)
            raise

    def _cosign(self, request: AddCheckpoint) -> list[Signature]:
        note = Note.parse(request.checkpoint)
        checkpoint = Checkpoint.parse_extended(note.text)
        with self._writer.begin() as connection:
            signed = _signatures(connection, checkpoint.origin, request.checkpoint)
            if request.old_size > checkpoint.size:
                raise FormatError("the old size is above the new one", "old")
            _check_extends(connection, checkpoint, request)
            cosigned = [
                cosigner.cosign(note.text, self._seconds()) for cosigner in self._keys.cosigners
            ]
            _store(connection, checkpoint, Note(note.text, (*signed, *cosigned)))
        return cosigned

    def sign_seed(self, request: bytes) -> SignedEnd:
        """The one end that is signed for the period that ``request``, a signed note, is about.

        In this order: ``FormatError`` for what cannot be read, :class:`UnknownLog` for a log
        whose closes are not signed here, :class:`Untrusted`, :class:`WrongPeriod`;
        :class:`KeysReplaced` as long as this process has keys that others have followed.
        """
        end = PeriodEnd.parse(request)
        with self._writer.begin() as connection:
            of_log = select(seed_logs.c.origin).where(seed_logs.c.origin == end.origin)
            if connection.execute(of_log).first() is None:
                raise UnknownLog
            _signatures(connection, end.origin, request)
            return sign_once(connection, end, self._keys.seed_signer, self._clock())

    def seeds(self, digest: bytes, first: int) -> list[SignedEnd]:
        """See :func:`witness.seeds.signed_from`."""
        with self._reader.connect() as connection:
            return signed_from(connection, digest, first)

    def checkpoint(self, digest: bytes) -> bytes:
        """The last note cosigned of the log whose origin has this SHA-256; or UnknownLog."""
        with self._reader.connect() as connection:
            note = connection.scalar(select(heads.c.checkpoint).where(heads.c.digest == digest))
        if note is None:
            raise UnknownLog
        return bytes(note)

    def fork(self, digest: bytes) -> bytes:
        """The proof (:mod:`ledger.fork`) that the log whose origin has this SHA-256 has forked.

        :class:`UnknownLog` as long as none was seen.
        """
        with self._reader.connect() as connection:
            proof = connection.scalar(select(forks.c.proof).where(forks.c.digest == digest))
        if proof is None:
            raise UnknownLog
        return bytes(proof)

    def _keep_fork(self, note: bytes) -> None:
        """Keep the first proof that a log has signed another root than was cosigned."""
        origin = Checkpoint.parse_extended(Note.parse(note).text).origin
        with self._reader.connect() as connection:
            trusted = _trusted(connection, origin)
            query = select(heads.c.digest, heads.c.checkpoint).where(heads.c.origin == origin)
            seen = connection.execute(query).one_or_none()
        if seen is None:
            return
        try:
            newest_head(Head.of(seen.checkpoint), Head.of(note))
        except ForkedLog as forked:
            with suppress(VerificationError), self._writer.begin() as connection:
                verify_fork(forked.fork, trusted)  # or anybody could accuse the log
                row = {"digest": seen.digest, "proof": forked.fork.serialise()}
                connection.execute(insert(forks).prefix_with("OR IGNORE"), row)

    def _seconds(self) -> int:
        seconds = unix_seconds(self._clock())
        if seconds <= 0:  # a time of zero says nothing of what was seen (c2sp tlog-cosignature)
            raise RuntimeError("the clock stands before all logs")
        return seconds


def _trusted(connection: Connection, origin: str) -> list[Verifier]:
    query = select(known_logs.c.vkey).where(known_logs.c.origin == origin)
    return [parse_vkey(vkey) for vkey in connection.scalars(query)]


def _signatures(connection: Connection, origin: str, note: bytes) -> Sequence[Signature]:
    """The signatures of trusted keys; those of unknown keys are left out."""
    trusted = _trusted(connection, origin)
    if not trusted:
        raise UnknownLog
    try:
        _, signed = verify_note(note, trusted)
    except VerificationError as error:
        raise Untrusted(str(error)) from None
    known = {(key.name, key.key_id) for key in signed}
    one_each = {(s.name, s.key_id): s for s in Note.parse(note).signatures}
    return [signature for key, signature in one_each.items() if key in known]


def _check_extends(connection: Connection, checkpoint: Checkpoint, request: AddCheckpoint) -> None:
    row = connection.execute(
        select(heads.c.size, heads.c.root).where(heads.c.origin == checkpoint.origin)
    ).one_or_none()
    size, root = (row.size, row.root) if row else (0, EMPTY_ROOT)
    if request.old_size != size:
        raise StaleSize(size)
    verify_consistency(size, root, checkpoint.size, checkpoint.root, request.proof)


def _store(connection: Connection, checkpoint: Checkpoint, note: Note) -> None:
    head = {
        "size": checkpoint.size,
        "root": checkpoint.root,
        "checkpoint": note.serialise(),
    }
    changed = connection.execute(
        update(heads).where(heads.c.origin == checkpoint.origin).values(head)
    )
    if changed.rowcount == 0:
        origin = {
            "origin": checkpoint.origin,
            "digest": _digest(checkpoint.origin),
        }
        connection.execute(insert(heads).values(origin | head))


def _digest(origin: str) -> bytes:
    """How a log is named in a path (c2sp tlog-witness)."""
    return sha256(origin.encode()).digest()
