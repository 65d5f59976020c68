"""Service-quality reports."""

from typing import Annotated, Literal

from pydantic import Field

from aftersales.service_report import MOST_POLICIES
from api.documents.common import Count, Document, Moment, TlogProof

__all__ = ["NewReport", "PublishedReport", "Report", "Reports"]

Hidden = Annotated[Count | None, Field(description="Null where it is small, or would tell others.")]
Month = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
        examples=["2026-10"],
        description="Year and month, in UTC.",
    ),
]
PolicyName = Annotated[str, Field(description="The policy's id; its versions count together.")]
Share = Annotated[int, Field(ge=0, le=100, multiple_of=5)]


class NewReport(Document):
    """For which month, that has ended, the report is to be published. The log makes it."""

    month: Month


class Hours(Document):
    """How long it took, in whole hours, rounded up, by nearest rank."""

    median: int = Field(description="Half of them took no longer.")
    p90: int = Field(description="Nine of ten took no longer.")


class Responses(Hours):
    """How soon the merchant answered."""

    late: Share = Field(description="How many came after they were due, in percent.")


class Range(Document):
    """At least and at most so many."""

    least: Count = Field(description="There are no fewer.")
    most: Count = Field(description="There are no more.")


class RemedyCounts(Document):
    """What was asked for, of what the policy offers."""

    repair: Hidden = None
    replacement: Hidden = None
    refund: Hidden = None
    store_credit: Hidden = None


class DecidedClaims(Document):
    """The claims of a policy that were decided."""

    policy: PolicyName
    count: Count = Field(description="5 or more; of other policies nothing is said.")
    remedies: RemedyCounts = Field(description="What was asked for.")
    repeated: Range | None = Field(
        description="How many were not the first of their purchase; null where there is only one."
    )


class Decided(Document):
    """The claims whose decision is of the month."""

    count: Hidden
    policies: list[DecidedClaims] = Field(max_length=MOST_POLICIES)


class Outcomes(Document):
    """How claims ended. Without a review none is declined."""

    completed: Hidden
    declined: Hidden = None
    canceled: Hidden = Field(description="By the buyer.")


class DeclineCounts(Document):
    """Why claims were declined."""

    not_covered: Hidden
    no_fault_found: Hidden
    caused_by_use: Hidden
    evidence_missing: Hidden
    no_answer: Hidden
    other: Hidden


class EndedClaims(Document):
    """The claims of a policy that came to an end."""

    policy: PolicyName
    count: Count = Field(description="5 or more; of other policies nothing is said.")
    outcomes: Outcomes = Field(description="How they ended.")
    reasons: DeclineCounts | None = Field(description="Why, where that many were declined.")
    hours: Hours | None = Field(description="From the decision to the completion.")


class Ended(Document):
    """The claims that came to an end in the month, and have not been disputed by its end."""

    count: Hidden
    policies: list[EndedClaims] = Field(max_length=MOST_POLICIES)


class VoidReasons(Document):
    """Why purchases were declared void."""

    returned: Hidden
    order_canceled: Hidden
    payment_failed: Hidden
    suspected_fraud: Hidden
    duplicate: Hidden
    entry_error: Hidden


class ReportedVoids(Document):
    """The purchases that were declared void in the month."""

    count: Hidden
    reasons: VoidReasons = Field(description="How many for each reason.")


class Report(Document):
    """How a merchant dealt with the claims of a month, as the methodology says."""

    schema_: Literal["kvitto-report/v1"] = Field(alias="schema")
    decided: Decided = Field(description="Claims of the month.")
    ended: Ended = Field(description="Claims, of whenever, that ended in the month.")
    responses: Responses | None = Field(description="Null for fewer than 10.")
    overdue: Share | None = Field(
        description="Of the claims that waited for the merchant as the month ended, how many had"
        " waited too long, in percent; null for fewer than 10."
    )
    voids: ReportedVoids
    transfers: Hidden = Field(description="Purchases that came to their next owner.")


class ReportEvent(Document):
    """The event `report.published`."""

    type: Literal["report.published"]
    time: Moment
    number: Count = Field(description="Of the report among all of the merchant's: 0, 1, 2, …")
    month: Month
    report: Report


class PublishedReport(Document):
    """A published report, and where it stands in the event log."""

    index: Count
    event: ReportEvent


class ProvenReport(PublishedReport):
    """The same with its proof."""

    proof: TlogProof = Field(description="That the event is in the log.")


class ListedReport(Document):
    """A report that was published."""

    index: Count
    number: Count = Field(description="Of the report: 0, 1, 2, …")
    month: Month
    time: Moment
    counts: bool = Field(description="Whether it is the last for its month.")


class Reports(Document):
    """The reports that a merchant has published, in their order."""

    reports: list[ListedReport] = Field(description="Without what they say.")


class MonthlyReport(Document):
    """What a merchant has published for a month, beside what its log says."""

    published: ProvenReport | None = Field(description="The last; null where there is none.")
    computed: Report | None = Field(description="By this service; null before the month has ended.")
