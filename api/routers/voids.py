"""Purchases that are declared void, and how many are."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, BulkBody, array, integer, members, text
from api.dependencies import KEY_PROBLEMS, AnyMerchant, MerchantWith, TheService
from api.documents.voids import NewVoid, NewVoids, Statistics, Void, VoidRows
from api.idempotency import SentAs
from api.openapi import described
from api.rows import answer_rows, read_rows
from issuer.merchants import Merchant
from issuer.voiding import VoidWanted
from ledger.statistics import statistics

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["purchases"])

Own = Annotated[Merchant, MerchantWith("sales")]


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

    A void counts only within the log's `void_window`. The reason becomes public, as an event of
    the log. For the same reason a purchase is voided once, with or without `Idempotency-Key`.
    """
    wanted = _read(body)
    made = service.issuer.void(merchant, wanted.index, wanted.reason, sent_as(body))
    return JSONResponse(made, 201)


@router.post(
    "/voids/bulk",
    **described(
        {200: VoidRows},
        f"malformed {KEY_PROBLEMS} too-large too-many idempotency-key-reused",
        NewVoids,
    ),
)
def void_purchases(
    service: TheService, merchant: Own, sent_as: SentAs, body: BulkBody
) -> JSONResponse:
    """Declare up to 1,000 purchases void, each for itself.

    The answer has a row for each, in their order: `accepted` with the void; `duplicate` with the
    void for the same reason that was there before; or `rejected` with the problem that
    `POST …/voids` would answer.
    """
    wanted = read_rows(array(members(body, ("voids",)), "voids"), _read)
    return answer_rows(service.issuer.void_many(merchant, wanted, sent_as(body)), "void")


@router.get("/statistics", **described({200: Statistics}, "unknown-merchant"))
def read_the_statistics(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """How many purchases were recorded, how many of them voided and why, by month.

    An entry counts in the month of the first close that covers it, so that whoever has both logs
    counts the same.
    """
    with service.store.read() as connection:
        return JSONResponse(statistics(connection, merchant.origin))


def _read(document: bytes | Any) -> VoidWanted:
    read = members(document, ("index", "reason"))
    return VoidWanted(integer(read, "index"), text(read, "reason"))
