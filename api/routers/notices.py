"""Recalls and alerts: published once, downloaded whole by all wallets with the events."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body
from api.dependencies import KEY_PROBLEMS, MerchantWith, TheService
from api.documents.notices import PublishedNotice
from api.idempotency import SentAs
from api.openapi import described
from commitments.wire import parse_json
from issuer.merchants import Merchant
from policies.notice import Notice

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/notices", tags=["notices"])

Own = Annotated[Merchant, MerchantWith("policies")]


@router.post(
    "",
    **described(
        {201: PublishedNotice},
        f"malformed {KEY_PROBLEMS} foreign-origin duplicate-notice too-large"
        " idempotency-key-reused",
        Notice,
    ),
)
def publish_a_notice(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Publish a recall or an alert, for ever: it becomes an event of the log."""
    index, notice = service.verifier.publish_notice(
        merchant.origin, parse_json(body), sent_as(body)
    )
    return JSONResponse({"index": index, "notice": notice.document()}, 201)
