"""What an auditor remembers of a merchant from one audit to the next.

The heads are the signed notes themselves: with less nobody could prove a fork to others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from auditor.record import Sighting
from commitments.errors import FormatError
from commitments.wire import canonical_json, parse_json
from ledger.durable import replace_file
from ledger.monitor import Head
from ledger.note import parse_vkey

__all__ = ["EVENTS", "PURCHASES", "Checked", "LogKind", "Seen", "State", "read_state", "save_state"]

LogKind = Literal["events", "purchases"]
EVENTS: LogKind = "events"
PURCHASES: LogKind = "purchases"

_VERSION = 1
_MOST_SIGHTINGS = 1000  # of the last audits; the others tell no more than these


@dataclass(frozen=True)
class Seen:
    """The newest head of a log that held, and of how many entries all files were checked."""

    head: Head
    complete: int = 0


@dataclass(frozen=True)
class Checked:
    """The proofs in the first ``events`` events hold, but for those at the indices ``false``.

    ``which`` is a digest of where they stood. What an earlier audit could not judge, such as claims
    behind a close whose purchases had not come, it had no proof to verify of.
    """

    events: int = 0
    false: tuple[int, ...] = ()
    which: str = ""

    @classmethod
    def of(cls, events: int, proofs: Iterable[int], false: Iterable[int]) -> "Checked":
        """After those at the indices ``proofs`` were verified."""
        return cls(events, tuple(sorted(false)), _digest(events, proofs))

    def among(self, proofs: Iterable[int]) -> "Checked":
        """What of it can be relied on, where these are the indices of all proofs."""
        return self if self.which == _digest(self.events, proofs) else replace(self, events=0)

    def holds(self, index: int) -> bool:
        """Whether the proof of this event was verified, and held."""
        return index < self.events and index not in self.false


def _digest(events: int, proofs: Iterable[int]) -> str:
    return sha256(canonical_json([index for index in proofs if index < events])).hexdigest()


@dataclass(frozen=True)
class State:
    """What is remembered: heads, keys of the event log, sightings, and proofs by engine."""

    logs: Mapping[LogKind, Seen] = field(default_factory=dict)
    vkeys: tuple[str, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    proofs: Mapping[str, Checked] = field(default_factory=dict)

    def with_log(self, kind: LogKind, seen: Seen) -> "State":
        """After a log was looked at."""
        return replace(self, logs={**self.logs, kind: seen})

    def with_sighting(self, sighting: Sighting) -> "State":
        """After a checkpoint was fetched."""
        return replace(self, sightings=(*self.sightings, sighting)[-_MOST_SIGHTINGS:])

    def with_proofs(self, engine: str, checked: Checked) -> "State":
        """After an engine has verified proofs."""
        return replace(self, proofs={**self.proofs, engine: checked})


def read_state(path: Path) -> State:
    """What is remembered in a file; nothing where there is none.

    ``FormatError`` names the file if nobody can go on from it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return State()
    try:
        return _parse(parse_json(data))
    except (FormatError, KeyError, TypeError, AttributeError):
        raise FormatError(
            "not the state of an audit; without it the next one begins anew", str(path)
        ) from None


def save_state(path: Path, state: State) -> None:
    """Remember it, in place of what was remembered."""
    document = {
        "version": _VERSION,
        "logs": {
            kind: {"note": seen.head.note.decode(), "complete": seen.complete}
            for kind, seen in state.logs.items()
        },
        "vkeys": list(state.vkeys),
        "sightings": [vars(sighting) for sighting in state.sightings],
        "proofs": {
            engine: {**vars(checked), "false": list(checked.false)}
            for engine, checked in state.proofs.items()
        },
    }
    replace_file(path, canonical_json(document), mode=0o600)


def _parse(document: Any) -> State:
    if document["version"] != _VERSION:
        raise FormatError("the state of another version", "version")
    logs = document["logs"]
    return State(
        logs={kind: _seen(logs[kind]) for kind in (EVENTS, PURCHASES) if kind in logs},
        vkeys=tuple(parse_vkey(vkey).vkey for vkey in document["vkeys"]),
        sightings=tuple(Sighting(**each) for each in document["sightings"]),
        proofs={
            engine: Checked(**{**checked, "false": tuple(checked["false"])})
            for engine, checked in document["proofs"].items()
        },
    )


def _seen(document: Any) -> Seen:
    return Seen(Head.of(document["note"].encode()), document["complete"])
