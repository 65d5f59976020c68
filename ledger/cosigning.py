"""Publishing: the log's newest checkpoint, once the witnesses have been asked for it.

A commit makes entries durable; a *round* after it asks all witnesses at once for cosignatures and
publishes what has come. Readers see published checkpoints only, and a writer is answered after
the round that published its entries. A witness that is down delays nobody for longer than its
timeout and nobody again, at any log, until it has rested; it is asked later for what it has missed.

A witness that signs with keys unknown here is asked for its handovers, and these are logged. From
then on its two newest keys of each kind are accepted, whatever the configuration says.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
from sqlalchemy import Connection, delete, insert, or_, select, update

from commitments.clock import SYSTEM_CLOCKS, Clocks
from commitments.errors import FormatError
from commitments.sandbox import is_sandbox
from ledger.add_checkpoint import AddCheckpoint
from ledger.group_commit import GroupCommit, Ticket
from ledger.handover import Handover
from ledger.metrics import WITNESS_ANSWERED
from ledger.note import Note, Signature
from ledger.quorum import Witness
from ledger.schema import logs, published
from ledger.store import Store, Transaction
from ledger.witness_client import (
    Cosigned,
    OtherKeys,
    RemoteWitness,
    StaleProof,
    TooSlow,
    Unavailable,
    WitnessThread,
    fetch_handovers,
    witness_connections,
)
from ledger.witness_rotation import PresentKeys

__all__ = ["Publisher", "forget_published", "remote_witnesses"]

_PATIENCE = 3.0  # seconds a round waits for the slowest witness
_REST = 15.0  # seconds for a witness that was too slow
_SHORT_REST = 1.0  # for one that refuses, such as because it does not watch this log
_ATTEMPTS = 3  # to find out which size a witness has
_MOST_KEYS = 16  # of witnesses; a note can hold twice as many, and while keys change they are
_MOST_WAITING = 64  # writers; more than a web server has threads, since their work is done

_log = logging.getLogger("kvitto.witnesses")
_log.addHandler(logging.NullHandler())  # the program decides who hears of it


@dataclass(frozen=True)
class _Head:
    """A log's newest checkpoint as the log has signed it."""

    log_id: int
    origin: str
    vkeys: str
    size: int
    note: Note
    is_published: bool


class Publisher:
    """Asks ``witnesses`` for cosignatures of all logs in ``store``, and publishes checkpoints."""

    def __init__(
        self,
        store: Store,
        witnesses: Sequence[RemoteWitness],
        *,
        transport: httpx.BaseTransport | None = None,
        clocks: Clocks = SYSTEM_CLOCKS,
        monotonic: Callable[[], float] = time.monotonic,
        patience: float = _PATIENCE,
    ) -> None:
        self._store = store
        self._witnesses = witnesses
        self._keys = PresentKeys(store, clocks, monotonic)
        self._monotonic = monotonic
        self._patience = patience
        self._client = witness_connections(transport)
        self._threads = {witness.url: WitnessThread() for witness in witnesses}
        self._sizes: dict[tuple[str, str], int] = {}
        self._resting: dict[tuple[str, str | None], float] = {}  # for one log, or for all
        self._troubles: dict[tuple[str, str], str] = {}
        self._failing: dict[tuple[str, str], float] = {}  # since when
        self._rounds: GroupCommit[None] = GroupCommit(self._round, _MOST_WAITING)

    def close(self) -> None:
        """Let go of threads and connections."""
        for thread in self._threads.values():
            thread.close()
        self._client.close()

    def failing_for(self) -> dict[str, float]:
        """For how many seconds the witnesses have failed that do; by name."""
        now, failing = self._monotonic(), dict(self._failing)
        names = {witness.url: witness.keys[0].name for witness in self._witnesses}
        longest: dict[str, float] = {}
        for (url, _), since in failing.items():
            longest[names[url]] = max(longest.get(names[url], 0.0), now - since)
        return longest

    def publish(self) -> None:
        """Publish what has been committed; callers at one time share a round."""
        self._rounds.submit(lambda _: None)

    def catch_up(self) -> None:
        """Ask again for what is published without all its cosignatures.

        Also for the handovers of witnesses that sign with unknown keys.
        """
        for witness in self._witnesses:
            if self._keys.wants(witness) and self._threads[witness.url].is_free:
                self._keys.follow(witness, partial(self._handovers, witness))
        with self._store.read() as connection:
            heads = [_newest(row) for row in connection.execute(_HEADS)]
        # All that is new, as in a round: a close must not appear without its purchases.
        self._publish([head for head in heads if not head.is_published or self._wanted(head)])

    def _round(self, _waiting: Sequence[Ticket[None]]) -> None:
        with self._store.read() as connection:
            heads = [_newest(row) for row in connection.execute(_UNPUBLISHED)]
        self._publish(heads)

    def _publish(self, heads: Sequence[_Head]) -> None:
        """All at once: who sees a close in the event log finds the purchases that it closes."""
        if not heads:
            return
        cosignatures = self._gather(heads)

        def unit(transaction: Transaction) -> None:
            for head, signatures in zip(heads, cosignatures, strict=True):
                _record(transaction.connection, head, signatures)

        self._store.commit(unit, *(head.origin for head in heads))

    def _gather(self, heads: Sequence[_Head]) -> list[list[Signature]]:
        """The cosignatures of each head that come in time; who says nothing meanwhile rests."""
        asked: list[dict[Future[list[Signature]], RemoteWitness]] = [
            {
                self._threads[witness.url].submit(partial(self._ask, witness, head)): witness
                for witness in self._wanted(head)
            }
            for head in heads
        ]
        done, late = wait([future for futures in asked for future in futures], self._patience)
        heard = {futures[future].url for futures in asked for future in done & futures.keys()}
        for head, futures in zip(heads, asked, strict=True):
            for future in late & futures.keys():
                witness = futures[future]
                if self._threads[witness.url].give_up(future) and witness.url not in heard:
                    self._rest(witness, None, _REST)
                    self._warn(witness, head, "no answer in time")
        return [
            [signature for future in futures.keys() - late for signature in future.result()]
            for futures in asked
        ]

    def _handovers(self, witness: RemoteWitness) -> list[Handover]:
        thread = self._threads[witness.url]
        question = thread.submit(partial(fetch_handovers, self._client, witness.url))
        try:
            return question.result(self._patience)
        except TimeoutError:
            thread.give_up(question)
            raise TooSlow("no answer in time") from None

    def _rest(self, witness: RemoteWitness, origin: str | None, seconds: float) -> None:
        self._resting[witness.url, origin] = self._monotonic() + seconds

    def _rests(self, witness: RemoteWitness, origin: str | None) -> bool:
        now = self._monotonic()
        return self._resting.get((witness.url, origin), now) > now

    def _warn(self, witness: RemoteWitness, head: _Head, why: str) -> None:
        """Once for each trouble: a witness that is down is asked every few seconds, for days."""
        self._failing.setdefault((witness.url, head.origin), self._monotonic())
        if self._troubles.get((witness.url, head.origin)) != why:
            self._troubles[witness.url, head.origin] = why
            _log.warning("%s: %s did not cosign: %s", head.origin, witness.keys[0].name, why)

    def _wanted(self, head: _Head) -> list[RemoteWitness]:
        """The witnesses that have not cosigned this, except those that rest; none for a sandbox."""
        if is_sandbox(head.origin):
            return []
        there = {(signature.name, signature.key_id) for signature in head.note.signatures}
        return [
            witness
            for witness in self._witnesses
            if not there.issuperset(
                (chain[-1].name, chain[-1].key_id)
                for chain in self._keys.chains(witness, head.origin)
            )
            and self._threads[witness.url].is_free
            and not self._rests(witness, None)
            and not self._rests(witness, head.origin)
        ]

    def _ask(self, witness: RemoteWitness, head: _Head) -> list[Signature]:
        """The witness's cosignatures, or none; then it is not asked again for a while."""
        if self._rests(witness, None):  # since it was asked about another log of this round
            return []
        try:
            answer = self._cosign(witness, head)
        except OtherKeys as error:
            self._keys.note_others(witness, only=True)
            self._rest(witness, head.origin, _SHORT_REST)
            self._warn(witness, head, str(error))
            return []
        except TooSlow as error:
            self._rest(witness, None, _REST)
            self._warn(witness, head, str(error))
            return []
        except Unavailable as error:
            self._rest(witness, head.origin, _SHORT_REST)
            self._warn(witness, head, str(error))
            return []
        self._sizes[witness.url, head.origin] = head.size
        self._troubles.pop((witness.url, head.origin), None)
        self._failing.pop((witness.url, head.origin), None)
        WITNESS_ANSWERED.labels(witness.keys[0].name).set_to_current_time()
        if answer.others:
            self._keys.note_others(witness, only=False)
        return list(answer.signatures)

    def _cosign(self, witness: RemoteWitness, head: _Head) -> Cosigned:
        newest = [key for chain in self._keys.chains(witness, head.origin) for key in chain[-2:]]
        present = replace(witness, keys=tuple(newest))
        old_size = self._sizes.get((witness.url, head.origin), 0)
        note = _own(head).serialise()
        for _ in range(_ATTEMPTS):
            if old_size > head.size:
                raise Unavailable("it has cosigned a larger log")
            with self._store.log(head.origin) as log:
                proof = tuple(log.consistency(old_size, head.size))
            try:
                return present.add_checkpoint(self._client, AddCheckpoint(old_size, proof, note))
            except StaleProof as stale:
                if stale.size == old_size:
                    raise Unavailable("it has another root at this size") from None
                old_size = stale.size
        raise Unavailable("its size keeps changing")


def remote_witnesses(witnesses: Iterable[Witness]) -> list[RemoteWitness]:
    """The witnesses of a policy that have an address; keys at one address are one witness.

    ``FormatError`` for more keys than a checkpoint can have cosignatures.
    """
    by_url: dict[str, RemoteWitness] = {}
    for witness in witnesses:
        if witness.url is not None:
            earlier = by_url.get(witness.url)
            keys = (*earlier.keys, witness.key) if earlier else (witness.key,)
            by_url[witness.url] = RemoteWitness(witness.url, keys)
    if sum(len(remote.keys) for remote in by_url.values()) > _MOST_KEYS:
        raise FormatError(f"more than {_MOST_KEYS} keys of witnesses with an address", "witnesses")
    return list(by_url.values())


def forget_published(transaction: Transaction) -> None:
    """Without witnesses, readers see each commit; what was published last would hold them back."""
    transaction.connection.execute(delete(published))


_HEADS = (
    select(
        logs.c.id,
        logs.c.origin,
        logs.c.vkeys,
        logs.c.size,
        logs.c.checkpoint,
        published.c.size.label("seen"),
        published.c.checkpoint.label("cosigned"),
    )
    .outerjoin(published, published.c.log_id == logs.c.id)
    .order_by(logs.c.id)
)
_UNPUBLISHED = _HEADS.where(or_(published.c.size.is_(None), published.c.size < logs.c.size))


def _newest(row: Any) -> _Head:
    """The log's newest head, with the cosignatures it has if it is published."""
    is_published = row.seen == row.size
    note = Note.parse(row.cosigned if is_published else row.checkpoint)
    return _Head(row.id, row.origin, row.vkeys, row.size, note, is_published)


def _own(head: _Head) -> Note:
    """Without cosignatures: a witness reads the log's own signature."""
    own = tuple(s for s in head.note.signatures if s.name == head.origin)
    return Note(head.note.text, own)


def _record(connection: Connection, head: _Head, cosignatures: Sequence[Signature]) -> None:
    """Publish ``head``, unless a larger one is; beside what is there already at its size.

    Not if the log's keys have changed meanwhile: the next round has their signatures.
    """
    if connection.scalar(select(logs.c.vkeys).where(logs.c.id == head.log_id)) != head.vkeys:
        return
    of_log = published.c.log_id == head.log_id
    there = connection.execute(select(published).where(of_log)).one_or_none()
    if there is not None and there.size > head.size:
        return
    earlier = Note.parse(there.checkpoint) if there and there.size == head.size else head.note
    lines = {(s.name, s.key_id): s for s in (*earlier.signatures, *cosignatures)}
    own = [line for line in lines.values() if line.name == head.origin]
    others = [line for line in lines.values() if line.name != head.origin]
    note = Note(head.note.text, (*own, *others[-2 * _MOST_KEYS :])).serialise()
    values = {"size": head.size, "checkpoint": note}
    if there is None:
        connection.execute(insert(published).values(log_id=head.log_id, **values))
    else:
        connection.execute(update(published).where(of_log).values(values))
