"""Purchases and sales."""

from typing import Literal

from pydantic import Field

from api.documents.common import (
    Count,
    Day,
    Document,
    Hash,
    Moment,
    Origin,
    Point,
    Problem,
    RowStatus,
    TlogProof,
)

__all__ = [
    "Close",
    "NewPurchase",
    "NewPurchases",
    "NewSales",
    "PurchaseRows",
    "Receipt",
    "Redemption",
    "SaleRows",
    "Slip",
]


class Sale(Document):
    """One unit sold."""

    date: Day
    product: str = Field(max_length=200, description="A GTIN, or the shop's own code.")
    price: int = Field(ge=0, lt=2**48, description="In minor units of the currency.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")
    batch: str | None = Field(default=None, max_length=200)
    unit: str | None = Field(default=None, max_length=200, description="A serial number.")


class BuyerRequest(Document):
    """What a buyer's wallet hands to the shop: a commitment to its keys, with a proof."""

    commitment: Point
    proof: str = Field(pattern=r"^[0-9a-f]{256}$")


class NewPurchase(Document):
    """One unit sold to a buyer whose wallet made `request` for this order."""

    order: str = Field(min_length=1, max_length=200, description="The shop's own reference.")
    sale: Sale
    request: BuyerRequest


class NewPurchases(Document):
    """Purchases to record, each for itself."""

    purchases: list[NewPurchase] = Field(min_length=1, max_length=1000)


class Receipt(Document):
    """What the buyer's wallet keeps. It recomputes the log's entry from it."""

    type: Literal["receipt"]
    origin: Origin
    order: str
    sale: Sale
    index: Count = Field(description="Of the purchase in the log.")
    proof: TlogProof


class PurchaseRow(Document):
    """What has become of one row."""

    status: RowStatus
    receipt: Receipt | None = Field(default=None, description="Unless it is rejected.")
    problem: Problem | None = Field(default=None, description="Only if it is rejected.")


class PurchaseRows(Document):
    """A row for each purchase, in the same order."""

    rejected: Count = Field(description="How many rows are.")
    rows: list[PurchaseRow]


class NewSales(Document):
    """Sales whose buyers are not there to ask, to record each for itself."""

    sales: list[Sale] = Field(min_length=1, max_length=1000)
    redeem_by: Day | None = Field(
        default=None, description="The last day on which the codes can be redeemed."
    )


class Slip(Document):
    """A recorded sale and the one-time code for whoever comes with it."""

    index: Count
    code: str


class SaleRow(Document):
    """What has become of one row."""

    status: RowStatus
    slip: Slip | None = Field(default=None, description="Unless it is rejected.")
    problem: Problem | None = Field(default=None, description="Only if it is rejected.")


class SaleRows(Document):
    """A row for each sale, in the same order."""

    rejected: Count = Field(description="How many rows are.")
    rows: list[SaleRow]


class Redemption(Document):
    """A slip's code, with a buyer request for it: the code is the order's reference."""

    code: str
    request: BuyerRequest


class Close(Document):
    """The purchase log at the end of a period."""

    type: Literal["log.closed"]
    time: Moment
    origin: Origin
    number: Count
    period: Count
    size: Count
    root: Hash
    signatures: list[str]
