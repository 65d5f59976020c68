"""Purchases by buyers who are there."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, BulkBody, array, members
from api.dependencies import KEY_PROBLEMS, MerchantWith, TheService
from api.documents.purchases import NewPurchase, NewPurchases, PurchaseRows, Receipt
from api.idempotency import SentAs
from api.openapi import described
from api.orders import ORDER_MEMBERS, read_order
from api.rows import answer_rows, read_rows
from issuer.merchants import Merchant

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/purchases", tags=["purchases"])

Own = Annotated[Merchant, MerchantWith("sales")]


@router.post(
    "",
    **described(
        {201: Receipt},
        f"malformed {KEY_PROBLEMS} duplicate-order duplicate-request duplicate-commitment"
        " too-large not-verified future-date unlisted-product idempotency-key-reused",
        NewPurchase,
    ),
)
def record_a_purchase(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Record one purchase; its receipt goes to the buyer's wallet.

    The same order with the same request is recorded once, with or without `Idempotency-Key`.
    """
    order = read_order(members(body, ORDER_MEMBERS), service.settings.group)
    return JSONResponse(service.issuer.record(merchant, order, sent_as(body)), 201)


@router.post(
    "/bulk",
    **described(
        {200: PurchaseRows},
        f"malformed {KEY_PROBLEMS} too-large too-many idempotency-key-reused",
        NewPurchases,
    ),
)
def record_purchases(
    service: TheService, merchant: Own, sent_as: SentAs, body: BulkBody
) -> JSONResponse:
    """Record up to 1,000 purchases, each for itself: a bad one does not keep the others out.

    The answer has a row for each, in their order: `accepted` with its receipt; `duplicate` with the
    receipt of the same order, which was recorded before with the same request; or `rejected` with
    the problem that `POST …/purchases` would answer.
    """
    documents = array(members(body, ("purchases",)), "purchases")
    orders = read_rows(documents, lambda one: read_order(one, service.settings.group))
    return answer_rows(service.issuer.record_many(merchant, orders, sent_as(body)), "receipt")
