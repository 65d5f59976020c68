"""Claims and their decisions."""

from typing import Literal

from pydantic import Field

from api.documents.common import Base64, Count, Day, Document, Hash, Moment, Origin, TlogProof

__all__ = ["Claims", "DecidedEvent", "Decision", "NewClaim", "Retirement", "State"]

State = Literal[
    "under_review",
    "approved",
    "declined",
    "needs_information",
    "in_process",
    "completed",
    "canceled",
    "disputed",
]


class FollowUpKeys(Document):
    """Public keys that the buyer made for this claim: to sign, to read, and to redeem with."""

    follow_up: Hash = Field(description="Ed25519: signs the buyer's steps.")
    inbox: Hash = Field(description="X25519: what the merchant's messages are encrypted to.")
    redemption: Hash = Field(description="Ed25519: cashes the approval in.")


class ClaimBody(Document):
    """Everything about a claim that is public and that its proof is bound to."""

    type: Literal["claim"]
    origin: Origin
    policy: str
    version: Count
    date: Day
    number: Count = Field(description="Which of the policy's claims per purchase.")
    remedy: Literal["repair", "replacement", "refund", "store_credit"]
    first: Count
    size: Count
    voided_at: Count
    lane: Count
    nonce: str = Field(pattern=r"^[0-9a-f]{32}$")
    buyer: FollowUpKeys | None = Field(
        default=None, description="Without them nobody can follow the claim up."
    )


class NewClaim(Document):
    """A claim with its proof."""

    claim: ClaimBody
    proof: Base64


class DecidedEvent(Document):
    """The event of a claim that was not declined: all that anyone needs to check it again."""

    type: Literal["claim.decided"]
    time: Moment
    claim_id: Hash
    decision: Literal["approved", "under_review"]
    claim: ClaimBody
    proof: Base64
    tags: list[str]
    retire_by: Moment | None


class DecisionReceipt(Document):
    """The decision's event, and the proof that it is in the event log. Verifies offline."""

    event: DecidedEvent
    proof: TlogProof


class Decision(Document):
    """The answer to a claim."""

    claim_id: Hash
    decision: Literal["approved", "under_review", "declined"]
    reason: Literal["proof_invalid", "already_claimed", "ownership_ended"] | None
    status: Literal[
        "approved", "under_review", "awaiting_secret", "completed", "lapsed", "canceled", "declined"
    ] = Field(
        description="What was decided; of a claim that ends the ownership, how far that has come."
    )
    retire_by: Moment | None = Field(description="Until when the owner may complete a refund.")
    earlier: Hash | None = Field(description="The claim that used the same slot before.")
    receipt: DecisionReceipt | None


class Standing(Document):
    """Where the case of a claim stands; its events tell the rest."""

    state: State
    opened: Moment
    moved: Moment
    due: Moment | None
    overdue: bool
    number: Count = Field(description="That of the next step.")


class ListedClaim(Decision):
    """A claim in the event log, and where its case stands."""

    case: Standing = Field(description="Where it stands.")


class Claims(Document):
    """Claims in the order of their events, and the cursor of the next page."""

    claims: list[ListedClaim]
    next: Count | None


class Retirement(Document):
    """The owner's secret, which ends the ownership and so completes a refund or a transfer."""

    secret: Hash
