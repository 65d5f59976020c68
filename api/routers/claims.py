"""Claims: made without an account, decided at once."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.bodies import Body, members, read_secret, text
from api.dependencies import AnyMerchant, TheService, WhileRunning
from api.documents.cases import CaseSummary
from api.documents.claims import Claims, Decision, NewClaim, Retirement
from api.openapi import described
from api.queries import ClaimsQuery
from api.routers.cases import ClaimId
from commitments.wire import parse_base64
from policies.claim import parse_claim

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/claims", tags=["claims"])


@router.post(
    "",
    dependencies=[WhileRunning],
    **described(
        {201: Decision, 200: Decision},
        "malformed foreign-origin unknown-merchant unknown-policy unknown-horizon unknown-lane"
        " too-large too-many policy-not-valid claim-date stale-horizon ring-too-small",
        NewClaim,
    ),
)
async def make_a_claim(service: TheService, merchant: AnyMerchant, body: Body) -> JSONResponse:
    """Make a claim: 201 where it is approved, 200 where it is declined.

    The same claim with the same proof gives the same answer again, with 200. A decline leaves no
    trace.
    """
    document = members(body, ("claim", "proof"))
    claim = parse_claim(document["claim"])
    proof = parse_base64(text(document, "proof"), "proof")
    soon = service.verifier.decide_soon(merchant.origin, claim, proof)
    decision = await asyncio.wrap_future(soon)
    return JSONResponse(decision.document(), 201 if decision.new else 200)


@router.get("", **described({200: Claims}, "malformed unknown-merchant"))
def list_claims(
    service: TheService, merchant: AnyMerchant, query: Annotated[ClaimsQuery, Query()]
) -> JSONResponse:
    """The claims in the event log, in its order, some at a time; none that was declined at once."""
    overdue = None if query.overdue is None else query.overdue == "true"
    found = service.verifier.list_claims(
        merchant.origin, query.cursor, query.limit, state=query.state, overdue=overdue
    )
    page: dict[str, Any] = {"claims": [listed.document() for listed in found]}
    page["next"] = found[-1].position if len(found) == query.limit else None
    return JSONResponse(page)


@router.get("/summary", **described({200: CaseSummary}, "unknown-merchant"))
def count_claims(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """How many claims there are in each state, and how many wait for the merchant for too long."""
    return JSONResponse(service.verifier.count_claims(merchant.origin))


@router.get("/{claim_id}", **described({200: Decision}, "unknown-claim unknown-merchant"))
def read_a_claim(service: TheService, merchant: AnyMerchant, claim_id: ClaimId) -> JSONResponse:
    """What was decided about a claim in the event log. What followed is its case."""
    return JSONResponse(service.verifier.decision(merchant.origin, claim_id).document())


@router.post(
    "/{claim_id}/retirement",
    **described(
        {200: Decision},
        "malformed unknown-claim unknown-merchant too-large not-awaiting-secret wrong-secret"
        " lapsed",
        Retirement,
    ),
)
def complete_a_refund(
    service: TheService, merchant: AnyMerchant, claim_id: ClaimId, body: Body
) -> JSONResponse:
    """Complete an approval that ends the ownership: its owner shows the secret.

    From then on the secret is public, and every other claim of this owner is refused.
    """
    secret = read_secret(body, service.settings.group)
    return JSONResponse(service.verifier.retire(merchant.origin, claim_id, secret).document())
