"""The keys of a merchant's logs, shown beside the logs as one more file."""

from fastapi import APIRouter, Response

from api.dependencies import AnyMerchant, TheService
from api.documents.logs import ShownKeys
from api.openapi import described
from ledger.farewells import show_keys

__all__ = ["router"]

router = APIRouter(prefix="/logs/{merchant}", tags=["logs"])

_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


@router.get("/keys.json", **described({200: ShownKeys}, "unknown-merchant"))
def show_log_keys(service: TheService, merchant: AnyMerchant) -> Response:
    """All that the event log says about keys, for those who trust one that may be retired.

    The farewell of each key that the event log has retired, oldest first; then its present word.
    """
    with service.store.read() as connection:
        content = show_keys(connection, merchant.origin)
    return Response(content, headers=_HEADERS, media_type="application/json")
