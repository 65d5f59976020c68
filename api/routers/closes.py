"""Closing a period by a call."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.dependencies import OwnMerchant, TheService
from api.documents.purchases import Close
from api.openapi import described

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["purchases"])


@router.post("/closes", **described({201: Close}, "unauthorised foreign-merchant not-manual"))
def close_the_period(service: TheService, merchant: OwnMerchant) -> JSONResponse:
    """Close the current period of a log whose `period` is `manual`; others close each UTC day.

    A purchase can be claimed from its first close on.
    """
    return JSONResponse(service.closer.now(merchant), 201)
