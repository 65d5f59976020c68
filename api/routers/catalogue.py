"""A merchant's list of products: private, for those who have its key."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.bodies import Body, BulkBody, array, members, text
from api.dependencies import KEY_PROBLEMS, MerchantWith, TheService
from api.documents.catalogue import (
    Catalogue,
    CatalogueRule,
    NewProducts,
    ProductRows,
    Products,
    Removal,
    Removed,
)
from api.idempotency import SentAs
from api.openapi import described
from api.queries import ProductQuery
from api.rows import answer_rows, read_rows
from commitments.errors import FormatError
from commitments.sale import check_code
from issuer.catalogue import Product
from issuer.merchants import Merchant

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/catalogue", tags=["catalogue"])

Own = Annotated[Merchant, MerchantWith("sales")]
_PROBLEMS = f"malformed {KEY_PROBLEMS} too-large idempotency-key-reused"


@router.get("", **described({200: Catalogue}, KEY_PROBLEMS))
def read_the_catalogue(service: TheService, merchant: Own) -> JSONResponse:
    """How many products are listed, and whether sales of others are rejected."""
    return JSONResponse(service.catalogue.summary(merchant))


@router.post("", **described({200: Catalogue}, _PROBLEMS, CatalogueRule))
def set_the_catalogue(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Have sales of products that are not listed rejected (`unlisted-product`), or not any more.

    At first they are not. Slips are redeemed for what was sold, listed or not.
    """
    only_listed = members(body, ("only_listed",))["only_listed"]
    if not isinstance(only_listed, bool):
        raise FormatError("neither true nor false", "only_listed")
    once = sent_as(body)
    return JSONResponse(service.catalogue.restrict(merchant, only_listed=only_listed, once=once))


@router.get("/products", **described({200: Products}, f"malformed {KEY_PROBLEMS}"))
def list_products(
    service: TheService, merchant: Own, query: Annotated[ProductQuery, Query()]
) -> JSONResponse:
    """Products in the order of their codes, GTINs as 14 digits, some at a time."""
    found = service.catalogue.page(merchant, query.cursor, query.limit)
    page: dict[str, Any] = {"products": [product.document() for product in found]}
    page["next"] = found[-1].code if len(found) == query.limit else None
    return JSONResponse(page)


@router.post("/products", **described({200: ProductRows}, f"{_PROBLEMS} too-many", NewProducts))
def put_products(
    service: TheService, merchant: Own, sent_as: SentAs, body: BulkBody
) -> JSONResponse:
    """Enter up to 1,000 products, or change what is listed under their codes, each for itself.

    The answer has a row for each, in their order: `accepted`; `duplicate` where it is listed just
    so already; or `rejected` with the problem (`malformed`, `too-many`). An EAN-13 and the same
    number as a GTIN-14 are one product.
    """
    wanted = read_rows(array(members(body, ("products",)), "products"), _read)
    return answer_rows(service.catalogue.put(merchant, wanted, sent_as(body)), "product")


@router.post("/removals", **described({200: Removed}, f"{_PROBLEMS} too-many", Removal))
def remove_products(
    service: TheService, merchant: Own, sent_as: SentAs, body: BulkBody
) -> JSONResponse:
    """Take up to 1,000 products off the list. What was sold of them stays recorded."""
    codes = array(members(body, ("codes",)), "codes")
    if not all(isinstance(code, str) for code in codes):
        raise FormatError("not a list of texts", "codes")
    for place, code in enumerate(codes):
        check_code(code, f"codes[{place}]")
    return JSONResponse(service.catalogue.remove(merchant, codes, sent_as(body)))


def _read(document: Any) -> Product:
    read = members(document, ("code", "name"), ("group",))
    group = None if read.get("group") is None else text(read, "group")
    return Product(text(read, "code"), text(read, "name"), group)
