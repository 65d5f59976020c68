"""Transfers."""

from typing import Literal

from pydantic import Field

from api.documents.common import (
    Base64,
    Count,
    Day,
    Document,
    Hash,
    Moment,
    Origin,
    Point,
    TlogProof,
)

__all__ = ["NewTransfer", "Transfer"]


class Acceptance(Document):
    """The new owner's commitment, with the proof of what was added to that of the old one."""

    commitment: Point
    proof: str = Field(pattern=r"^[0-9a-f]{192}$")


class TransferBody(Document):
    """Everything about a transfer that is public and that its proof is bound to."""

    type: Literal["transfer"]
    origin: Origin
    date: Day
    first: Count
    size: Count
    voided_at: Count
    lane: Count
    blinded: Point = Field(description="E: the purchase without its secret.")
    acceptance: Acceptance
    nonce: str = Field(pattern=r"^[0-9a-f]{32}$")


class NewTransfer(Document):
    """A transfer with the old owner's proof."""

    transfer: TransferBody
    proof: Base64


class TransferEvent(Document):
    """The event of an approval: all that anyone needs to check it again."""

    type: Literal["transfer.approved"]
    time: Moment
    transfer_id: Hash
    transfer: TransferBody
    proof: Base64
    tag: Point
    retire_by: Moment


class TransferReceipt(Document):
    """The approval's event, and the proof that it is in the event log. Verifies offline."""

    event: TransferEvent
    proof: TlogProof


class TransferRetired(Document):
    """The event that ended the old ownership. Its secret is public."""

    type: Literal["ownership.retired"]
    time: Moment
    transfer_id: Hash
    secret: Hash


class RetirementReceipt(Document):
    """That event, and the proof that it is in the event log. Verifies offline."""

    event: TransferRetired
    proof: TlogProof


class Transfer(Document):
    """The answer to a transfer."""

    transfer_id: Hash
    decision: Literal["approved", "declined"]
    reason: Literal["acceptance_invalid", "proof_invalid", "ownership_ended"] | None
    status: Literal["awaiting_secret", "completed", "lapsed", "declined"]
    retire_by: Moment | None = Field(description="Until when the old owner may complete it.")
    receipt: TransferReceipt | None
    retirement: RetirementReceipt | None
    index: Count | None = Field(description="Of the new owner's entry in the purchase log.")
    proof: TlogProof | None = Field(description="That this entry is in the purchase log.")
