"""Sales whose buyers are not there to ask, and the buyers who come later."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, BulkBody, array, members, text
from api.dependencies import KEY_PROBLEMS, AnyMerchant, MerchantWith, TheService
from api.documents.purchases import NewSales, Receipt, Redemption, SaleRows
from api.idempotency import SentAs
from api.openapi import described
from api.orders import read_day, read_sale
from api.rows import answer_rows, read_rows
from issuer.merchants import Merchant
from zk.issuance import parse_request

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["purchases"])

Own = Annotated[Merchant, MerchantWith("sales")]


@router.post(
    "/sales",
    **described(
        {200: SaleRows},
        f"malformed {KEY_PROBLEMS} too-large past-date too-many idempotency-key-reused",
        NewSales,
    ),
)
def record_sales(
    service: TheService, merchant: Own, sent_as: SentAs, body: BulkBody
) -> JSONResponse:
    """Record up to 1,000 sales without a buyer, each for itself.

    The answer has a row for each, in their order: `accepted` with a slip, or `rejected` with the
    problem (`malformed`, `future-date` or
    `unlisted-product`). A slip has a one-time code, to print on the paper
    receipt; it is shown again only to the same request with the same `Idempotency-Key`.
    `redeem_by` is the last day on which the codes can be redeemed; without it they do not expire.
    """
    whole = members(body, ("sales",), ("redeem_by",))
    sales = read_rows(array(whole, "sales"), read_sale)
    until = None if whole.get("redeem_by") is None else read_day(whole, "redeem_by")
    rows = service.issuer.record_sales(merchant, sales, sent_as(body), redeem_by=until)
    return answer_rows(rows, "slip")


@router.post(
    "/redemptions",
    **described(
        {201: Receipt},
        "malformed unknown-code expired-code unknown-merchant already-redeemed duplicate-order"
        " duplicate-request duplicate-commitment too-large not-verified",
        Redemption,
    ),
)
def redeem_a_slip(service: TheService, merchant: AnyMerchant, body: Body) -> JSONResponse:
    """Turn a slip into a purchase of one's own, once.

    The code is the order's reference: the wallet makes its request for it.
    """
    document = members(body, ("code", "request"))
    request = parse_request(document["request"], service.settings.group)
    return JSONResponse(service.issuer.redeem(merchant, text(document, "code"), request), 201)
