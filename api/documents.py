"""The JSON documents of the interface, described for OpenAPI.

These models parse nothing: bodies are read by the rooms' own strict parsers, and answers are what
the rooms say. A test holds every answer against its model.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from policies.notice import Notice
from policies.policy import Policy

__all__ = [
    "REQUESTS",
    "Boxes",
    "Claims",
    "Close",
    "Decision",
    "Deletion",
    "Deposit",
    "Emptied",
    "EventEvidence",
    "Health",
    "Kept",
    "Lookup",
    "MerchantCreated",
    "MerchantDetails",
    "Merchants",
    "NewClaim",
    "NewMerchant",
    "NewPurchase",
    "NewPurchases",
    "NewSales",
    "NewTransfer",
    "NewVoid",
    "Policies",
    "Problem",
    "PublishedNotice",
    "PublishedPolicy",
    "Receipt",
    "Receipts",
    "Redemption",
    "Retirement",
    "Ring",
    "ShownKeys",
    "Slips",
    "Transfer",
    "Void",
]

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Point = Annotated[str, Field(pattern=r"^0[23][0-9a-f]{64}$")]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
MerchantId = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
Origin = Annotated[str, Field(description="Names the purchase log: service name/merchant id.")]
Note = Annotated[str, Field(description="A checkpoint: a signed note (C2SP).")]
TlogProof = Annotated[str, Field(description="A proof of inclusion (C2SP tlog-proof).")]
Vkey = Annotated[str, Field(description="A verifier key of C2SP signed-note.")]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(_Document):
    """What went wrong (RFC 9457). Depend on `type`; `detail` is for people."""

    type: str = Field(pattern=r"^urn:kvitto:problem:[a-z-]+$")
    title: str
    status: int
    detail: str
    field: str | None = Field(
        default=None, description="The part of the request at fault: `purchases[17].sale.price`."
    )


# ---- merchants


class NewMerchant(_Document):
    """A merchant to be. The last three are fixed for the life of its logs."""

    id: MerchantId
    name: str = Field(min_length=1, max_length=100)
    capacity: Literal[64, 256, 1024, 4096] = Field(
        default=1024, description="A ring has about this many members."
    )
    period: Literal["P1D", "manual"] = Field(
        default="P1D", description="The log is closed each UTC day, or by a call."
    )
    void_window: Count = Field(default=14, description="How many periods a void comes in time.")


class Merchant(_Document):
    """A shop."""

    id: MerchantId
    name: str
    origin: Origin


class MerchantCreated(Merchant):
    """A new merchant with its key, which is not shown again."""

    api_key: str = Field(pattern=r"^kv_[a-z0-9-]+_[0-9a-f]{64}$")
    purchases_vkey: Vkey
    events_vkey: Vkey


class Merchants(_Document):
    """All merchants, by id."""

    merchants: list[Merchant]


class Declaration(_Document):
    """Event 0 of an event log: what a merchant fixed for the life of its two logs."""

    type: Literal["log.declared"]
    time: Moment
    origin: Origin
    suite: str
    capacity: int
    period: Literal["P1D", "manual"]
    void_window: Count
    seed_witnesses: list[Vkey]
    purchases_vkey: Vkey
    events_vkey: Vkey


class MerchantDetails(Merchant):
    """A merchant with the keys and the declaration of its logs."""

    purchases_vkey: Vkey
    events_vkey: Vkey
    declaration: Declaration


# ---- purchases


class Sale(_Document):
    """One unit sold."""

    date: Day
    product: str = Field(max_length=200, description="A GTIN, or the shop's own code.")
    price: int = Field(ge=0, lt=2**48, description="In minor units of the currency.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")
    batch: str | None = Field(default=None, max_length=200)
    unit: str | None = Field(default=None, max_length=200, description="A serial number.")


class BuyerRequest(_Document):
    """What a buyer's wallet hands to the shop: a commitment to its keys, with a proof."""

    commitment: Point
    proof: str = Field(pattern=r"^[0-9a-f]{256}$")


class NewPurchase(_Document):
    """One unit sold to a buyer whose wallet made `request` for this order."""

    order: str = Field(min_length=1, max_length=200, description="The shop's own reference.")
    sale: Sale
    request: BuyerRequest


class NewPurchases(_Document):
    """Purchases to record, all or none."""

    purchases: list[NewPurchase] = Field(min_length=1, max_length=1000)


class Receipt(_Document):
    """What the buyer's wallet keeps. It recomputes the log's entry from it."""

    type: Literal["receipt"]
    origin: Origin
    order: str
    sale: Sale
    index: Count = Field(description="Of the purchase in the log.")
    proof: TlogProof


class Receipts(_Document):
    """One receipt for each purchase, in the same order."""

    receipts: list[Receipt]


class NewSales(_Document):
    """Sales whose buyers are not there to ask, to record all or none."""

    sales: list[Sale] = Field(min_length=1, max_length=1000)
    redeem_by: Day | None = Field(
        default=None, description="The last day on which the codes can be redeemed."
    )


class Slip(_Document):
    """A recorded sale and the one-time code for whoever comes with it."""

    index: Count
    code: str


class Slips(_Document):
    """One slip for each sale, in the same order."""

    slips: list[Slip]


class Redemption(_Document):
    """A slip's code, with a buyer request for it: the code is the order's reference."""

    code: str
    request: BuyerRequest


class NewVoid(_Document):
    """Which purchase is void."""

    index: Count


class Void(_Document):
    """Where the void stands in the log."""

    index: Count


class Close(_Document):
    """The purchase log at the end of a period."""

    type: Literal["log.closed"]
    time: Moment
    origin: Origin
    number: Count
    period: Count
    size: Count
    root: Hash
    signatures: list[str]


# ---- policies


class PublishedPolicy(_Document):
    """A policy, and where it stands in the event log."""

    index: Count
    policy: Policy


class Policies(_Document):
    """All versions of all policies, in the order of their publication."""

    policies: list[Policy]


# ---- notices


class PublishedNotice(_Document):
    """A notice, and where it stands in the event log."""

    index: Count
    notice: Notice


# ---- claims


class ClaimBody(_Document):
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


class NewClaim(_Document):
    """A claim with its proof."""

    claim: ClaimBody
    proof: Base64


class DecidedEvent(_Document):
    """The event of an approval: all that anyone needs to check it again."""

    type: Literal["claim.decided"]
    time: Moment
    claim_id: Hash
    decision: Literal["approved"]
    claim: ClaimBody
    proof: Base64
    tags: list[str]
    retire_by: Moment | None


class DecisionReceipt(_Document):
    """The decision's event, and the proof that it is in the event log. Verifies offline."""

    event: DecidedEvent
    proof: TlogProof


class Decision(_Document):
    """The answer to a claim."""

    claim_id: Hash
    decision: Literal["approved", "declined"]
    reason: Literal["proof_invalid", "already_claimed", "ownership_ended"] | None
    status: Literal["approved", "awaiting_secret", "completed", "lapsed", "declined"]
    retire_by: Moment | None = Field(description="Until when the owner may complete a refund.")
    earlier: Hash | None = Field(description="The claim that used the same slot before.")
    receipt: DecisionReceipt | None


class Claims(_Document):
    """Approved claims in the order of their events, and the cursor of the next page."""

    claims: list[Decision]
    next: Count | None


class Retirement(_Document):
    """The owner's secret, which ends the ownership and so completes a refund or a transfer."""

    secret: Hash


# ---- transfers


class Acceptance(_Document):
    """The new owner's commitment, with the proof of what was added to that of the old one."""

    commitment: Point
    proof: str = Field(pattern=r"^[0-9a-f]{192}$")


class TransferBody(_Document):
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


class NewTransfer(_Document):
    """A transfer with the old owner's proof."""

    transfer: TransferBody
    proof: Base64


class TransferEvent(_Document):
    """The event of an approval: all that anyone needs to check it again."""

    type: Literal["transfer.approved"]
    time: Moment
    transfer_id: Hash
    transfer: TransferBody
    proof: Base64
    tag: Point
    retire_by: Moment


class TransferReceipt(_Document):
    """The approval's event, and the proof that it is in the event log. Verifies offline."""

    event: TransferEvent
    proof: TlogProof


class TransferRetired(_Document):
    """The event that ended the old ownership. Its secret is public."""

    type: Literal["ownership.retired"]
    time: Moment
    transfer_id: Hash
    secret: Hash


class RetirementReceipt(_Document):
    """That event, and the proof that it is in the event log. Verifies offline."""

    event: TransferRetired
    proof: TlogProof


class Transfer(_Document):
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


# ---- mailbox


Address = Annotated[Hash, Field(description="32 random bytes, or such as look so.")]
Ciphertext = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9+/]{5462}==$", description="Exactly 4,096 bytes.")
]


class Deposit(_Document):
    """A box: who has the private key of `delete_key` (Ed25519) can delete it."""

    address: Address
    delete_key: Hash
    ciphertext: Ciphertext


class Kept(_Document):
    """The box is kept until it is deleted."""

    status: Literal["kept"]


class Lookup(_Document):
    """Exactly 32 addresses, of which some are nobody's."""

    addresses: list[Address] = Field(min_length=32, max_length=32)


class Boxes(_Document):
    """What lies under each of the 32 addresses, in the same order."""

    boxes: list[Ciphertext | None] = Field(min_length=32, max_length=32)


class Deletion(_Document):
    """The key's signature over the origin and the address (docs/protocol.md 3, *Mailbox*)."""

    address: Address
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")


class Emptied(_Document):
    """The box is empty for ever."""

    status: Literal["deleted"]


# ---- logs


class ShownEvent(_Document):
    """An event of the log, and its place there."""

    index: Count
    event: dict[str, Any]


class EventEvidence(_Document):
    """Events, with one multiproof that all of them are in the log of the checkpoint."""

    events: list[ShownEvent]
    hashes: list[Base64]
    checkpoint: Note


class ShownKeys(_Document):
    """All that the event log says about keys, under a checkpoint of each key that it has had."""

    history: list[EventEvidence]


class RingEvidence(_Document):
    """The entries of a cell of the log, and why some of them are no members."""

    entries: list[Base64]
    removals: list[list[Count]] = Field(description="Pairs: an index, and that of the reason.")
    grounds: list[Base64] = Field(description="The entries that are reasons and not in the cell.")
    hashes: list[Base64]
    consistency: list[Base64]


class Ring(_Document):
    """The evidence for a ring under a checkpoint of the purchase log."""

    ring: RingEvidence
    checkpoint: Note


class Health(_Document):
    """The service answers, and its database too."""

    status: Literal["ok"]


REQUESTS = (
    NewMerchant,
    NewPurchase,
    NewPurchases,
    NewSales,
    Redemption,
    NewVoid,
    Policy,
    NewClaim,
    NewTransfer,
    Retirement,
    Deposit,
    Lookup,
    Deletion,
)
"""The documents that are bodies of requests."""
