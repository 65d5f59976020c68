"""What auditors and their pages ask for: which logs there are, and what is in them."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.atom import ATOM
from api.auditing import FINDINGS, OVERVIEW, make_feed, make_findings, make_overview
from api.dependencies import AnyMerchant, TheService
from api.documents.auditing import DirectoryOfLogs, Findings, FoundEntries, Overview
from api.openapi import NOT_MODIFIED, described, problem_responses
from api.queries import DirectoryQuery, SearchQuery
from api.readings import Reading
from api.searching import search
from api.service import Service
from api.tagged import Tagged
from issuer.merchants import Merchant
from ledger.events import event_time

__all__ = ["router"]

router = APIRouter(tags=["auditing"])

_FOR_ALL = {"Access-Control-Allow-Origin": "*"}
_LIST_HEADERS = {**_FOR_ALL, "Cache-Control": "public, max-age=60"}
_NEWS_HEADERS = {**_FOR_ALL, "Cache-Control": "no-cache"}


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
    "/v1/merchants/{merchant}/overview",
    **described({200: Overview}, "not-read overloaded unknown-merchant", tagged=True),
)
async def count_what_happened(
    request: Request, service: TheService, merchant: AnyMerchant
) -> Response:
    """The numbers behind an auditor's charts, counted from the whole event log.

    A process that has not read the log yet does so now, and answers `not-read` until it has.
    """
    return await _answer(request, service, merchant, OVERVIEW, make_overview)


@router.get(
    "/v1/merchants/{merchant}/findings",
    **described({200: Findings}, "not-read overloaded unknown-merchant", tagged=True),
)
async def show_findings(request: Request, service: TheService, merchant: AnyMerchant) -> Response:
    """Rules that the logs break, and what deserves a question, by the methods of `/methodology`.

    The service's own opinion of its own logs. It verifies no proof again here and sees no witness
    from outside: `kvitto audit` does.
    """
    return await _answer(request, service, merchant, FINDINGS, make_findings)


@router.get(
    "/v1/merchants/{merchant}/findings.atom",
    response_class=Response,
    responses={
        200: {"description": "An Atom feed.", "content": {ATOM: {"schema": {"type": "string"}}}},
        304: NOT_MODIFIED,
        **problem_responses("not-read overloaded unknown-merchant"),
    },
)
async def subscribe_to_findings(
    request: Request, service: TheService, merchant: AnyMerchant
) -> Response:
    """The newest hundred findings as a feed, in which each keeps its id."""
    make = make_feed(merchant, service.settings.service_name)
    return await _answer(request, service, merchant, "feed", make)


async def _answer(
    request: Request,
    service: Service,
    merchant: Merchant,
    name: str,
    make: Callable[[Reading, str], Tagged],
) -> Response:
    now = event_time(await run_in_threadpool(service.clocks.at, merchant.origin))
    said = await service.readings.answer(merchant.origin, name, now, make)
    return said.answer(request, _NEWS_HEADERS)


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
