"""Keeping up with the keys of a merchant's logs (docs/protocol.md 4, *Keys*)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from commitments.errors import VerificationError
from ledger.key_history import KEY_EVENTS, KeyHistory, follow_keys, read_key_history
from sdk.shop import Shop
from sdk.state import Merchant

__all__ = ["follow_merchant", "learn_keys"]


def follow_merchant(shop: Shop, merchant: Merchant) -> Merchant:
    """The merchant with the keys that follow from those that were known.

    Errors as :func:`ledger.key_history.follow_keys` and :func:`learn_keys`.
    """
    shown = shop.keys_shown()
    follow_keys(shown, merchant.events_keys, merchant.quorum)
    return learn_keys(merchant, (event for _, event in shown[-1].events))


def learn_keys(merchant: Merchant, events: Iterable[Mapping[str, Any]]) -> Merchant:
    """The merchant with the keys that are in force after these events, proven to be in its log.

    ``VerificationError`` when they contradict, or leave out, a change that was seen before: then
    somebody is shown a false log.
    """
    told = [event for event in events if event.get("type") in KEY_EVENTS]
    history = read_key_history(told)
    if history.origin != merchant.origin:
        raise VerificationError("keys: they are of another merchant")
    known = {*merchant.purchases_vkeys, *merchant.events_vkeys}
    if merchant.key_changes is None:  # known are the keys that the service named at first contact
        if not known <= {key.vkey for key in (*history.purchases.keys, *history.events.keys)}:
            raise VerificationError("keys: those known are none of this log's")
    elif history.changes < merchant.key_changes:
        raise VerificationError("keys: a change that was seen before is hidden")
    elif _in_force(read_key_history(told[: 1 + merchant.key_changes])) != known:
        raise VerificationError("keys: another history was seen before; the log is forked")
    return replace(
        merchant,
        purchases_vkeys=tuple(key.vkey for key in history.purchases.in_force),
        events_vkeys=tuple(key.vkey for key in history.events.in_force),
        key_changes=history.changes,
    )


def _in_force(history: KeyHistory) -> set[str]:
    keys = (*history.purchases.in_force, *history.events.in_force)
    return {key.vkey for key in keys}
