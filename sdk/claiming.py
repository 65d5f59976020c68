"""From a policy and a purchase to a proof, everything checked before anything is said."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.rings import Ring, RingName
from policies.body import new_nonce
from policies.claim import ClaimBody, claim_id, claim_statement
from policies.policy import Policy
from policies.versions import Version
from sdk.advice import Advice, advise, common_members
from sdk.eligibility import shortfalls
from sdk.errors import PolicyChanged, RingTooSmall
from sdk.horizons import choose_ring, ring_like
from sdk.logs import MerchantView
from sdk.rings import ProvenRing
from sdk.state import GROUP, Claim, Merchant, Proof, Purchase, State
from zk.prove import Progress, prove
from zk.statement import Statement
from zk.verify import proof_tags

__all__ = [
    "FetchRing",
    "Prepared",
    "open_numbers",
    "prepare",
    "reasons_against",
    "require_ring",
    "unused_numbers",
    "used_rings",
]

FetchRing = Callable[[Merchant, MerchantView, RingName, Purchase], tuple[ProvenRing, Merchant]]
""":meth:`sdk.rings.KnownRings.fetch` of one shop."""


@dataclass(frozen=True)
class Prepared:
    """A claim that could be made: all that it would say, and nothing said yet.

    ``earlier`` is what was made with this purchase, in view of which it was prepared; ``others``
    are the other versions of the policy that offer the remedy today, to whatever purchases.
    """

    version: Version
    others: tuple[Version, ...]
    purchase: Purchase
    earlier: tuple[Proof, ...]
    body: ClaimBody
    ring: Ring
    statement: Statement
    advice: tuple[Advice, ...]

    def prove(self, progress: Progress) -> Claim:
        """The claim with its proof."""
        proof = prove(self.statement, self.purchase.opening, progress=progress)
        return Claim(
            claim_id=claim_id(self.body, proof),
            order=self.purchase.order,
            body=self.body,
            proof=proof,
            tags=proof_tags(self.statement, proof),
            indices=self.ring.indices,
            policy=self.version.policy,
        )


def prepare(
    fetch_ring: FetchRing,
    view: MerchantView,
    state: State,
    version: Version,
    purchase: Purchase,
    remedy: str,
    now: datetime,
    smallest_ring: int,
) -> tuple[Prepared, Merchant]:
    """Everything of a claim but its proof, and what to remember of the merchant.

    ``RingTooSmall`` below the policy's minimum or the buyer's own, ``smallest_ring``;
    ``PolicyChanged`` when the same tags were shown under other conditions; other errors as
    :func:`sdk.rings.fetch_ring` and :func:`sdk.horizons.choose_ring`.
    """
    policy = version.policy
    merchant = state.merchants[policy.origin]
    earlier, claims = state.proofs_of(purchase), state.claims_of(purchase)
    number = _choose_number(view, version, purchase, claims)
    again = [claim for claim in claims if claim.slot == (policy.id, number)]
    linked: Sequence[Proof] = earlier if policy.ends_ownership else again
    name = _ring_name(view, version, purchase, linked, now)
    proven, merchant = fetch_ring(merchant, view, name, purchase)
    require_ring(proven.ring, linked, max(policy.smallest_ring, smallest_ring), smallest_ring)
    nonce = new_nonce()
    body = ClaimBody(
        origin=policy.origin,
        policy=policy.id,
        version=policy.version,
        date=now.astimezone(UTC).date().isoformat(),
        number=number,
        remedy=remedy,
        first=name.first,
        size=name.size,
        voided_at=name.voided_at,
        lane=name.lane,
        nonce=nonce,
        buyer=state.identity.seed.claim_keys(policy.origin, nonce).public,
    )
    statement = claim_statement(GROUP, version, body, proven.ring.root, proven.members)
    advice = advise(view, merchant.seed_witnesses, version, proven.ring, earlier, again, now)
    others = tuple(_others(view, version, body))
    prepared = Prepared(
        version, others, purchase, tuple(earlier), body, proven.ring, statement, advice
    )
    return prepared, merchant


def _others(view: MerchantView, version: Version, body: ClaimBody) -> Iterator[Version]:
    for other in view.valid_versions(body.policy, body.day):
        offers = body.remedy in other.policy.remedies and other.is_open_on(body.day)
        if offers and other is not version:
            yield other


def reasons_against(state: State, version: Version, purchase: Purchase, now: datetime) -> list[str]:
    """Why the purchase cannot make a claim under the version, each reason in a sentence."""
    policy = version.policy
    if purchase.origin != policy.origin:
        return ["the purchase is from another merchant"]
    reasons = shortfalls(version, purchase.sale, now.astimezone(UTC).date())
    if not state.is_owned(purchase):
        reasons.append("the ownership has ended: the purchase's secret was handed in")
    elif not unused_numbers(policy, purchase, state.claims_of(purchase)):
        count = policy.claims_per_purchase
        made = "its one claim has" if count == 1 else f"all its {count} claims have"
        reasons.append(f"the policy allows no further claim: {made} been made")
    return reasons


def unused_numbers(policy: Policy, purchase: Purchase, earlier: Sequence[Claim]) -> list[int]:
    """The slot numbers that are left to a purchase with these ``earlier`` claims."""
    used = {claim.slot for claim in earlier if claim.uses_slot}
    if purchase.handed is not None:  # by earlier owners
        used.update(purchase.handed.used)
    return [n for n in range(policy.claims_per_purchase) if (policy.id, n) not in used]


def open_numbers(
    view: MerchantView, version: Version, purchase: Purchase, earlier: Sequence[Claim]
) -> list[int]:
    """The slots whose tags nobody has seen; else those seen under the same conditions only.

    Whatever became of a claim, who got it has its tags. Two claims with equal tags are of one
    purchase, which lies in both rings and satisfies both policies.
    """
    policy_id = version.policy.id
    unused = unused_numbers(version.policy, purchase, earlier)
    shown = {claim.slot for claim in earlier}
    changed = {claim.slot for claim in earlier if _demands(view, claim) != _on(version, claim)}
    unseen = [n for n in unused if (policy_id, n) not in shown]
    return unseen or [n for n in unused if (policy_id, n) not in changed]


def _demands(view: MerchantView, claim: Claim) -> tuple[object, ...] | None:
    """What an earlier claim has said of its purchase."""
    made = view.version(claim.body.policy, claim.body.version)
    return None if made is None else _on(made, claim)


def _on(version: Version, claim: Claim) -> tuple[object, ...]:
    return version.demands_on(claim.body.day)


def _choose_number(
    view: MerchantView, version: Version, purchase: Purchase, earlier: Sequence[Claim]
) -> int:
    candidates = open_numbers(view, version, purchase, earlier)
    if not candidates:
        raise PolicyChanged
    return secrets.choice(candidates)


def _ring_name(
    view: MerchantView,
    version: Version,
    purchase: Purchase,
    linked: Sequence[Proof],
    now: datetime,
) -> RingName:
    name = choose_ring(view, version, now.astimezone(UTC).date(), purchase.index)
    return ring_like(view, name, used_rings(linked), purchase.index)


def used_rings(proofs: Sequence[Proof]) -> list[tuple[RingName, Sequence[int]]]:
    """The rings of all these, each with the indices of its members."""
    return [
        (RingName(p.body.first, p.body.size, p.body.voided_at, p.body.lane), p.indices)
        for p in proofs
    ]


def require_ring(ring: Ring, linked: Sequence[Proof], minimum: int, smallest_common: int) -> None:
    """``RingTooSmall`` for fewer members than ``minimum``, or too few in common with ``linked``.

    What is left of the privacy of proofs that are linked is what their rings share.
    """
    if len(ring.members) < minimum:
        raise RingTooSmall(len(ring.members), minimum)
    common = common_members([ring.indices, *(proof.indices for proof in linked)])
    if common < smallest_common:
        raise RingTooSmall(common, smallest_common)
