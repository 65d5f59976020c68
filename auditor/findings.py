"""What an audit says: what does not hold, and what a merchant should be asked about.

A *disagreement* is a rule that is broken: nobody who keeps to the protocol writes such a log. A
*finding* is a pattern that the rules allow and that deserves a question (docs/methodology.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from commitments.wire import canonical_json

__all__ = [
    "ALARM",
    "MOST_ENTRIES",
    "NOTICE",
    "SEVERITIES",
    "WARNING",
    "Disagreement",
    "Entry",
    "Finding",
]

NOTICE, WARNING, ALARM = "notice", "warning", "alarm"
SEVERITIES = (NOTICE, WARNING, ALARM)
MOST_ENTRIES = 100  # that a finding leads to; its facts say how many there are


@dataclass(frozen=True, order=True)
class Entry:
    """An entry of one of a merchant's two logs."""

    log: Literal["events", "purchases"]
    index: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"log": self.log, "index": self.index}


@dataclass(frozen=True)
class Disagreement:
    """A broken rule. ``rule`` is a stable name, ``why`` a sentence; ``entries`` are at fault."""

    rule: str
    why: str
    entries: tuple[Entry, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        entries = [entry.document() for entry in self.entries]
        return {"rule": self.rule, "why": self.why, "entries": entries}


@dataclass(frozen=True)
class Finding:
    """What a detector has found.

    ``detector`` is its stable name and ``severity`` one of :data:`SEVERITIES`; ``time`` is the
    event time at which it became so; ``facts`` are the numbers and names that ``text``, an English
    sentence, is made of, so that a page can say it in another language.
    """

    detector: str
    severity: str
    time: str
    text: str
    facts: Mapping[str, Any]
    entries: tuple[Entry, ...] = field(default=())

    @property
    def id(self) -> str:
        """A name that the same finding keeps: 16 hex digits."""
        named = [self.detector, self.time, [entry.document() for entry in self.entries]]
        return sha256(canonical_json(named)).hexdigest()[:16]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "detector": self.detector,
            "severity": self.severity,
            "time": self.time,
            "text": self.text,
            "facts": dict(self.facts),
            "entries": [entry.document() for entry in self.entries],
        }
