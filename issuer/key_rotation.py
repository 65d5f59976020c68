"""Changing the keys of a merchant's logs (docs/protocol.md 4, *Keys*), while they are in use.

First the old key names its successor, and both sign; later the old key is destroyed. In between,
everybody who verifies the log finds a signature that they know.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Literal

from commitments.clock import Clocks
from commitments.errors import Refused
from issuer.merchants import Merchant
from ledger.event_log import append_event
from ledger.events import event_time, events_origin
from ledger.farewells import keep_farewell, stored_key_history
from ledger.key_history import retirement_event, rotation_event
from ledger.note import Signer
from ledger.store import Store, Transaction

__all__ = ["BOTH", "LogKind", "retire_keys", "rotate_keys"]

LogKind = Literal["purchases", "events"]
BOTH: tuple[LogKind, ...] = ("purchases", "events")
_KEY_BYTES = 32  # of an Ed25519 private key (RFC 8032, 5.1.5)


def rotate_keys(
    store: Store, clocks: Clocks, merchant: Merchant, kinds: Sequence[LogKind] = BOTH
) -> list[dict[str, Any]]:
    """Give these logs a second key each, which signs with the old one from now on; the events.

    All in one transaction. ``Refused`` while an earlier key has not been retired.
    """

    def unit(transaction: Transaction) -> list[dict[str, Any]]:
        return [_rotate(transaction, clocks, merchant, _origin(merchant, kind)) for kind in kinds]

    return store.write(unit, merchant.origin, events_origin(merchant.origin))


def retire_keys(
    store: Store, clocks: Clocks, merchant: Merchant, kinds: Sequence[LogKind] = BOTH
) -> list[dict[str, Any]]:
    """Destroy the older key of these logs; the events.

    All in one transaction. ``Refused`` for a log without a second key, and while readers cannot
    yet have seen that there is one.
    """

    def unit(transaction: Transaction) -> list[dict[str, Any]]:
        return [_retire(transaction, clocks, merchant, _origin(merchant, kind)) for kind in kinds]

    return store.write(unit, merchant.origin, events_origin(merchant.origin))


def _rotate(
    transaction: Transaction, clocks: Clocks, merchant: Merchant, origin: str
) -> dict[str, Any]:
    old, *others = transaction.signers(origin)
    if others:
        raise Refused("key-not-retired", "the log has two keys already: retire the older first")
    history = stored_key_history(transaction.connection, merchant.origin)
    new = Signer(origin, secrets.token_bytes(_KEY_BYTES))
    event = rotation_event(history, old, new.verifier, event_time(clocks.at(merchant.origin)))
    history.after(event)  # what no reader would accept is not written
    append_event(transaction, merchant.origin, event)
    transaction.add_key(origin, new.private_key)
    return event


def _retire(
    transaction: Transaction, clocks: Clocks, merchant: Merchant, origin: str
) -> dict[str, Any]:
    old, *others = transaction.signers(origin)
    if not others:
        raise Refused("only-key", "the log has one key only: rotate it first")
    if origin != merchant.origin and not keep_farewell(transaction.connection, merchant.origin):
        raise Refused("not-published", "the new key has not been published yet: try again later")
    history = stored_key_history(transaction.connection, merchant.origin)
    event = retirement_event(history, old.verifier, event_time(clocks.at(merchant.origin)))
    history.after(event)
    append_event(transaction, merchant.origin, event)
    transaction.drop_oldest_key(origin)
    return event


def _origin(merchant: Merchant, kind: LogKind) -> str:
    return merchant.origin if kind == "purchases" else events_origin(merchant.origin)
