"""Closes (docs/protocol.md 4): at the end of each period, the purchase log's size and root.

A close is signed by the declared seed witnesses; its *seed* decides which cell of the partition
each entry before it falls into, so nobody may be able to choose it.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import le, lp, parse_hex
from ledger.events import MANUAL, LogDeclaration, check_event
from ledger.handover import NO_HANDOVERS, Handover, Succession
from ledger.key_history import WITNESS_ROTATED
from ledger.merkle import HASH_BYTES

__all__ = [
    "CLOSED",
    "Close",
    "CloseFold",
    "accept_closes",
    "day_period",
    "seed",
    "seed_message",
    "verify_signatures",
]

CLOSED = "log.closed"
"""The type of the event that records a close."""

_FIELDS = ("origin", "number", "period", "size", "root", "signatures")
_SIGNATURE_BYTES = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOMAIN = b"kvitto-seed/v1"


@dataclass(frozen=True)
class Close:
    """The purchase log had ``size`` entries under ``root`` when ``period`` ended.

    ``number`` counts the closes of a log from 0 without gaps, so that a server that shows some
    of them cannot hide one in between; ``signatures`` are in the order of the declared witnesses.
    """

    number: int
    period: int
    size: int
    root: bytes
    signatures: tuple[bytes, ...]

    def to_event(self, origin: str, time: str) -> dict[str, Any]:
        """The event ``log.closed`` of the log ``origin``."""
        return {
            "type": CLOSED,
            "time": time,
            "origin": origin,
            "number": self.number,
            "period": self.period,
            "size": self.size,
            "root": self.root.hex(),
            "signatures": [signature.hex() for signature in self.signatures],
        }

    @classmethod
    def from_event(cls, event: Mapping[str, Any], origin: str) -> "Close":
        """Read the event; ``FormatError`` when it is no close of the log ``origin``."""
        check_event(event, CLOSED, _FIELDS)
        if event["origin"] != origin:
            raise FormatError("a close of another log", "origin")
        signatures = event["signatures"]
        if not isinstance(signatures, list):
            raise FormatError("not a list of signatures", "signatures")
        return cls(
            number=_count(event["number"], "number"),
            period=_count(event["period"], "period"),
            size=_count(event["size"], "size"),
            root=parse_hex(event["root"], "root", HASH_BYTES),
            signatures=tuple(parse_hex(s, "signatures", _SIGNATURE_BYTES) for s in signatures),
        )


def _count(value: Any, field: str) -> int:
    if type(value) is not int or value < 0:
        raise FormatError("not a count", field)
    return value


def day_period(moment: datetime) -> int:
    """The number of the UTC day ``moment`` lies in: days since 1970-01-01."""
    return (moment - _EPOCH) // timedelta(days=1)


def seed_message(origin: str, period: int, size: int, root: bytes) -> bytes:
    """What a seed witness signs, once per origin and period (docs/protocol.md 4, Closes)."""
    return _DOMAIN + lp(origin.encode()) + le(period, 8) + le(size, 8) + root


def seed(close: Close) -> bytes:
    """The 32 bytes that decide where the entries of this close fall."""
    return sha256(close.root + b"".join(close.signatures)).digest()


def verify_signatures(close: Close, declaration: LogDeclaration, known: Succession) -> None:
    """``VerificationError`` unless the present key of each seed witness has signed the close.

    That is the last of those that have followed the declared one: another may have been stolen.
    """
    keys = [known.chain(key)[-1] for key in declaration.seed_witnesses]
    if len(close.signatures) != len(keys):
        raise VerificationError("close: not one signature of each seed witness")
    message = seed_message(declaration.origin, close.period, close.size, close.root)
    for key, signature in zip(keys, close.signatures, strict=True):
        key.verify(message, signature)


class CloseFold:
    """The rules by which a close has an effect, applied to one event after the other.

    Parameters
    ----------
    declaration
        of the log: its origin and its seed witnesses.
    root_at
        the purchase log's root at a size, ``None`` when the log is not that large. Read the
        purchase log after the event log, or a close may seem to name a root that does not exist.
    """

    def __init__(self, declaration: LogDeclaration, root_at: Callable[[int], bytes | None]) -> None:
        self.closes: list[Close] = []
        self._declaration = declaration
        self._root_at = root_at
        self._witnesses = NO_HANDOVERS

    def hand_over(self, event: Mapping[str, Any]) -> None:
        """From here on closes are signed by the key that this event names, and not by the old one.

        Errors as :meth:`ledger.key_history.KeyHistory.after`, which checks its number.
        """
        self._witnesses = self._witnesses.after(Handover.parse(event))

    def accept(self, event: Mapping[str, Any]) -> Close:
        """The close, now the last of ``closes``; an error when it has no effect.

        ``FormatError`` or ``VerificationError`` says why, and nothing has changed.
        """
        close = Close.from_event(event, self._declaration.origin)
        if close.number != len(self.closes):
            raise VerificationError("close: its number is not the next one")
        if self.closes and close.period <= self.closes[-1].period:
            raise VerificationError("close: the period has one already, or has passed")
        if self._declaration.period == MANUAL and close.period != close.number:
            raise VerificationError("close: a period without a close before it")
        if self.closes and close.size < self.closes[-1].size:
            raise VerificationError("close: its size decreases")
        verify_signatures(close, self._declaration, self._witnesses)
        if self._root_at(close.size) != close.root:
            raise VerificationError("close: not the root of the log at that size")
        self.closes.append(close)
        return close


def accept_closes(
    events: Iterable[Mapping[str, Any]],
    declaration: LogDeclaration,
    root_at: Callable[[int], bytes | None],
) -> list[Close]:
    """The closes that count among all events of a log, in their order; others are passed over.

    Errors as :meth:`CloseFold.hand_over`: no false key event is passed over.
    """
    fold = CloseFold(declaration, root_at)
    for event in events:
        if event.get("type") == WITNESS_ROTATED:
            fold.hand_over(event)
        elif event.get("type") == CLOSED:
            with suppress(FormatError, VerificationError):
                fold.accept(event)
    return fold.closes
