"""Making a merchant, or a sandbox, with its first key; and what is said of it."""

from collections.abc import Callable
from typing import Any

from api.service import Service
from commitments.errors import KvittoError
from issuer.merchants import Merchant
from ledger.events import LogDeclaration
from ledger.key_history import KeyHistory

__all__ = ["CHOICES", "key_members", "make_merchant", "summary"]

CHOICES = ("capacity", "period", "void_window")
"""What a merchant may choose for the life of its logs."""


def make_merchant(
    service: Service, merchant: Merchant, make: Callable[[], LogDeclaration]
) -> dict[str, Any]:
    """The document of a merchant that ``make`` makes, with its first key."""
    # The key first: a crash in between leaves a key that nobody has, not a merchant without one.
    key = service.keys.issue_first(merchant)
    try:
        declaration = make()
    except KvittoError:
        service.keys.withdraw(key)
        raise
    members = key_members(KeyHistory.declared(declaration))
    return {**summary(merchant), "api_key": key, **members}


def summary(merchant: Merchant) -> dict[str, str]:
    """What a merchant is."""
    return {"id": merchant.id, "name": merchant.name, "origin": merchant.origin}


def key_members(history: KeyHistory) -> dict[str, str]:
    """The newest key of each log; one that it takes over from may sign besides."""
    return {
        "purchases_vkey": history.purchases.keys[-1].vkey,
        "events_vkey": history.events.keys[-1].vkey,
    }
