"""What is sent: an event of the log as a merchant's program wants it.

``{"type", "timestamp", "data": {"merchant", "index", "event"}}``, in canonical JSON, so that all
attempts have the same bytes. The event is whole but for what proves it and what links it to other
events: that is long, a shop does not act on it, and it may be sent to a third party. All of it is
in the log at ``index``.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, get_args

from commitments.errors import FormatError
from commitments.wire import canonical_json
from ledger.events import event_time

__all__ = ["TEST", "EventType", "event_message", "message_id", "parse_types", "test_message"]

EventType = Literal[
    "claim.decided",
    "claim.step",
    "log.closed",
    "log.declared",
    "log.key_retired",
    "log.key_rotated",
    "log.witness_key_rotated",
    "ownership.retired",
    "policy.published",
    "policy.superseded",
    "policy.withdrawn",
    "purchase.voided",
    "recall.published",
    "report.published",
    "transfer.approved",
]
"""All types of events that an event log has; a filter names some of them."""

TEST = "webhook.test"
"""The type of a message that a merchant sends itself; it is no event."""

_LEFT_OUT = ("proof", "secret", "tags")
_ID_DIGITS = 16
_EVENT_TYPES: tuple[str, ...] = get_args(EventType)


def parse_types(value: Any) -> tuple[str, ...] | None:
    """The types in a request body; ``None`` is all of them, also those of later versions."""
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise FormatError("not null and not a list of types", "types")
    if not all(isinstance(kind, str) and kind in _EVENT_TYPES for kind in value):
        raise FormatError(f"not some of {', '.join(_EVENT_TYPES)}", "types")
    if len(set(value)) != len(value):
        raise FormatError("a type is there twice", "types")
    return tuple(sorted(value))


def message_id(origin: str, index: int | str) -> str:
    """The ``webhook-id`` of an event: the same for ever and everywhere, and without a full stop."""
    return f"msg_{sha256(origin.encode()).hexdigest()[:_ID_DIGITS]}_{index}"


def event_message(merchant: str, index: int, event: Mapping[str, Any]) -> bytes:
    """The body for the event at ``index`` of the merchant's event log."""
    shown = {name: value for name, value in event.items() if name not in _LEFT_OUT}
    return _body(
        event["type"], event["time"], {"merchant": merchant, "index": index, "event": shown}
    )


def test_message(merchant: str, moment: datetime) -> bytes:
    """The body of a test."""
    return _body(TEST, event_time(moment), {"merchant": merchant})


def _body(kind: str, time: str, data: dict[str, Any]) -> bytes:
    return canonical_json({"type": kind, "timestamp": time, "data": data})
