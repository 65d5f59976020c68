"""What auditors and their pages ask for: which logs there are, and what is in them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.dependencies import AnyMerchant, TheService
from api.documents.auditing import DirectoryOfLogs, FoundEntries
from api.openapi import described
from api.queries import DirectoryQuery, SearchQuery
from api.searching import search
from api.tagged import Tagged

__all__ = ["router"]

router = APIRouter(tags=["auditing"])

_FOR_ALL = {"Access-Control-Allow-Origin": "*"}
_LIST_HEADERS = {**_FOR_ALL, "Cache-Control": "public, max-age=60"}


@router.get("/v1/directory", **described({200: DirectoryOfLogs}, "malformed", tagged=True))
def list_logs(
    request: Request, service: TheService, query: Annotated[DirectoryQuery, Query()]
) -> Response:
    """All logs with their keys, witnesses and policies: where an audit begins.

    None of it is proven here. Compare the keys with those that you have had from elsewhere.
    """
    document = service.directory.document(with_sandboxes=query.sandboxes == "true")
    return Tagged.json(document).answer(request, _LIST_HEADERS)


@router.get(
    "/v1/merchants/{merchant}/search",
    **described({200: FoundEntries}, "malformed unknown-merchant"),
)
def search_the_logs(
    service: TheService, merchant: AnyMerchant, query: Annotated[SearchQuery, Query()]
) -> JSONResponse:
    """Entries by index, by the id of a claim or its beginning, by tag, or by a policy's id.

    A used-up tag is found, and each owner's tag of a claim or transfer. Whoever asks shows an
    interest in what is asked for; a whole log that is read at home shows none.
    """
    with service.store.read() as connection:
        results = search(connection, merchant.origin, query.q)
    return JSONResponse({"results": results}, headers=_FOR_ALL)
