"""The event ``purchase.voided``: why a purchase was declared void (docs/protocol.md 4, *Events*).

The purchase log's entry says which purchase is void, and nothing else. The event says why, from a
short list, so that auditors see how often a merchant takes what back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from commitments.errors import FormatError
from ledger.events import check_event

__all__ = ["REASONS", "VOIDED", "VoidReason", "Voided"]

VOIDED = "purchase.voided"
"""The type of the event that says why a purchase is void."""

VoidReason = Literal[
    "returned", "order_canceled", "payment_failed", "suspected_fraud", "duplicate", "entry_error"
]
"""The goods came back; the order was called off before that; nothing was paid; it looks like
fraud; the sale is in the log twice; the entry says something else than was sold."""
REASONS: tuple[str, ...] = get_args(VoidReason)

_FIELDS = ("number", "index", "voided", "reason")


@dataclass(frozen=True)
class Voided:
    """The entry ``index`` of the purchase log declares entry ``voided`` void, for ``reason``."""

    index: int
    voided: int
    reason: str

    def document(self) -> dict[str, Any]:
        """The members of the event that are the void's own."""
        return {"index": self.index, "voided": self.voided, "reason": self.reason}

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Voided":
        """Read the event; ``FormatError`` for anything else."""
        check_event(event, VOIDED, _FIELDS)
        counts = (event["number"], event["index"], event["voided"])
        if any(type(count) is not int or count < 0 for count in counts):
            raise FormatError("not a count", "event")
        if event["reason"] not in REASONS:
            raise FormatError("not a reason for a void", "reason")
        return cls(event["index"], event["voided"], event["reason"])
