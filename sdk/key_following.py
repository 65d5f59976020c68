"""Keeping up with the keys of a merchant's logs and witnesses (docs/protocol.md 4, *Keys*)."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from commitments.errors import VerificationError
from ledger.key_history import KEY_EVENTS, KeyHistory, follow_keys, read_key_history
from ledger.note import Verifier
from ledger.quorum import NotCosigned, verify_cosigned
from sdk.shop import Shop
from sdk.state import Merchant

__all__ = ["follow_merchant", "follow_signers", "learn_keys"]


def follow_merchant(shop: Shop, merchant: Merchant) -> Merchant:
    """The merchant with the keys that follow from those that were known.

    Errors as :func:`ledger.key_history.follow_keys` and :func:`learn_keys`.
    """
    shown = shop.keys_shown()
    follow_keys(shown, merchant.events_keys, merchant.quorum)
    return learn_keys(merchant, (event for _, event in shown[-1].events))


def follow_signers(
    shop: Shop, merchant: Merchant, note: bytes, keys: Sequence[Verifier]
) -> Merchant:
    """The merchant with the keys that follow, if those known have not signed this checkpoint.

    ``keys`` are those of its log; the witnesses in its quorum must have signed too. Errors as
    :func:`follow_merchant`, except that without a quorum nothing has changed: whoever verifies
    the checkpoint says so.
    """
    try:
        verify_cosigned(note, *keys, policy=merchant.quorum)
    except VerificationError:
        with suppress(NotCosigned):
            return follow_merchant(shop, merchant)
    return merchant


def learn_keys(merchant: Merchant, events: Iterable[Mapping[str, Any]]) -> Merchant:
    """The merchant with the keys that are in force after these events, proven to be in its log.

    The keys of the witnesses in its quorum have given way to those that have followed them.

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
    else:
        before = read_key_history(told[: 1 + merchant.key_changes])
        seen = known, merchant.handovers_digest
        if (_in_force(before), before.witnesses.digest()) != seen:
            raise VerificationError("keys: another history was seen before; the log is forked")
    return replace(
        merchant,
        purchases_vkeys=tuple(key.vkey for key in history.purchases.in_force),
        events_vkeys=tuple(key.vkey for key in history.events.in_force),
        key_changes=history.changes,
        quorum=merchant.quorum.following(history.witnesses),
        handovers_digest=history.witnesses.digest(),
    )


def _in_force(history: KeyHistory) -> set[str]:
    keys = (*history.purchases.in_force, *history.events.in_force)
    return {key.vkey for key in keys}
