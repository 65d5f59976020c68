"""The scenes of the demo: who tries what, what must come of it, and what the service learned."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cli.demo import cheats
from cli.demo.town import Buyer, Town
from commitments.sale import Sale
from sdk.claims import ClaimResult
from sdk.errors import NotEligible
from sdk.wallet import Wallet

__all__ = ["Scene", "play", "publish_policies"]

_WARRANTY, _CARE, _REFUND = "warranty-2y", "care-plan-1y", "money-back-30d"
_GOODWILL = "goodwill-2y"
_PRODUCT = "9522310003041"
"""The best seller, the one under guarantee."""
_PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of a wallet that lives a minute
_NOTHING = "nothing: nothing was sent"
_NOTHING_MORE = "nothing more"
_WHICH = "which purchase, whose, its day and price"
_NEW = timedelta(days=324)
"""What was bought since is within every window."""
_WEEKS = 5
"""After so many any month is over."""


@dataclass(frozen=True)
class Scene:
    """One row of the table: ``came`` is what happened, ``expected`` what had to."""

    what: str
    expected: str
    came: str
    why: str
    learned: str
    hidden: str

    @property
    def as_expected(self) -> bool:
        """Whether all is well."""
        return self.came == self.expected


def publish_policies(town: Town) -> None:
    """The four promises of the shop; what is asked of it out of goodwill it looks at."""
    town.publish(
        id=_WARRANTY,
        kind="warranty",
        title="Two-year guarantee",
        products=[_PRODUCT],
        purchased={"oldest": "P2Y"},
        remedies=["repair", "replacement"],
    )
    town.publish(
        id=_CARE,
        kind="warranty",
        title="One-year care plan for purchases from 100 to 500 euro",
        purchased={"oldest": "P1Y"},
        price={"currency": "EUR", "min": 10_000, "max": 50_000},
        remedies=["repair"],
    )
    town.publish(
        id=_REFUND,
        kind="refund",
        title="Money back within 30 days",
        purchased={"oldest": "P30D"},
        ends_ownership=True,
        remedies=["refund"],
    )
    town.publish(
        id=_GOODWILL,
        kind="warranty",
        title="Out of goodwill, for whatever it was",
        purchased={"oldest": "P2Y"},
        review=True,
        contact_key=X25519PrivateKey.generate().public_key().public_bytes_raw().hex(),
        remedies=["repair", "store_credit"],
    )


def play(town: Town, other: Town, directory: Path) -> Iterator[Scene]:
    """Play all scenes: ``town`` is where the claims are made, ``other`` another shop."""
    cast, begin = _Cast(town), town.calendar().date() - _NEW
    guaranteed = Sale(town.calendar().date(), _PRODUCT, 12_900, "EUR", "L2026-1", None)
    anna = town.sell(guaranteed, directory / "anna.wallet", _PASSPHRASE)
    bo = town.sell(guaranteed, directory / "bo.wallet", _PASSPHRASE)
    slip = town.record_without_buyer(guaranteed)
    returned = cast.who(lambda sale: sale.date >= begin and sale.product == _PRODUCT)
    forgotten = cast.who(lambda sale: not sale.date >= begin and sale.product == _PRODUCT)
    town.void(returned)
    town.void(forgotten)
    cleo = _redeem(town, slip, guaranteed)
    town.close()

    anna_before = _copy(town, anna, directory / "anna.backup")
    yield _claim(town, "an eligible purchase", anna.wallet, _WARRANTY, "approved")
    yield _claim(town, "the same purchase again", anna_before, _WARRANTY, "declined")
    pricey = cast.who(lambda sale: sale.date >= begin and 10_000 <= sale.price <= 50_000)
    yield _claim(town, "any product, by price", pricey.wallet, _CARE, "approved")
    old = cast.who(lambda sale: not sale.date >= begin and 10_000 <= sale.price <= 50_000)
    yield _claim(town, "outside the window", old.wallet, _CARE, "not eligible")
    another = cast.who(lambda sale: sale.product != _PRODUCT)
    yield _claim(town, "the wrong product", another.wallet, _WARRANTY, "not eligible")
    cheap = cast.who(lambda sale: sale.date >= begin and sale.price < 10_000)
    yield _claim(town, "price out of range", cheap.wallet, _CARE, "not eligible")
    bo_before = _copy(town, bo, directory / "bo.backup")
    yield _refund(town, bo.wallet)
    yield _claim(town, "a warranty claim after it", bo_before, _WARRANTY, "declined")
    yield _claim(town, "a purchase voided in time", returned.wallet, _WARRANTY, "not eligible")
    yield _claim(town, "one voided too late to count", forgotten.wallet, _WARRANTY, "approved")
    yield _claim(town, "a redeemed slip", cleo, _WARRANTY, "approved")

    honest = cast.who(lambda sale: sale.product == _PRODUCT)
    forged = cheats.tampered(town, honest, _WARRANTY)
    yield _forged(town, "a tampered proof", forged)
    yield _forged(town, "a window of one's own", cheats.own_window(town, old, _CARE))
    guest = next(b for b in other.buyers if b.sale.product == _PRODUCT)
    borrowed = cheats.foreign_ring(town, guest, other, honest, _WARRANTY)
    yield _forged(town, "a ring from another log", borrowed)
    yield _claim(town, "the honest proof, after all that", honest.wallet, _WARRANTY, "approved")

    yield _repaired(town, anna.wallet)
    half = {"resolution": "store_credit", "share": 50}
    yield _looked_at(town, cast.who(lambda _: True).wallet, "approved", "approve", half)
    worn = {"reason": "caused_by_use"}
    yield _looked_at(town, cast.who(lambda _: True).wallet, "declined", "decline", worn)

    for wallet in (pricey.wallet, bo.wallet, forgotten.wallet, cleo, honest.wallet):
        town.move(wallet.claims[-1].claim_id, "complete", hours=24)
    yield _reported(town, other)


class _Cast:
    """Finds a buyer for each part; nobody plays two."""

    def __init__(self, town: Town) -> None:
        self._free = [buyer for buyer in town.buyers if buyer.sale.currency == "EUR"]

    def who(self, fits: Callable[[Sale], bool]) -> Buyer:
        """The next free buyer whose purchase fits."""
        buyer = next((b for b in self._free if fits(b.sale)), None)
        if buyer is None:
            raise LookupError("the sales have nobody for this part")
        self._free.remove(buyer)
        return buyer


def _copy(town: Town, buyer: Buyer, file: Path) -> Wallet:
    """The buyer's wallet as it is now, to be opened after it has gone on."""
    buyer.wallet.close()
    shutil.copy(file.with_suffix(".wallet"), file)
    buyer.wallet = Wallet.open(file.with_suffix(".wallet"), _PASSPHRASE, clock=town.calendar)
    return Wallet.open(file, _PASSPHRASE, clock=town.calendar)


def _redeem(town: Town, code: str, sale: Sale) -> Wallet:
    wallet = Wallet.in_memory(clock=town.calendar)
    receipt = town.shop.redeem(code, wallet.request(town.origin, code))
    purchase = wallet.accept(town.shop, receipt)
    if purchase.sale != sale:
        raise LookupError("the slip is for something else")
    return wallet


def _claim(town: Town, what: str, wallet: Wallet, policy: str, expected: str) -> Scene:
    remedy = "repair"
    try:
        result = wallet.claim(town.shop, policy, remedy=remedy)
    except NotEligible as refused:
        why = "; ".join(refused.reasons)
        return Scene(what, expected, "not eligible", f"wallet: {why}", _NOTHING, "everything")
    return _decided(what, expected, result, wallet.claims[-1].indices)


def _refund(town: Town, wallet: Wallet) -> Scene:
    approved = wallet.claim(town.shop, _REFUND, remedy="refund")
    completed = wallet.retire(town.shop, approved)
    scene = _decided("a refund", "approved", approved, wallet.claims[-1].indices)
    learned = f"{scene.learned}; then its secret, so that nothing more can be claimed with it"
    came = "approved" if completed.status == "completed" else completed.status
    return Scene(scene.what, "approved", came, "refunded, ownership ended", learned, scene.hidden)


def _decided(what: str, expected: str, result: ClaimResult, ring: tuple[int, ...]) -> Scene:
    if result.decision == "approved":
        learned = f"one of {len(ring)} purchases satisfies {result.policy}"
        why = f"claim {result.claim_id[:8]}"
    else:
        learned = "this purchase has been here before" if result.earlier else "its owner has left"
        why = f"service: {result.reason}"
    return Scene(what, expected, result.decision, why, learned, _WHICH)


def _repaired(town: Town, wallet: Wallet) -> Scene:
    """The shop does what it has approved."""
    claim = wallet.claims[-1].claim_id
    town.move(claim, "start", hours=2)
    came = town.move(claim, "complete", hours=5)
    why = f"shop: claim {claim[:8]}, within its time"
    return Scene("the first one, repaired", "completed", came, why, _NOTHING_MORE, _WHICH)


def _looked_at(
    town: Town, wallet: Wallet, expected: str, step: str, members: dict[str, Any]
) -> Scene:
    result = wallet.claim(town.shop, _GOODWILL, remedy="store_credit")
    learned = f"one of {len(wallet.claims[-1].indices)} purchases satisfies {_GOODWILL}"
    came = town.move(result.claim_id, step, hours=1, **members)
    why = f"shop: {', '.join(map(str, members.values()))}"
    return Scene("one that the shop looks at", expected, came, why, learned, _WHICH)


def _reported(town: Town, other: Town) -> Scene:
    month = town.calendar().strftime("%Y-%m")
    for _ in range(_WEEKS):
        town.calendar.let_pass(hours=7 * 24)
        town.close()
        other.close()
    came = "published" if month in town.report(month) else "hidden"
    learned = "how many claims, how fast; small numbers are left out"
    return Scene("the month, in a report", "published", came, f"shop: {month}", learned, _WHICH)


def _forged(town: Town, what: str, forgery: cheats.Forgery) -> Scene:
    answer = town.shop.submit(*forgery)
    why = f"service: {answer['reason']}"
    return Scene(what, "declined", answer["decision"], why, "that the proof is false", _WHICH)
