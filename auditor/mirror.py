"""Mirroring a merchant: both of its logs, brought to this computer and checked on the way.

The events are read first and the purchases after them: a close names a size of the purchase log.
What is remembered of a log is the newest head that held, whether or not all of its files have
come: a server that forks while somebody fetches is found out too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from auditor.fetching import fetch_log
from auditor.mirrored_log import MirroredLog
from auditor.place import Place, ShownMerchant
from auditor.record import Sighting
from auditor.state import EVENTS, PURCHASES, LogKind, Seen, State, read_state, save_state
from commitments.clock import Clock
from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json
from ledger.checkpoint import open_checkpoint
from ledger.cosignature import CosignerKey, cosigned_at
from ledger.durable import replace_file
from ledger.events import LogDeclaration, event_time, events_origin
from ledger.evidence import EventEvidence
from ledger.key_history import KeyHistory, LogKeys, follow_keys, parse_shown_keys
from ledger.monitor import Head, OlderCheckpoint, require_extension
from ledger.note import Note, Verifier, parse_vkey
from ledger.quorum import NO_QUORUM, Quorum, open_cosigned
from ledger.served_log import LogDirectory, LogUnreachable, ServedLog

__all__ = ["STATE_FILE", "Mirror", "Progress", "mirror_merchant"]

_LARGEST_LOG = 1 << 26  # entries; the hashes of so many bundles take 8 MB
STATE_FILE = "audit.json"
"""Beside the two logs of a merchant: what is remembered of them."""
_LAST_YEAR = 9999

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass
class Mirror:
    """Both logs of a merchant on this computer, as far as they were checked.

    ``keys`` are those of its logs as they were shown; ``first_use`` whether that they are the
    merchant's was taken from the place; ``tiles`` how many were compared this time.
    """

    merchant: ShownMerchant
    home: Path
    keys: KeyHistory
    state: State
    events: MirroredLog
    purchases: MirroredLog
    first_use: bool
    tiles: int

    @property
    def origin(self) -> str:
        """That of the purchase log."""
        return self.merchant.origin

    @property
    def sightings(self) -> list[Sighting]:
        """The checkpoints that were fetched, of this and earlier times."""
        return list(self.state.sightings)

    def remember(self, state: State) -> None:
        """Have ``state`` the next time."""
        save_state(self.home / STATE_FILE, state)
        self.state = state


def mirror_merchant(
    place: Place,
    merchant: ShownMerchant,
    home: Path,
    *,
    clock: Clock,
    progress: Progress,
    pinned: Sequence[Verifier] = (),
    quorum: Quorum = NO_QUORUM,
) -> Mirror:
    """Bring both logs of a merchant into ``home``, and check them.

    ``pinned`` are keys of its logs that are known from elsewhere; without one of the event log
    the first that is shown is trusted, and remembered.

    :class:`ledger.fork.ForkedLog` with its proof; other ``VerificationError`` and ``FormatError``
    for what does not hold; :class:`ledger.served_log.LogUnreachable` for what does not come.
    """
    return _Mirroring(place, merchant, home, clock, progress, quorum).bring(pinned)


@dataclass
class _Mirroring:
    """A merchant whose logs are on their way."""

    place: Place
    merchant: ShownMerchant
    home: Path
    clock: Clock
    progress: Progress
    quorum: Quorum
    state: State = field(default_factory=State)
    tiles: int = 0

    def bring(self, pinned: Sequence[Verifier]) -> Mirror:
        self.state = read_state(self.home / STATE_FILE)
        # 1. The keys follow from those that are trusted.
        document = self.place.keys(self.merchant.id)
        shown = parse_shown_keys(document)
        history, first_use = self._keys(shown, pinned)
        quorum = self.quorum.following(history.witnesses)
        witnesses = [w.key for w in quorum.witnesses] or list(self.merchant.witnesses)
        # 2. Each log extends what was seen, and all of it is here. Events first: see above.
        beside_keys = [Head.of(shown[-1].checkpoint)]
        events = self._log(EVENTS, history.events, quorum, witnesses, beside_keys)
        purchases = self._log(PURCHASES, history.purchases, quorum, witnesses)
        # 3. What makes of this a directory that can be audited, imported and served.
        replace_file(self.home / "keys.json", canonical_json(document))
        replace_file(self.home / "merchant.json", canonical_json(self.merchant.document()))
        self._remember(replace(self.state, vkeys=tuple(k.vkey for k in history.events.keys)))
        return Mirror(
            self.merchant, self.home, history, self.state, events, purchases, first_use, self.tiles
        )

    def _keys(
        self, shown: Sequence[EventEvidence], pinned: Sequence[Verifier]
    ) -> tuple[KeyHistory, bool]:
        """The keys, and whether the first of them was taken from the place."""
        origin = self.merchant.origin
        pinned = [key for key in pinned if key.name in (origin, events_origin(origin))]
        trusted = [key for key in pinned if key.name != origin]
        trusted += [parse_vkey(vkey) for vkey in self.state.vkeys]
        history = follow_keys(shown, trusted or [_declared(shown)], self.quorum)
        if history.origin != origin:
            raise VerificationError("keys: they are of another merchant")
        if not set(pinned) <= {*history.purchases.keys, *history.events.keys}:
            raise VerificationError("keys: one that is known from elsewhere is none of this log's")
        return history, not trusted

    def _log(
        self,
        kind: LogKind,
        keys: LogKeys,
        quorum: Quorum,
        witnesses: Sequence[CosignerKey],
        also_seen: Sequence[Head] = (),
    ) -> MirroredLog:
        log = self.place.log(self.merchant.id, kind)
        known = self.state.logs.get(kind)
        note = log.checkpoint()
        checkpoint = open_cosigned(note, *keys.in_force, policy=NO_QUORUM)
        if checkpoint.size > _LARGEST_LOG:
            raise FormatError(f"a log of more than {_LARGEST_LOG:,} entries", kind)
        new = Head.of(note)
        here = ServedLog(LogDirectory(self.home / kind))
        if known is not None and new.size < known.head.size:
            _require_no_fork(_seen_here(known, here, keys), new, here)
        self._require_one_history(log, known, also_seen, new)
        # Last: what the log has signed can prove a fork, whoever else has signed it.
        open_cosigned(note, *keys.in_force, policy=quorum)
        complete = known.complete if known else 0
        self._remember(self._sighted(kind, new, witnesses).with_log(kind, Seen(new, complete)))
        directory = self.home / kind
        self.tiles += fetch_log(
            log,
            directory,
            complete,
            new,
            lambda done, of: self.progress(f"fetching {kind}", done, of),
        )
        self._remember(self.state.with_log(kind, Seen(new, new.size)))
        return MirroredLog(directory, new)

    def _require_one_history(
        self, log: ServedLog, known: Seen | None, also_seen: Iterable[Head], new: Head
    ) -> None:
        """The log extends what was seen, here or beside its keys."""
        if known is not None:
            require_extension(known.head, new, log.tiles)
        for head in also_seen:
            small, large = sorted((head, new), key=lambda each: each.size)
            require_extension(small, large, log.tiles)

    def _sighted(self, kind: LogKind, head: Head, witnesses: Sequence[CosignerKey]) -> State:
        times = _cosigned(Note.parse(head.note), witnesses)
        seen = event_time(self.clock())
        return self.state.with_sighting(Sighting(kind, head.size, seen, times))

    def _remember(self, state: State) -> None:
        save_state(self.home / STATE_FILE, state)
        self.state = state


def _seen_here(known: Seen, here: ServedLog, keys: LogKeys) -> Iterator[Head]:
    """The newest head that was seen, and the newest of which all files have come."""
    yield known.head
    with suppress(FormatError, VerificationError, LogUnreachable):
        note = here.checkpoint()
        open_checkpoint(note, *keys.keys)
        yield Head.of(note)


def _require_no_fork(seen: Iterable[Head], new: Head, here: ServedLog) -> None:
    """A log that is smaller than it was is the beginning of that, as far as the files here say.

    Who serves it, and has another one signed, does not serve what would prove that.
    """
    for head in seen:
        if new.size <= head.size:
            with suppress(OlderCheckpoint):
                require_extension(head, new, here.tiles)


def _declared(shown: Sequence[EventEvidence]) -> Verifier:
    """The first key of an event log, as its declaration says that is shown."""
    for evidence in shown:
        for index, event in evidence.events:
            if index == 0:
                return LogDeclaration.from_event(event).events
    raise FormatError("the declaration is not shown", "keys")


def _cosigned(note: Note, witnesses: Sequence[CosignerKey]) -> dict[str, str]:
    """When each of the witnesses says that it has cosigned, of those whose cosignatures hold."""
    keys = {(key.name, key.key_id): key for key in witnesses}
    times = {}
    for signature in note.signatures:
        key = keys.get((signature.name, signature.key_id))
        with suppress(VerificationError, FormatError, ValueError, OverflowError):
            if key is not None:
                key.verify(note.text.encode(), signature.signature)
                moment = datetime.fromtimestamp(cosigned_at(signature.signature), UTC)
                times[signature.name] = event_time(moment)
    return times
