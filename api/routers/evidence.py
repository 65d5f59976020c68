"""Parts of the logs with proofs, so that a wallet need not download the logs."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.dependencies import AnyMerchant, TheService
from api.documents.logs import EventEvidence, Ring
from api.openapi import described
from api.queries import EventsQuery, RingQuery
from commitments.errors import Refused, VerificationError
from ledger.event_log import events_of
from ledger.events import events_origin
from ledger.evidence import build_event_evidence
from ledger.log import Log
from ledger.rings import RingName, build_evidence

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["evidence"])

_DECLARED = "log.declared"


@router.get("/events", **described({200: EventEvidence}, "malformed unknown-merchant"))
def show_events(
    service: TheService, merchant: AnyMerchant, query: Annotated[EventsQuery, Query()]
) -> JSONResponse:
    """The declaration, closes, policies and notices, proven to be in the event log.

    `types` leaves out some of them; the declaration is always shown.
    """
    types = {_DECLARED, *query.types.split(",")}  # there is no proof of no event
    with service.store.read() as connection:
        log = Log.published(connection, events_origin(merchant.origin))
        events = events_of(connection, merchant.origin, types)
        shown = [(index, event) for index, event in events if index < log.size]
        evidence = build_event_evidence(log, shown)
    return JSONResponse(evidence.document())


@router.get(
    "/ring",
    **described({200: Ring}, "malformed unknown-merchant unknown-horizon unknown-lane"),
)
def show_a_ring(
    service: TheService, merchant: AnyMerchant, query: Annotated[RingQuery, Query()]
) -> JSONResponse:
    """The entries of one ring, proven to be in the purchase log.

    The lane is part of the query, which is kept out of the access log.
    """
    name = RingName(query.first, query.size, query.voided_at, query.lane)
    with service.store.read() as connection:
        log = Log.published(connection, merchant.origin)
        partition = service.closed.partition(connection, merchant.origin)
        if name.lane >= partition.lanes(name.first, name.size):
            raise Refused("unknown-lane", "there is no such lane", "lane")
        try:
            evidence = build_evidence(log, partition, name, log.size)
        except VerificationError as error:
            raise Refused("unknown-horizon", str(error)) from None
    checkpoint = log.checkpoint().decode("utf-8")
    return JSONResponse({"ring": evidence.to_json(), "checkpoint": checkpoint})
