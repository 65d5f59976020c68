"""Cases: what follows claims."""

from typing import Annotated, Literal

from pydantic import Field

from aftersales.steps import DECLINE_REASONS, DISPUTE_REASONS, WANTS
from api.documents.claims import DecidedEvent, State
from api.documents.common import Base64, Count, Document, Hash, Moment, TlogProof

__all__ = ["Case", "CaseSummary", "Erased", "Inbox", "NewStep", "SignedRequest"]

Resolution = Literal["repair", "replacement", "refund", "store_credit"]
StepName = Literal[
    "approve",
    "offer",
    "decline",
    "ask",
    "start",
    "complete",
    "note",
    "answer",
    "accept",
    "withdraw",
    "dispute",
    "redeem",
]
Reason = Annotated[
    str,
    Field(json_schema_extra={"enum": [*dict.fromkeys((*DECLINE_REASONS, *DISPUTE_REASONS))]}),
]
Want = Annotated[str, Field(json_schema_extra={"enum": [*WANTS]})]


class Step(Document):
    """A step that is to be taken. Which of the later members it has, its name says."""

    type: Literal["claim.step"] = Field(description="What kind of event it becomes.")
    claim_id: Hash
    number: Count = Field(description="Counts the steps of the claim: 0, 1, 2, …")
    by: Literal["merchant", "buyer"] = Field(
        description="Who takes it: the merchant with its API key, or the buyer with a signature."
    )
    step: StepName = Field(description="What is done.")
    attachments: list[Hash] = Field(
        max_length=8, description="SHA-256 of what is attached, in the order of the contents."
    )
    resolution: Resolution | None = Field(
        default=None, description="Of `approve` and `offer`: what the buyer gets."
    )
    share: int | None = Field(
        default=None, ge=1, le=100, description="Of `approve` and `offer`: percent, of money."
    )
    reason: Reason | None = Field(default=None, description="Of `decline` and `dispute`.")
    wants: list[Want] | None = Field(default=None, description="Of `ask`: what for.")
    shop: str | None = Field(default=None, description="Of `redeem`: where.")
    signed: Moment | None = Field(default=None, description="Of `redeem`: when the buyer signed.")
    signature: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{128}$",
        description="The buyer's, Ed25519, for the steps of the buyer.",
    )


class NewStep(Document):
    """A step with its attachments."""

    step: Step
    attachments: list[Base64] = Field(
        max_length=8, description="The ciphertexts, together at most 8 MiB."
    )


class StepEvent(Step):
    """A step that was taken."""

    time: Moment


class RetiredEvent(Document):
    """The owner has shown its secret."""

    type: Literal["ownership.retired"] = Field(description="What kind of event it is.")
    time: Moment
    claim_id: Hash
    secret: Hash


class ProvenDecision(Document):
    """The decision, and where it stands in the event log."""

    index: Count
    event: DecidedEvent
    proof: TlogProof


class ProvenStep(Document):
    """A step, and where it stands in the event log."""

    index: Count
    event: StepEvent | RetiredEvent
    proof: TlogProof


class Grant(Document):
    """What the buyer gets."""

    resolution: Resolution = Field(description="What is done.")
    share: int = Field(ge=1, le=100, description="Percent of the price, where it is money.")


class CashedIn(Document):
    """Where and when the buyer has cashed the approval in."""

    shop: str = Field(description="The name that the shop gave itself.")
    signed: Moment = Field(description="What the buyer has signed as the time.")


class Case(Document):
    """A case as it stands. All of it follows from the events, each with its proof."""

    claim_id: Hash
    state: State
    opened: Moment
    moved: Moment
    due: Moment | None
    overdue: bool
    granted: Grant | None = Field(description="What the merchant has approved.")
    agreed: bool = Field(description="Whether the buyer asked for that, or has accepted it.")
    offer: Grant | None = Field(description="What the buyer may accept instead.")
    reason: Reason | None = Field(description="Of the decline or dispute.")
    wants: list[Want] = Field(description="What the merchant has asked for.")
    answer_by: Moment | None = Field(description="Until when the buyer can answer.")
    redeemed: CashedIn | None = Field(description="Null until it is cashed in.")
    number: Count = Field(description="That of the next step.")
    decision: ProvenDecision
    steps: list[ProvenStep] = Field(description="In the order of the log.")


class SignedRequest(Document):
    """The buyer's wish, signed with the claim's key `follow_up`."""

    time: Moment = Field(description="Now: requests are good for five minutes.")
    signature: str = Field(pattern=r"^[0-9a-f]{128}$", description="Ed25519.")


class Message(Document):
    """An attachment of a step of the merchant's."""

    number: Count = Field(description="Of the step.")
    digest: Hash = Field(description="Its SHA-256, as in the step.")
    content: Base64 | None = Field(description="The ciphertext; null when it was erased.")


class Inbox(Document):
    """What the merchant has attached to its steps, encrypted to the claim's key `inbox`."""

    attachments: list[Message] = Field(description="In the order of the steps.")


class Erased(Document):
    """All attachments of the claim are erased."""

    status: Literal["erased"]


class CaseSummary(Document):
    """How many claims stand where."""

    states: dict[State, Count] = Field(description="By state, each of them.")
    overdue: Count = Field(description="How many wait for the merchant for too long.")
