"""Cases: what follows a claim, step by step."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from aftersales.steps import MERCHANT
from api.bodies import Body, StepBody, members, text
from api.dependencies import (
    KEY_PROBLEMS,
    AnyMerchant,
    IsMerchantWith,
    MerchantWith,
    TheService,
)
from api.documents.cases import Case, Erased, Inbox, NewStep, SignedRequest
from api.openapi import described, problem_responses
from api.problems import Unauthorised
from commitments.errors import FormatError
from commitments.wire import encode_base64, parse_base64
from issuer.merchants import Merchant

__all__ = ["ClaimId", "router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/claims/{claim_id}", tags=["cases"])

ClaimId = Annotated[str, Path(description="From the claim's decision.")]
Own = Annotated[Merchant, MerchantWith("claims")]

_OCTETS = "application/octet-stream"
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_PRIVATE = {"Cache-Control": "no-store"}
_ERASED = {"status": "erased"}


@router.get("/case", **described({200: Case}, "unknown-claim unknown-merchant"))
def read_a_case(service: TheService, merchant: AnyMerchant, claim_id: ClaimId) -> JSONResponse:
    """A claim as it stands, with all its events and their proofs: nothing needs to be believed."""
    return JSONResponse(service.verifier.cases.read(merchant.origin, claim_id).document())


@router.post(
    "/steps",
    **described(
        {201: Case, 200: Case},
        f"malformed {KEY_PROBLEMS} unknown-claim unknown-merchant already-claimed already-moved"
        " already-redeemed too-large claim-full not-verified too-many-steps wrong-state wrong-time",
        NewStep,
        security=[{}],  # or none: a buyer has no key
    ),
)
def take_a_step(
    service: TheService,
    merchant: AnyMerchant,
    claim_id: ClaimId,
    is_merchant: Annotated[bool, IsMerchantWith("claims")],
    body: StepBody,
) -> JSONResponse:
    """Take the next step of a claim.

    The merchant's with its API key; the buyer's with no key but the signature in it. The step's
    `number` names it: the same step sent again is not taken again, and gets 200 and the case as it
    stands, but `redeem`, which is `already-redeemed`: nobody is told twice to pay. Another step
    with a number that was taken is refused with `already-moved`: read the case, and decide anew.
    """
    document = members(body, ("step", "attachments"))
    step, attachments = document["step"], document["attachments"]
    if isinstance(step, dict) and step.get("by") == MERCHANT and not is_merchant:
        raise Unauthorised("this needs the merchant's API key")
    if not isinstance(attachments, list) or not all(isinstance(a, str) for a in attachments):
        raise FormatError("not a list of texts", "attachments")
    contents = [
        parse_base64(attachment, f"attachments[{place}]")
        for place, attachment in enumerate(attachments)
    ]
    status, new = service.verifier.cases.take(merchant.origin, claim_id, step, contents)
    return JSONResponse(status.document(), 201 if new else 200)


@router.post(
    "/inbox",
    **described(
        {200: Inbox},
        "malformed unknown-claim unknown-merchant too-large not-verified wrong-state wrong-time",
        SignedRequest,
    ),
)
def read_the_inbox(
    service: TheService, merchant: AnyMerchant, claim_id: ClaimId, body: Body
) -> JSONResponse:
    """What the merchant has written to the buyer of this claim, who asks with a signature."""
    messages = service.verifier.cases.inbox(merchant.origin, claim_id, *_signed(body))
    attachments = [
        {
            "number": message.number,
            "digest": message.digest,
            "content": None if message.content is None else encode_base64(message.content),
        }
        for message in messages
    ]
    return JSONResponse({"attachments": attachments}, headers=_PRIVATE)


@router.post(
    "/erasure",
    **described(
        {200: Erased},
        "malformed unknown-claim unknown-merchant too-large not-verified wrong-state wrong-time",
        SignedRequest,
    ),
)
def erase_as_the_buyer(
    service: TheService, merchant: AnyMerchant, claim_id: ClaimId, body: Body
) -> JSONResponse:
    """Erase all attachments of a claim, both sides', as its buyer asks with a signature.

    Their digests stay in the log. Who has read an attachment may have kept it.
    """
    service.verifier.cases.erase_as_buyer(merchant.origin, claim_id, *_signed(body))
    return JSONResponse(_ERASED)


@router.delete(
    "/attachments",
    **described({200: Erased}, f"{KEY_PROBLEMS} unknown-claim"),
)
def erase_as_the_merchant(service: TheService, merchant: Own, claim_id: ClaimId) -> JSONResponse:
    """Erase all attachments of a claim, both sides'. Their digests stay in the log."""
    service.verifier.cases.erase(merchant.origin, claim_id)
    return JSONResponse(_ERASED)


@router.get(
    "/attachments/{digest}",
    response_class=Response,
    responses={
        200: {"description": "The ciphertext.", "content": {_OCTETS: _BYTES}},
        **problem_responses(f"{KEY_PROBLEMS} unknown-attachment unknown-claim erased"),
    },
)
def read_an_attachment(
    service: TheService,
    merchant: Own,
    claim_id: ClaimId,
    digest: Annotated[str, Path(description="The SHA-256 of the attachment, from the step.")],
) -> Response:
    """What the buyer has attached to a step, encrypted to the policy's `contact_key`."""
    content = service.verifier.cases.attachment(merchant.origin, claim_id, digest)
    return Response(content, headers=_PRIVATE, media_type=_OCTETS)


def _signed(body: bytes) -> tuple[str, str]:
    document = members(body, ("time", "signature"))
    return text(document, "time"), text(document, "signature")
