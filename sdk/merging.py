"""Two wallets that were made from one seed become one: neither forgets a slot that it has used."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from ledger.monitor import Head, newest_head
from ledger.quorum import NO_QUORUM
from sdk.errors import WalletError, WrongWallet
from sdk.state import Claim, Identity, Merchant, OrderKey, Purchase, State
from sdk.transfer_state import Transfer

__all__ = ["merge"]

_Proof = TypeVar("_Proof", Claim, Transfer)


def merge(own: State, other: State) -> State:
    """What both remember; ``own`` stays the device that it is.

    ``WalletError`` for a wallet of another seed or one that contradicts this one, and where only
    one is for sandboxes;
    :class:`ledger.fork.ForkedLog` when the two were shown different logs of one size.
    """
    if own.identity.seed != other.identity.seed:
        raise WalletError("the other wallet has other words")
    if own.identity.sandbox != other.identity.sandbox:
        raise WrongWallet(sandbox=other.identity.sandbox)
    purchases = _purchases(own.purchases, other.purchases)
    waiting = {**other.pending, **own.pending}
    for key, pending in waiting.items():
        if other.pending.get(key, pending).keys != pending.keys and key not in purchases:
            raise WalletError(f"both wallets wait for order {pending.order}: accept it first")
    return State(
        identity=_identity(own.identity, other.identity),
        merchants=_merchants(own.merchants, other.merchants),
        pending={key: each for key, each in waiting.items() if key not in purchases},
        purchases=purchases,
        claims=_proofs(own.claims, other.claims),
        offers={**other.offers, **own.offers},
        accepted={**own.accepted, **other.accepted},  # own ones are given again
        transfers=_proofs(own.transfers, other.transfers),
    )


def _identity(own: Identity, other: Identity) -> Identity:
    """A wallet file that was copied counts as the same device does."""
    counters = _largest(own.counters, other.counters if own.device == other.device else {})
    return replace(
        own,
        counters=counters,
        boxes=_largest(own.boxes, other.boxes),
        words_shown=_later(own.words_shown, other.words_shown),
        backed_up=_later(own.backed_up, other.backed_up),
    )


def _later(own: str | None, other: str | None) -> str | None:
    return max(own or "", other or "") or None  # event times compare as text


def _largest(own: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: max(own.get(key, 0), other.get(key, 0)) for key in {**own, **other}}


def _purchases(
    own: Mapping[OrderKey, Purchase], other: Mapping[OrderKey, Purchase]
) -> dict[OrderKey, Purchase]:
    merged = {**own}
    for key, purchase in other.items():
        known = merged.setdefault(key, purchase)
        if known.commitment != purchase.commitment:
            raise WalletError(f"the wallets have different receipts for order {purchase.order}")
        if known.box is None:
            merged[key] = replace(known, box=purchase.box)
    return merged


def _proofs(own: Mapping[str, _Proof], other: Mapping[str, _Proof]) -> dict[str, _Proof]:
    """Of two words on one claim or transfer the later: approved, declined or refused, none yet."""
    merged = {**own}
    for identifier, proof in other.items():
        known = merged.setdefault(identifier, proof)
        later = max(known, proof, key=_how_late)
        sent = known.secret_sent or proof.secret_sent
        merged[identifier] = replace(later, secret_sent=sent)
    return merged


def _how_late(proof: Claim | Transfer) -> tuple[int, int]:
    outcome = (None, "refused", "declined", "approved").index(proof.outcome)
    if isinstance(proof, Claim):
        return outcome, len(proof.steps)
    return outcome, proof.completion is not None


def _merchants(own: Mapping[str, Merchant], other: Mapping[str, Merchant]) -> dict[str, Merchant]:
    merged = {**other, **own}
    for origin in own.keys() & other.keys():
        mine, theirs = own[origin], other[origin]
        _require_one_log(mine, theirs)
        further = max(mine, theirs, key=lambda merchant: (merchant.shown, merchant.closes))
        keyed = max(mine, theirs, key=_known_changes)
        merged[origin] = replace(
            further,
            address=mine.address,
            purchases_vkeys=keyed.purchases_vkeys,
            events_vkeys=keyed.events_vkeys,
            key_changes=keyed.key_changes,
            handovers_digest=keyed.handovers_digest,
            purchases=_newest(mine.purchases, theirs.purchases),
            events=_newest(mine.events, theirs.events),
            quorum=theirs.quorum if mine.quorum == NO_QUORUM else mine.quorum,
            seed_witnesses=mine.seed_witnesses or theirs.seed_witnesses,
        )
    return merged


def _require_one_log(mine: Merchant, theirs: Merchant) -> None:
    """Who has seen as many of a log's changes of keys, or of its events, has seen the same."""
    named = mine.key_changes is None and theirs.key_changes is None  # perhaps years apart
    as_many = (mine.key_changes or 0) == (theirs.key_changes or 0) and not named
    if as_many and _in_force(mine) != _in_force(theirs):
        raise WalletError(f"the wallets know different keys of {mine.origin}")
    if mine.shown == theirs.shown and mine.shown_digest != theirs.shown_digest:
        raise WalletError(f"the wallets were shown different events of {mine.origin}")


def _known_changes(merchant: Merchant) -> int:
    """Fewer than none where its keys are only those that were named at first contact."""
    return -1 if merchant.key_changes is None else merchant.key_changes


def _in_force(merchant: Merchant) -> tuple[object, ...]:
    return merchant.purchases_vkeys, merchant.events_vkeys, merchant.handovers_digest


def _newest(own: Head | None, other: Head | None) -> Head | None:
    return own if other is None else newest_head(own, other)
