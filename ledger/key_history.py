"""The keys of a merchant's two logs: which were declared, which follow them, which are retired.

Beside them, which keys of witnesses have followed which (:mod:`ledger.handover`).

All of it is in the event log (docs/protocol.md 4, *Keys*), so that whoever can verify one
checkpoint of that log knows all keys there ever were. :func:`follow_keys` is for those whose key
signs no more: it leads from there to the present ones, one farewell after the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import le, lp, parse_hex
from ledger.events import LogDeclaration, check_event, encode_event, events_origin
from ledger.evidence import EventEvidence, verify_event_evidence
from ledger.handover import NO_HANDOVERS, Handover, Succession
from ledger.note import Signer, Verifier, is_signed_by, parse_vkey
from ledger.quorum import NO_QUORUM, Quorum, open_cosigned

__all__ = [
    "DECLARED",
    "KEY_EVENTS",
    "RETIRED",
    "ROTATED",
    "WITNESS_ROTATED",
    "KeyHistory",
    "LogKeys",
    "follow_keys",
    "handover_event",
    "parse_shown_keys",
    "read_key_history",
    "retirement_event",
    "rotation_event",
    "told_handovers",
]

DECLARED = "log.declared"
ROTATED = "log.key_rotated"
RETIRED = "log.key_retired"
WITNESS_ROTATED = "log.witness_key_rotated"
KEY_EVENTS = (DECLARED, ROTATED, RETIRED, WITNESS_ROTATED)
"""The types of all events that say anything about keys."""

_DOMAIN = b"kvitto-key-rotation/v1"
_SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class LogKeys:
    """The keys of one log, oldest first; the first ``retired`` of them sign no more."""

    keys: tuple[Verifier, ...]
    retired: int = 0

    @property
    def in_force(self) -> tuple[Verifier, ...]:
        """The keys that sign: one, or two while the second takes over from the first."""
        return self.keys[self.retired :]


@dataclass(frozen=True)
class KeyHistory:
    """The keys of a merchant's logs after its first ``changes`` key events.

    ``witnesses`` are the handovers between keys of witnesses that stand among them.
    """

    origin: str
    purchases: LogKeys
    events: LogKeys
    changes: int = 0
    witnesses: Succession = NO_HANDOVERS

    @classmethod
    def declared(cls, declaration: LogDeclaration) -> "KeyHistory":
        """As the logs began."""
        keys = LogKeys((declaration.purchases,)), LogKeys((declaration.events,))
        return cls(declaration.origin, *keys)

    def of(self, origin: str) -> LogKeys:
        """The keys of the log ``origin``; ``FormatError`` for that of another merchant."""
        if origin not in (self.origin, events_origin(self.origin)):
            raise FormatError("the key of another log", "vkey")
        return self.purchases if origin == self.origin else self.events

    def after(self, event: Mapping[str, Any]) -> "KeyHistory":
        """With one more event; ``FormatError`` or ``VerificationError`` if a rule forbids it.

        No false key event is passed over: readers that disagree about one would believe
        different keys.
        """
        kind = event.get("type")
        kind = kind if kind in (ROTATED, WITNESS_ROTATED) else RETIRED
        check_event(event, kind, _FIELDS[kind])
        # 1. It is the next one, of these logs.
        if event["origin"] != self.origin:
            raise FormatError("a key event of another log", "origin")
        if type(event["number"]) is not int or event["number"] != self.changes:
            raise VerificationError("keys: the number of a change is not the next one")
        if kind == WITNESS_ROTATED:
            witnesses = self.witnesses.after(Handover.parse(event))
            return replace(self, witnesses=witnesses, changes=self.changes + 1)
        return self._rotated(event) if kind == ROTATED else self._retired(event)

    def _rotated(self, event: Mapping[str, Any]) -> "KeyHistory":
        old, new = (_vkey(event, name) for name in ("vkey", "next_vkey"))
        log = self.of(old.name)
        # 2. The old key is the only one in force.
        if old in log.in_force[:-1]:
            raise VerificationError("keys: one key has two successors; the log is forked")
        if log.in_force != (old,):
            raise VerificationError("keys: a key that is not in force names its successor")
        # 3. The new one is of the same log, and no key of either log has been like it.
        if new.name != old.name:
            raise VerificationError("keys: the successor is of another log")
        known = (*self.purchases.keys, *self.events.keys)
        if new.public_key in {key.public_key for key in known} or new.key_id in {
            key.key_id for key in log.keys
        }:
            raise VerificationError("keys: the successor is no new key")
        # 4. The old key says so itself.
        message = _message(self.origin, self.changes, old, new)
        old.verify(message, parse_hex(event["signature"], "signature", _SIGNATURE_BYTES))
        return self._with(replace(log, keys=(*log.keys, new)))

    def _retired(self, event: Mapping[str, Any]) -> "KeyHistory":
        old = _vkey(event, "vkey")
        log = self.of(old.name)
        # 2. It has a successor.
        if old not in log.in_force[:-1]:
            raise VerificationError("keys: a key is retired that has no successor")
        return self._with(replace(log, retired=log.retired + 1))

    def _with(self, log: LogKeys) -> "KeyHistory":
        changes = self.changes + 1
        if log.keys[0].name == self.origin:
            return replace(self, purchases=log, changes=changes)
        return replace(self, events=log, changes=changes)


_FIELDS = {
    ROTATED: ("origin", "number", "vkey", "next_vkey", "signature"),
    RETIRED: ("origin", "number", "vkey"),
    WITNESS_ROTATED: ("origin", "number", "vkey", "next_vkey", "signature", "next_signature"),
}


def rotation_event(history: KeyHistory, old: Signer, new: Verifier, time: str) -> dict[str, Any]:
    """The event by which ``old`` names its successor, as of ``time``."""
    message = _message(history.origin, history.changes, old.verifier, new)
    return {
        **_head(ROTATED, history, time),
        "vkey": old.verifier.vkey,
        "next_vkey": new.vkey,
        "signature": old.sign(message).hex(),
    }


def retirement_event(history: KeyHistory, old: Verifier, time: str) -> dict[str, Any]:
    """The event by which ``old`` signs no more, as of ``time``."""
    return {**_head(RETIRED, history, time), "vkey": old.vkey}


def handover_event(history: KeyHistory, handover: Handover, time: str) -> dict[str, Any]:
    """The event that records, as of ``time``, which key of a witness follows another."""
    return {**_head(WITNESS_ROTATED, history, time), **handover.members()}


def _head(kind: str, history: KeyHistory, time: str) -> dict[str, Any]:
    """What all events of changes begin with."""
    number = history.changes
    return {"type": kind, "time": time, "origin": history.origin, "number": number}


def told_handovers(events: Iterable[Mapping[str, Any]]) -> Succession:
    """The handovers among ``events``, which need not be proven: witnesses have signed them.

    Errors as :meth:`KeyHistory.after`.
    """
    told = [event for event in events if event.get("type") == WITNESS_ROTATED]
    return NO_HANDOVERS.after(*map(Handover.parse, told))


def read_key_history(events: Iterable[Mapping[str, Any]]) -> KeyHistory:
    """The history that a log's declaration and all its key events make, in their order.

    ``FormatError`` or ``VerificationError`` for events that no log can have.
    """
    first, *changes = list(events) or [{}]
    history = KeyHistory.declared(LogDeclaration.from_event(first))
    for event in changes:
        history = history.after(event)
    return history


def parse_shown_keys(document: Any) -> list[EventEvidence]:
    """Read the document that :mod:`ledger.farewells` makes; ``FormatError`` for anything else."""
    if not isinstance(document, dict) or document.keys() != {"history"}:
        raise FormatError("not an object with history", "keys")
    if not isinstance(document["history"], list):
        raise FormatError("not a list", "history")
    return [EventEvidence.parse(evidence) for evidence in document["history"]]


def follow_keys(
    shown: Sequence[EventEvidence], trusted: Sequence[Verifier], policy: Quorum = NO_QUORUM
) -> KeyHistory:
    """The present keys, for somebody who trusts keys of the event log that may be old.

    ``shown`` has the farewell of each key that the event log has retired, oldest first, and then
    its present word; each is evidence for the declaration and all key events so far. Those before
    the last that a trusted key has signed are passed over. From there on each must be signed by a
    key that the one before has named, tell the same history and more, and be signed by a key that
    is in force at its end; and witnesses must have cosigned it, whose keys follow from those in
    ``policy`` by the handovers that it tells. ``VerificationError`` otherwise.
    """
    known = tuple(trusted)
    history: KeyHistory | None = None
    told: list[tuple[int, bytes]] = []
    signed = [i for i, evidence in enumerate(shown) if is_signed_by(evidence.checkpoint, known)]
    for evidence in shown[signed[-1] :] if signed else ():
        present = policy.following(told_handovers(event for _, event in evidence.events))
        verify_event_evidence(evidence, *known, policy=present)
        events = [(index, encode_event(event)) for index, event in evidence.events]
        if evidence.indices != sorted(evidence.indices) or evidence.indices[:1] != [0]:
            raise FormatError("not the declaration and key events in their order", "events")
        if events[: len(told)] != told:
            raise VerificationError("keys: two histories of one log; the log is forked")
        history, told = read_key_history(event for _, event in evidence.events), events
        open_cosigned(evidence.checkpoint, *history.events.in_force, policy=present)
        known = history.events.in_force
    if history is None:
        raise VerificationError("keys: none that is trusted here has signed anything that is shown")
    return history


def _vkey(event: Mapping[str, Any], name: str) -> Verifier:
    if not isinstance(event[name], str):
        raise FormatError("not text", name)
    return parse_vkey(event[name])


def _message(origin: str, number: int, old: Verifier, new: Verifier) -> bytes:
    """Zero bytes keep it apart from every note, which these keys sign too."""
    names = (origin.encode(), old.vkey.encode(), new.vkey.encode())
    return _DOMAIN + b"".join(map(lp, names)) + le(number, 8)
