"""Closing a period by a call."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.dependencies import KEY_PROBLEMS, MerchantWith, TheService
from api.documents.purchases import Close
from api.idempotency import SentAs
from api.openapi import described
from issuer.merchants import Merchant

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["purchases"])

Own = Annotated[Merchant, MerchantWith("sales")]


@router.post(
    "/closes",
    **described({201: Close}, f"malformed {KEY_PROBLEMS} not-manual idempotency-key-reused"),
)
def close_the_period(service: TheService, merchant: Own, sent_as: SentAs) -> JSONResponse:
    """Close the current period of a log whose `period` is `manual`; others close each UTC day.

    A purchase can be claimed from its first close on.
    """
    return JSONResponse(service.closer.now(merchant, sent_as(b"")), 201)
