"""Sandboxes: merchants on which nothing was ever sold, to try everything out (docs/merchants.md).

A sandbox is told from a merchant by its origin alone, which stands in every checkpoint, event,
receipt and proof: whoever does not ask for a sandbox never takes one for a shop.
"""

from datetime import timedelta

__all__ = ["MOST_AHEAD", "is_sandbox", "sandbox_origin"]

MOST_AHEAD = timedelta(days=30 * 366)
"""How far a sandbox's clock can be ahead: no guarantee is longer, and every deadline that is
counted from there is still a date."""

_MARK = "/test/"
_EVENTS = "/events"


def is_sandbox(origin: str) -> bool:
    """Whether the log ``origin``, of purchases or of events, is a sandbox's."""
    return _MARK in origin.removesuffix(_EVENTS)


def sandbox_origin(service_name: str, merchant_id: str) -> str:
    """The origin of a sandbox's purchase log."""
    return f"{service_name}{_MARK}{merchant_id}"
