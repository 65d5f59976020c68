"""Transfers: a purchase passes to its next owner, without an account, in two steps."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.bodies import Body, members, read_secret, text
from api.dependencies import AnyMerchant, TheService, WhileRunning
from api.documents.claims import Retirement
from api.documents.transfers import NewTransfer, Transfer
from api.openapi import described
from commitments.wire import parse_base64
from policies.transfer import parse_transfer

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/transfers", tags=["transfers"])

TransferId = Annotated[str, Path(description="From the transfer's answer.")]


@router.post(
    "",
    dependencies=[WhileRunning],
    **described(
        {201: Transfer, 200: Transfer},
        "malformed foreign-origin unknown-merchant unknown-horizon unknown-lane"
        " duplicate-commitment duplicate-transfer too-large transfer-date stale-horizon"
        " still-voidable ring-too-small",
        NewTransfer,
    ),
)
def make_a_transfer(service: TheService, merchant: AnyMerchant, body: Body) -> JSONResponse:
    """Hand a purchase over: 201 where it is approved, 200 where it is declined.

    The old owner sends it, with what the new owner has accepted. Nothing has changed hands yet: the
    approval awaits the old owner's secret. The same transfer with the same proof gives the same
    answer again, with 200. A decline leaves no trace.
    """
    document = members(body, ("transfer", "proof"))
    transfer = parse_transfer(document["transfer"], service.settings.group)
    proof = parse_base64(text(document, "proof"), "proof")
    answer = service.verifier.transfers.decide(merchant.origin, transfer, proof)
    return JSONResponse(answer.document(), 201 if answer.new else 200)


@router.get("/{transfer_id}", **described({200: Transfer}, "unknown-transfer unknown-merchant"))
def read_a_transfer(
    service: TheService, merchant: AnyMerchant, transfer_id: TransferId
) -> JSONResponse:
    """An approved transfer as it stands now."""
    return JSONResponse(service.verifier.transfers.read(merchant.origin, transfer_id).document())


@router.post(
    "/{transfer_id}/retirement",
    **described(
        {200: Transfer},
        "malformed unknown-transfer unknown-merchant duplicate-commitment too-large wrong-secret"
        " lapsed",
        Retirement,
    ),
)
def complete_a_transfer(
    service: TheService, merchant: AnyMerchant, transfer_id: TransferId, body: Body
) -> JSONResponse:
    """Complete an approved transfer: the old owner shows its secret.

    From then on the secret is public, every other claim of the old owner is refused, and the new
    owner's entry is in the purchase log. Sent again, the answer is the same.
    """
    secret = read_secret(body, service.settings.group)
    answer = service.verifier.transfers.retire(merchant.origin, transfer_id, secret)
    return JSONResponse(answer.document())
