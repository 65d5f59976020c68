"""Events as they come (server-sent events)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.dependencies import AnyMerchant, TheService
from api.openapi import problem_responses
from api.queries import StreamQuery
from api.routers.cases import ClaimId
from api.streams import EventStream
from commitments.errors import FormatError
from commitments.wire import parse_decimal
from verifier.watching import CLAIM_EVENTS, Interest, require_claim

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["streams"])

_HEADER = "Last-Event-ID"
_TEXT: dict[str, Any] = {"schema": {"type": "string"}}


async def _start(
    request: Request,
    _described: Annotated[
        str,
        Header(
            alias=_HEADER,
            description="The `id` of the last event that was seen: the stream goes on behind it.",
        ),
    ] = "",
) -> int | None:
    ids = request.headers.getlist(_HEADER)
    if not ids:
        return None
    if len(ids) > 1:
        raise FormatError("given more than once", _HEADER)
    return parse_decimal(ids[0], _HEADER) + 1


Start = Annotated[int | None, Depends(_start)]


def _streamed(problems: str) -> dict[str, Any]:
    return {
        "response_class": Response,
        "responses": {
            200: {"description": "It does not end.", "content": {EventStream.media_type: _TEXT}},
            **problem_responses(f"malformed unknown-merchant {problems}".strip()),
        },
    }


@router.get("/claims/{claim_id}/stream", **_streamed("unknown-claim"))
async def watch_a_claim(
    service: TheService, merchant: AnyMerchant, claim_id: ClaimId, start: Start
) -> EventStream:
    """The events of a claim: those so far, and each that comes, within a second.

    `id` is an event's index in the event log, `event` its type, `data` the event as JSON. None of
    it is proven: read the case for that. A comment comes at least every 15 seconds. Who watches a
    claim shows that it matters to whoever has this address.
    """
    await run_in_threadpool(_require, service, merchant.origin, claim_id)
    interest = Interest(merchant.origin, frozenset(CLAIM_EVENTS), claim_id)
    return service.streams.open(interest, start or 0)


@router.get("/stream", **_streamed(""))
async def watch_a_merchant(
    service: TheService,
    merchant: AnyMerchant,
    query: Annotated[StreamQuery, Query()],
    start: Start,
) -> EventStream:
    """The events of a merchant's log, or of some types, as they come.

    From now on, or from behind `Last-Event-ID`. What each has is told at the stream of a claim.
    """
    interest = Interest(merchant.origin, frozenset(query.types.split(",")))
    return service.streams.open(interest, start)


def _require(service: TheService, origin: str, claim_id: str) -> None:
    with service.store.read() as connection:
        require_claim(connection, origin, claim_id)
