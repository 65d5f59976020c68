"""Service-quality reports: computed from the log, published into it."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.bodies import Body, members, text
from api.dependencies import KEY_PROBLEMS, AnyMerchant, MerchantWith, TheService
from api.documents.reports import MonthlyReport, NewReport, PublishedReport, Reports
from api.idempotency import SentAs
from api.openapi import described
from issuer.merchants import Merchant

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/reports", tags=["auditing"])

Own = Annotated[Merchant, MerchantWith("policies")]
Month = Annotated[str, Path(description="The month, in UTC.", examples=["2026-10"])]


@router.post(
    "",
    **described(
        {201: PublishedReport},
        f"malformed {KEY_PROBLEMS} month-not-over duplicate-report too-large"
        " idempotency-key-reused",
        NewReport,
    ),
)
def publish_a_report(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Publish the report of a month that has ended: it becomes an event of the log.

    The service computes it from the log. So one month has one report, and another is published
    for it only if an earlier version of the service has published a wrong one.
    """
    month = text(members(body, ("month",)), "month")
    index, event = service.verifier.reports.publish(merchant.origin, month, sent_as(body))
    return JSONResponse({"index": index, "event": event}, 201)


@router.get("", **described({200: Reports}, "unknown-merchant"))
def list_reports(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """Which reports were published; of several for a month the last counts."""
    found = service.verifier.reports.published(merchant.origin)
    last = {event["month"]: index for index, event in found}
    listed = [
        {
            "index": index,
            **{name: event[name] for name in ("number", "month", "time")},
            "counts": last[event["month"]] == index,
        }
        for index, event in found
    ]
    return JSONResponse({"reports": listed})


@router.get("/{month}", **described({200: MonthlyReport}, "malformed unknown-merchant"))
def read_a_report(service: TheService, merchant: AnyMerchant, month: Month) -> JSONResponse:
    """What was published for a month, and beside it what the log says.

    Whoever does not believe this service computes it from the logs: `kvitto report`.
    """
    found = service.verifier.reports.read(merchant.origin, month)
    receipt = found.published
    published = receipt and {"index": receipt.proof.index, **receipt.document()}
    return JSONResponse({"published": published, "computed": found.computed})
