"""Entries of an event log: RFC 8785 JSON objects with a ``type`` and a ``time``.

The first is the log's declaration: what a merchant fixed for the life of its two logs
(docs/protocol.md 4, Closes).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from commitments.errors import FormatError
from commitments.wire import canonical_json, parse_canonical_json, parse_identifier
from ledger.note import Verifier, parse_vkey
from ledger.tiles import MAX_ENTRY_BYTES

__all__ = [
    "CAPACITIES",
    "DAILY",
    "MANUAL",
    "OWNERSHIP_RETIRED",
    "TRANSFER_APPROVED",
    "LogDeclaration",
    "check_event",
    "encode_event",
    "event_time",
    "events_origin",
    "is_events_origin",
    "parse_event",
    "parse_event_time",
    "purchases_origin",
]

CAPACITIES = (64, 256, 1024, 4096)
"""The values of N that a log may choose from (docs/protocol.md 4, Rings)."""

DAILY, MANUAL = "P1D", "manual"
"""What ends a period of a log: each UTC day, or a call (docs/protocol.md 4, Closes)."""

TRANSFER_APPROVED = "transfer.approved"
OWNERSHIP_RETIRED = "ownership.retired"

_MAX_WINDOW = 1 << 20  # periods; longer than any log lives
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}Z", re.ASCII)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_EVENTS_SUFFIX = "/events"


def events_origin(origin: str) -> str:
    """The origin of the event log that belongs to the purchase log ``origin``."""
    return origin + _EVENTS_SUFFIX


def purchases_origin(origin: str) -> str:
    """The origin of the purchase log whose event log has ``origin``."""
    return origin.removesuffix(_EVENTS_SUFFIX)


def is_events_origin(origin: str) -> bool:
    """Whether the log ``origin`` is an event log."""
    return origin.endswith(_EVENTS_SUFFIX)


def event_time(moment: datetime) -> str:
    """``moment``, which knows its time zone, as RFC 3339 in UTC and whole seconds."""
    return moment.astimezone(UTC).strftime(_TIME_FORMAT)


def parse_event_time(text: Any, field: str) -> datetime:
    """The moment of an :func:`event_time`; ``FormatError`` for any other spelling."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise FormatError("not a time such as 2026-11-21T08:00:00Z", field)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise FormatError("no such moment", field) from None


def encode_event(event: Mapping[str, Any]) -> bytes:
    """The canonical bytes of an event; ``FormatError`` when it is not one or is too long."""
    data = canonical_json(_checked(event))
    if len(data) > MAX_ENTRY_BYTES:
        raise FormatError("the event is too long", "event")
    return data


def parse_event(data: bytes) -> dict[str, Any]:
    """Read an event; ``FormatError`` unless these are its canonical bytes."""
    if len(data) > MAX_ENTRY_BYTES:
        raise FormatError("the event is too long", "event")
    event = parse_canonical_json(data, "event")
    if not isinstance(event, dict):
        raise FormatError("not an object", "event")
    return _checked(event)


def check_event(event: Mapping[str, Any], kind: str, fields: Collection[str]) -> None:
    """``FormatError`` unless the event is of type ``kind`` and has exactly these fields more."""
    if event.get("type") != kind:
        raise FormatError(f"not a {kind} event", "type")
    if event.keys() != {"type", "time", *fields}:
        raise FormatError(f"not the fields of a {kind} event", "event")


def _checked(event: Mapping[str, Any]) -> dict[str, Any]:
    kind, time = event.get("type"), event.get("time")
    if not isinstance(kind, str) or not kind:
        raise FormatError("an event has a type", "type")
    parse_event_time(time, "time")
    return dict(event)


@dataclass(frozen=True)
class LogDeclaration:
    """Event 0 of an event log, ``log.declared``: what the merchant fixed for the log's life.

    ``period`` is ``P1D`` (each UTC day) or ``manual``; ``capacity`` the N of the partition;
    ``void_window`` counts periods; ``seed_witnesses`` are Ed25519 keys in the order in which
    they sign closes.
    """

    origin: str
    suite: str
    capacity: int
    period: str
    void_window: int
    seed_witnesses: tuple[Verifier, ...]
    purchases: Verifier
    events: Verifier

    def __post_init__(self) -> None:
        """``FormatError`` for a declaration that contradicts the protocol."""
        parse_identifier(self.origin, "origin")
        _require(not is_events_origin(self.origin), "origin")
        _require(isinstance(self.suite, str) and self.suite != "", "suite")
        _require(_is_count(self.capacity) and self.capacity in CAPACITIES, "capacity")
        _require(self.period in (DAILY, MANUAL), "period")
        _require(_is_count(self.void_window) and self.void_window <= _MAX_WINDOW, "void_window")
        _require(self.purchases.name == self.origin, "purchases_vkey")
        _require(self.events.name == events_origin(self.origin), "events_vkey")
        _require(len(set(self.seed_witnesses)) == len(self.seed_witnesses), "seed_witnesses")

    def to_event(self, time: str) -> dict[str, Any]:
        """The event, as of ``time`` (see :func:`event_time`)."""
        return {
            "type": "log.declared",
            "time": time,
            "origin": self.origin,
            "suite": self.suite,
            "capacity": self.capacity,
            "period": self.period,
            "void_window": self.void_window,
            "seed_witnesses": [witness.vkey for witness in self.seed_witnesses],
            "purchases_vkey": self.purchases.vkey,
            "events_vkey": self.events.vkey,
        }

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "LogDeclaration":
        """Read the event; ``FormatError`` names the field that cannot be read."""
        check_event(event, "log.declared", _DECLARATION_FIELDS)
        witnesses = event["seed_witnesses"]
        _require(isinstance(witnesses, list), "seed_witnesses")
        return cls(
            origin=event["origin"],
            suite=event["suite"],
            capacity=event["capacity"],
            period=event["period"],
            void_window=event["void_window"],
            seed_witnesses=tuple(_vkey(text, "seed_witnesses") for text in witnesses),
            purchases=_vkey(event["purchases_vkey"], "purchases_vkey"),
            events=_vkey(event["events_vkey"], "events_vkey"),
        )


_DECLARATION_FIELDS = (
    "origin",
    "suite",
    "capacity",
    "period",
    "void_window",
    "seed_witnesses",
    "purchases_vkey",
    "events_vkey",
)


def _vkey(text: Any, field: str) -> Verifier:
    _require(isinstance(text, str), field)
    return parse_vkey(text)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0  # True is an int, and no number


def _require(condition: bool, field: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise FormatError("not a value that a log can declare", field)
