"""The logs, their evidence and keys, and the service itself."""

from typing import Any, Literal

from pydantic import Field

from api.documents.common import Base64, Count, Document, Note

__all__ = ["EventEvidence", "Health", "Ring", "ShownKeys"]


class ShownEvent(Document):
    """An event of the log, and its place there."""

    index: Count
    event: dict[str, Any]


class EventEvidence(Document):
    """Events, with one multiproof that all of them are in the log of the checkpoint."""

    events: list[ShownEvent]
    hashes: list[Base64]
    checkpoint: Note


class ShownKeys(Document):
    """All that the event log says about keys, under a checkpoint of each key that it has had."""

    history: list[EventEvidence]


class RingEvidence(Document):
    """The entries of a cell of the log, and why some of them are no members."""

    entries: list[Base64]
    removals: list[list[Count]] = Field(description="Pairs: an index, and that of the reason.")
    grounds: list[Base64] = Field(description="The entries that are reasons and not in the cell.")
    hashes: list[Base64]
    consistency: list[Base64]


class Ring(Document):
    """The evidence for a ring under a checkpoint of the purchase log."""

    ring: RingEvidence
    checkpoint: Note


class Health(Document):
    """Nothing stands against it."""

    status: Literal["ok"]
