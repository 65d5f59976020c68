"""The ring a claim hides in, fetched and proven (docs/protocol.md 4)."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from commitments.errors import VerificationError
from ledger import rings
from ledger.monitor import Head, newest_head
from ledger.quorum import open_cosigned
from ledger.rings import RingName, verify_ring
from sdk.errors import NotEligible
from sdk.logs import MerchantView
from sdk.shop import Shop
from sdk.state import GROUP, Merchant, Purchase
from zk.statement import Ring

__all__ = ["KnownRings", "ProvenRing", "fetch_ring"]

_MOST_KNOWN = 4  # rings of one shop, each a megabyte at 4,096 members


@dataclass(frozen=True)
class ProvenRing:
    """A ring as the log proves it, and its members as the statement takes them.

    ``removed`` are the indices in its cell that are no members though their entries are purchases.
    """

    ring: rings.Ring
    members: Ring
    removed: frozenset[int]


class KnownRings:
    """Rings proven before, with their points decoded, as long as their ``Shop`` lasts.

    One that is known is not asked for again, and that tells who claims is somebody who asked
    before. The service knows that of all that goes through one ``Shop``, and of nothing else:
    so a ring is never known to another ``Shop`` (docs/privacy.md, *The ring request*).
    """

    def __init__(self) -> None:
        self._of_shop: WeakKeyDictionary[Shop, OrderedDict[Any, ProvenRing]] = WeakKeyDictionary()

    def fetch(
        self, shop: Shop, merchant: Merchant, view: MerchantView, name: RingName, purchase: Purchase
    ) -> tuple[ProvenRing, Merchant]:
        """As :func:`fetch_ring`, which it calls for a ring that is not known."""
        known = self._of_shop.setdefault(shop, OrderedDict())
        premises = _premises(merchant, view, name)
        if premises in known:
            known.move_to_end(premises)
            _require_member(known[premises], purchase)
            return known[premises], merchant
        proven, merchant = fetch_ring(shop, merchant, view, name, purchase)
        known[premises] = proven
        if len(known) > _MOST_KNOWN:
            known.popitem(last=False)
        return proven, merchant

    def forget(self, shop: Shop) -> None:
        """Ask this shop for its rings again: it may have kept a void to itself."""
        self._of_shop.pop(shop, None)


def fetch_ring(
    shop: Shop, merchant: Merchant, view: MerchantView, name: RingName, purchase: Purchase
) -> tuple[ProvenRing, Merchant]:
    """The ring ``name`` with ``purchase`` in it, and what to remember of the merchant.

    ``NotEligible`` when the purchase has been declared void; ``VerificationError`` for a ring
    that is not the log's.
    """
    evidence, note = shop.ring(name)
    checkpoint = open_cosigned(note, *merchant.purchases_keys, policy=merchant.quorum)
    head = newest_head(merchant.purchases, Head.of(note))
    ring = verify_ring(evidence, checkpoint, view.partition, name, GROUP.decode)
    removed = frozenset(removal.index for removal in evidence.removals)
    proven = ProvenRing(ring, Ring(GROUP, ring.members, ring.points), removed)
    _require_member(proven, purchase)
    return proven, replace(merchant, purchases=head)


def _require_member(proven: ProvenRing, purchase: Purchase) -> None:
    if purchase.index in proven.removed:
        raise NotEligible(["the merchant has declared the purchase void"])
    members = zip(proven.ring.members, proven.ring.indices, strict=True)
    if (purchase.commitment, purchase.index) not in members:
        raise VerificationError("ring: the wallet's own purchase is not in it")


def _premises(merchant: Merchant, view: MerchantView, name: RingName) -> tuple[Any, ...]:
    """All that decides what the ring ``name`` is, and who must have signed for it.

    The closes are proven under the log's present checkpoint before a ring is chosen.
    """
    partition = view.partition
    closes = tuple(close for close in partition.closes if close.size <= name.voided_at)
    rules = (partition.capacity, partition.void_window, closes)
    return name, merchant.origin, merchant.purchases_vkeys, merchant.quorum, rules
