"""Voids, their reasons, and how many there are."""

from typing import Annotated

from pydantic import Field

from api.documents.common import Count, Document, Origin, Problem, RowStatus
from ledger.voided import VoidReason

__all__ = ["NewVoid", "NewVoids", "Statistics", "Void", "VoidRows"]

Reason = Annotated[
    VoidReason,
    Field(
        description="`returned`: the goods came back. `order_canceled`: it was called off before"
        " that. `payment_failed`: nothing was paid. `suspected_fraud`. `duplicate`: the sale is in"
        " the log twice. `entry_error`: the entry says something else than was sold."
    ),
]


class NewVoid(Document):
    """Which purchase is void, and why. The reason becomes public."""

    index: Count
    reason: Reason


class NewVoids(Document):
    """Purchases to declare void, each for itself."""

    voids: list[NewVoid] = Field(min_length=1, max_length=1000)


class Void(Document):
    """A void: where it stands in the purchase log, what it makes void, and why."""

    index: Count = Field(description="Of the void in the purchase log.")
    voided: Count = Field(description="Of the purchase in the purchase log.")
    reason: Reason


class VoidRow(Document):
    """What has become of one row."""

    status: RowStatus
    void: Void | None = Field(default=None, description="Unless it is rejected.")
    problem: Problem | None = Field(default=None, description="Only if it is rejected.")


class VoidRows(Document):
    """A row for each purchase, in the same order."""

    rejected: Count = Field(description="How many rows are.")
    rows: list[VoidRow]


class VoidCounts(Document):
    """How many voids there were for each reason."""

    returned: Count = Field(description="The goods came back.")
    order_canceled: Count = Field(description="The order was called off before that.")
    payment_failed: Count = Field(description="Nothing was paid.")
    suspected_fraud: Count = Field(description="It looked like fraud.")
    duplicate: Count = Field(description="The sale was in the log twice.")
    entry_error: Count = Field(description="The entry said something else than was sold.")
    unstated: Count = Field(description="From before reasons were logged.")


class Counts(Document):
    """How much a purchase log has grown, and how much of it was taken back."""

    purchases: Count = Field(description="Entries of buyers, redeemed slips among them.")
    sales: Count = Field(description="Records of sales without a buyer.")
    transfers: Count = Field(description="Purchases that have come to their next owner.")
    voids: VoidCounts = Field(description="Void entries, by reason.")
    voids_per_thousand: Count | None = Field(
        description="Of `purchases`, rounded down; null where there are none."
    )


class MonthCounts(Counts):
    """The same for one month."""

    month: str = Field(pattern=r"^\d{4}-\d{2}$", description="Year and month.")


class Statistics(Document):
    """What the log's closes cover: all of it, and month by month, oldest first."""

    origin: Origin
    size: Count = Field(description="Of the last close; what comes after it is not counted yet.")
    total: Counts = Field(description="Of all months.")
    months: list[MonthCounts] = Field(description="Those with an entry.")
