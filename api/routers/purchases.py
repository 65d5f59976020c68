"""Purchases by buyers who are there, and voids."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, BulkBody, array, integer, members, placed
from api.dependencies import KEY_PROBLEMS, MerchantWith, TheService
from api.documents.purchases import NewPurchase, NewPurchases, NewVoid, Receipt, Receipts, Void
from api.idempotency import SentAs
from api.openapi import described
from api.orders import ORDER_MEMBERS, alone, read_order
from issuer.merchants import Merchant

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["purchases"])

_PROBLEMS = (
    f"malformed {KEY_PROBLEMS} duplicate-order duplicate-request duplicate-commitment"
    " too-large not-verified future-date idempotency-key-reused"
)

Own = Annotated[Merchant, MerchantWith("sales")]


@router.post("/purchases", **described({201: Receipt}, _PROBLEMS, NewPurchase))
def record_a_purchase(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Record one purchase; its receipt goes to the buyer's wallet.

    The same order with the same request is recorded once, with or without `Idempotency-Key`.
    """
    order = read_order(members(body, ORDER_MEMBERS), service.settings.group)
    with alone():
        (receipt,) = service.issuer.record(merchant, [order], sent_as(body))
    return JSONResponse(receipt, 201)


@router.post("/purchases/bulk", **described({201: Receipts}, f"{_PROBLEMS} too-many", NewPurchases))
def record_purchases(
    service: TheService, merchant: Own, sent_as: SentAs, body: BulkBody
) -> JSONResponse:
    """Record up to 1,000 purchases, all or none.

    A problem names the place: `purchases[17].sale.price`.
    """
    orders = []
    for index, document in enumerate(array(members(body, ("purchases",)), "purchases")):
        with placed(f"purchases[{index}]"):
            orders.append(read_order(document, service.settings.group))
    receipts = service.issuer.record(merchant, orders, sent_as(body))
    return JSONResponse({"receipts": receipts}, 201)


@router.post(
    "/voids",
    **described(
        {201: Void},
        f"malformed {KEY_PROBLEMS} unknown-entry too-large not-voidable idempotency-key-reused",
        NewVoid,
    ),
)
def void_a_purchase(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Declare a purchase void: it is no member of rings that are closed from now on.

    A void counts only within the log's `void_window`.
    """
    index = integer(members(body, ("index",)), "index")
    return JSONResponse({"index": service.issuer.void(merchant, index, sent_as(body))}, 201)
