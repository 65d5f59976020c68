"""A log in which everything happens that a service knows, ten minutes apart."""

from datetime import date
from typing import Any

from aftersales.steps import BUYER, MERCHANT
from issuer.key_rotation import retire_keys, rotate_keys
from ledger.event_log import append_event
from ledger.events import event_time
from ledger.farewells import stored_key_history
from ledger.handover import Handover as KeyHandover
from ledger.key_history import handover_event
from ledger.note import Signer
from tests.handover import VOID_WINDOW, hand_over
from tests.steps import ENDING, LOOKED_AT, PLAIN, Followed
from tests.world import NOTICE, ORIGIN, Bought, World

__all__ = ["tell"]

_WARRANTY = {**PLAIN, "claims_per_purchase": 2}


class _Teller:
    """Whatever it does, ten minutes have passed since."""

    def __init__(self, world: World) -> None:
        self.world = world

    def later(self, **units: float) -> World:
        self.world.clock.advance(**units or {"minutes": 10})
        return self.world

    def close(self, times: int = 1) -> None:
        for _ in range(times):
            self.later().close()

    def claim(self, bought: Bought, policy: str, **changes: Any) -> Followed:
        return Followed(self.later(), bought, policy, **changes)

    def take(self, claim: Followed, by: str, step: str, *texts: bytes, **changes: Any) -> None:
        self.later()
        claim.take(by, step, *map(claim.seal, texts), **changes)

    def retire(self, claim: Followed, bought: Bought) -> None:
        self.later().verifier.retire(ORIGIN, claim.claim_id, bought.keys.secret)


def tell(world: World) -> dict[str, int]:
    """Let it all happen in a world in which nothing has happened.

    The secrets of who could still leave: by a ``refund`` that has lapsed, by a ``transfer``.
    """
    teller = _Teller(world)
    for policy in (_WARRANTY, LOOKED_AT, ENDING):
        teller.later().publish(policy)
    for number in range(2):
        notice = {**NOTICE, "id": f"handle-{number}"}
        teller.later().verifier.publish_notice(ORIGIN, notice)
    bought = teller.later().buy(*[world.sale() for _ in range(9)])
    world.print_slips(world.sale())
    teller.close(2)
    _reviewed(teller, bought[0])
    _declined(teller, bought[1])
    _refunded(teller, bought[2], bought[3])
    for index, reason in ((bought[7].index, "returned"), (bought[8].index, "duplicate")):
        teller.later().issuer.void(world.merchant, index, reason)
    teller.later().publish({**_WARRANTY, "version": 2})
    teller.later().verifier.withdraw(ORIGIN, ("looked-at", 1), date(2026, 12, 24))
    _keys(teller)
    teller.close(1 + VOID_WINDOW)
    _handed_on(teller, bought[4], bought[5])
    teller.later().buy(world.sale())
    return {"refund": bought[3].keys.secret, "transfer": bought[5].keys.secret}


def _reviewed(teller: _Teller, bought: Bought) -> None:
    """A claim that is asked about, approved in part, accepted and cashed in; and a plain one."""
    claim = teller.claim(bought, "looked-at")
    teller.take(claim, MERCHANT, "ask")
    teller.take(claim, BUYER, "answer", b"a photo")
    teller.take(claim, MERCHANT, "approve", resolution="refund", share=50)
    teller.take(claim, BUYER, "accept")
    teller.take(claim, BUYER, "redeem")
    teller.take(claim, MERCHANT, "complete")
    plain = teller.claim(bought, "warranty-2y")
    teller.take(plain, MERCHANT, "note", b"on its way")
    teller.take(plain, MERCHANT, "start")


def _declined(teller: _Teller, bought: Bought) -> None:
    """The slot is free again, and taken by a second claim; a third is withdrawn."""
    first = teller.claim(bought, "looked-at")
    teller.take(first, MERCHANT, "decline")
    second = teller.claim(bought, "looked-at")
    teller.take(second, MERCHANT, "decline")
    teller.take(second, BUYER, "dispute")
    teller.take(second, MERCHANT, "approve")
    teller.take(teller.claim(bought, "warranty-2y"), BUYER, "withdraw")


def _refunded(teller: _Teller, bought: Bought, other: Bought) -> None:
    """One has its money back. The other claims a repair meanwhile, and its refund lapses."""
    refund, lapsing = teller.claim(bought, "refund-14d"), teller.claim(other, "refund-14d")
    teller.retire(refund, bought)
    teller.take(refund, MERCHANT, "complete")
    teller.take(lapsing, BUYER, "note", b"hurry")
    teller.claim(other, "warranty-2y")


def _keys(teller: _Teller) -> None:
    """Both logs change their keys, and a witness its own."""
    world = teller.later()
    rotate_keys(world.store, world.clock, world.merchant)
    teller.later()
    retire_keys(world.store, world.clock, world.merchant)
    old, new = (Signer("witness.example", bytes([n]) * 32) for n in (1, 2))
    now = event_time(teller.later().clock())

    def hand_over_keys(transaction: Any) -> None:
        history = stored_key_history(transaction.connection, ORIGIN)
        append_event(transaction, ORIGIN, handover_event(history, KeyHandover.sign(old, new), now))

    world.store.write(hand_over_keys, f"{ORIGIN}/events")


def _handed_on(teller: _Teller, bought: Bought, other: Bought) -> None:
    """One purchase is handed on, and claimed for by its next owner; another is not after all."""
    handover = hand_over(teller.later(), bought)
    approved = handover.approve()
    teller.later()
    done = handover.retire(approved)
    assert done.index is not None
    hand_over(teller.later(), other).approve()
    teller.close()
    teller.later().claim(Bought(done.index, handover.keys, handover.opening, {}))
    teller.close()
