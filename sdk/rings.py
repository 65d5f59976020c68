"""The ring a claim hides in, fetched and proven (docs/protocol.md 4)."""

from dataclasses import dataclass, replace

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

__all__ = ["ProvenRing", "fetch_ring"]


@dataclass(frozen=True)
class ProvenRing:
    """A ring as the log proves it, and its members as the statement takes them."""

    ring: rings.Ring
    members: Ring


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
    if purchase.index in {removal.index for removal in evidence.removals}:
        raise NotEligible(["the merchant has declared the purchase void"])
    if (purchase.commitment, purchase.index) not in zip(ring.members, ring.indices, strict=True):
        raise VerificationError("ring: the wallet's own purchase is not in it")
    members = Ring(GROUP, ring.members, ring.points)
    return ProvenRing(ring, members), replace(merchant, purchases=head)
