"""Events shown with proof: some of a log's events, one multiproof and a checkpoint.

What a wallet reads instead of the whole event log. It cannot see which events it was not shown;
where that would matter (closes), the events themselves are numbered without gaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from commitments.errors import FormatError
from commitments.wire import encode_base64, parse_base64
from ledger.checkpoint import Checkpoint
from ledger.events import encode_event
from ledger.merkle import HASH_BYTES, leaf_hash, verify_multiproof
from ledger.note import Verifier
from ledger.quorum import NO_QUORUM, Quorum, open_cosigned

__all__ = ["EventEvidence", "ProvableEvents", "build_event_evidence", "verify_event_evidence"]


class ProvableEvents(Protocol):
    """An event log that can prove what it holds, such as :class:`ledger.log.Log`."""

    size: int

    def multiproof(self, indices: Sequence[int], size: int) -> Sequence[bytes]:
        """The multiproof of the events at ``indices`` at a size of the log."""

    def checkpoint(self) -> bytes:
        """The newest checkpoint, a signed note."""


@dataclass(frozen=True)
class EventEvidence:
    """Events by index, ascending; the hashes of their multiproof; the signed checkpoint."""

    events: tuple[tuple[int, dict[str, Any]], ...]
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    @property
    def indices(self) -> list[int]:
        """Where the events stand in their log."""
        return [index for index, _ in self.events]

    def document(self) -> dict[str, Any]:
        """The evidence as a JSON object; hashes are base64."""
        return {
            "events": [{"index": index, "event": event} for index, event in self.events],
            "hashes": [encode_base64(hash_) for hash_ in self.hashes],
            "checkpoint": self.checkpoint.decode("utf-8"),
        }

    @classmethod
    def parse(cls, document: Any) -> "EventEvidence":
        """Read the JSON object; ``FormatError`` names the member that is wrong."""
        _require_members(document, {"events", "hashes", "checkpoint"}, "evidence")
        if not all(isinstance(document[name], list) for name in ("events", "hashes")):
            raise FormatError("not a list", "evidence")
        if not isinstance(document["checkpoint"], str):
            raise FormatError("not text", "checkpoint")
        for shown in document["events"]:
            _require_members(shown, {"index", "event"}, "events")
            index, event = shown["index"], shown["event"]
            if type(index) is not int or index < 0 or not isinstance(event, dict):
                raise FormatError("not an index and an event", "events")
        return cls(
            tuple((shown["index"], shown["event"]) for shown in document["events"]),
            tuple(parse_base64(text, "hashes", HASH_BYTES) for text in document["hashes"]),
            document["checkpoint"].encode("utf-8"),
        )


def build_event_evidence(
    log: ProvableEvents, events: Sequence[tuple[int, dict[str, Any]]]
) -> EventEvidence:
    """The evidence for ``events`` of ``log`` under its newest checkpoint."""
    hashes = log.multiproof([index for index, _ in events], log.size)
    return EventEvidence(tuple(events), tuple(hashes), log.checkpoint())


def verify_event_evidence(
    evidence: EventEvidence, *verifiers: Verifier, policy: Quorum = NO_QUORUM
) -> Checkpoint:
    """The checkpoint, signed by one of ``verifiers``, under which all the events are in the log.

    ``FormatError`` for what is no event, ``VerificationError`` for what does not hold or what
    ``policy`` does not accept.
    """
    checkpoint = open_cosigned(evidence.checkpoint, *verifiers, policy=policy)
    leaves = {index: leaf_hash(encode_event(event)) for index, event in evidence.events}
    if len(leaves) != len(evidence.events):
        raise FormatError("an index occurs twice", "events")
    verify_multiproof(leaves, checkpoint.size, checkpoint.root, evidence.hashes)
    return checkpoint


def _require_members(document: Any, members: set[str], field: str) -> None:
    if not isinstance(document, dict) or document.keys() != members:
        raise FormatError(f"not an object with {', '.join(sorted(members))}", field)
