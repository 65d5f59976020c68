"""What a dishonest buyer can try. Each forges a proof and sends it past its own wallet."""

from dataclasses import replace
from datetime import UTC

from cli.demo.town import Buyer, Town
from policies.body import new_nonce
from policies.claim import ClaimBody, claim_statement
from policies.policy import RelativeWindow
from policies.versions import Version
from sdk.horizons import choose_ring
from sdk.logs import read_merchant
from sdk.rings import ProvenRing, fetch_ring
from sdk.state import GROUP, Merchant
from zk.prove import prove
from zk.statement import Statement

__all__ = ["Forgery", "foreign_ring", "own_window", "tampered"]

Forgery = tuple[ClaimBody, bytes]
"""A claim body and a proof to send with it."""


def tampered(town: Town, buyer: Buyer, policy_id: str) -> Forgery:
    """An honest proof with one bit changed."""
    body, proof = _honest(town, buyer, policy_id)
    return body, proof[:-1] + bytes([proof[-1] ^ 1])


def own_window(town: Town, buyer: Buyer, policy_id: str) -> Forgery:
    """A perfect proof, of a policy with a longer window than the shop's."""
    longer = _changed(_version(town, policy_id), purchased=RelativeWindow(oldest="P9Y"))
    body, ring = _material(town, buyer, longer)
    statement = claim_statement(GROUP, longer, body, ring.ring.root, ring.members)
    return body, prove(statement, buyer.wallet.purchases[0].opening)


def foreign_ring(
    town: Town, guest: Buyer, guest_town: Town, host: Buyer, policy_id: str
) -> Forgery:
    """A perfect proof about a purchase from another shop, sent as one about this shop's."""
    version = _version(town, policy_id)
    body, ring = _material(town, host, version)
    foreign = _changed(version, origin=guest_town.origin)
    _, theirs = _material(guest_town, guest, foreign)
    statement = claim_statement(GROUP, version, body, ring.ring.root, theirs.members)
    return body, prove(statement, guest.wallet.purchases[0].opening)


def _honest(town: Town, buyer: Buyer, policy_id: str) -> Forgery:
    version = _version(town, policy_id)
    body, ring = _material(town, buyer, version)
    statement: Statement = claim_statement(GROUP, version, body, ring.ring.root, ring.members)
    return body, prove(statement, buyer.wallet.purchases[0].opening)


def _version(town: Town, policy_id: str) -> Version:
    view, _ = read_merchant(town.shop, _merchant(town), town.calendar())
    return view.valid_versions(policy_id, town.calendar().astimezone(UTC).date())[-1]


def _changed(version: Version, **changes: object) -> Version:
    return replace(version, policy=version.policy.model_copy(update=changes))


def _material(town: Town, buyer: Buyer, version: Version) -> tuple[ClaimBody, ProvenRing]:
    """A body, and the ring it names, for the buyer's purchase."""
    today = town.calendar().astimezone(UTC).date()
    purchase = buyer.wallet.purchases[0]
    view, merchant = read_merchant(town.shop, _merchant(town), town.calendar())
    name = choose_ring(view, version, today, purchase.index)
    ring, _ = fetch_ring(town.shop, merchant, view, name, purchase)
    body = ClaimBody(
        origin=version.policy.origin,
        policy=version.policy.id,
        version=version.policy.version,
        date=today.isoformat(),
        number=0,
        remedy=version.policy.remedies[0],
        first=name.first,
        size=name.size,
        voided_at=name.voided_at,
        lane=name.lane,
        nonce=new_nonce(),
    )
    return body, ring


def _merchant(town: Town) -> Merchant:
    keys = town.shop.keys()
    return Merchant(keys.origin, town.shop.address, (keys.purchases.vkey,), (keys.events.vkey,))
