"""Policies: published once, read by all."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.bodies import Body
from api.dependencies import KEY_PROBLEMS, AnyMerchant, MerchantWith, TheService
from api.documents.policies import Policies, PublishedPolicy
from api.idempotency import SentAs
from api.openapi import described
from api.queries import Decimal
from commitments.wire import parse_json
from issuer.merchants import Merchant
from policies.policy import Policy

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/policies", tags=["policies"])

Own = Annotated[Merchant, MerchantWith("policies")]


@router.post(
    "",
    **described(
        {201: PublishedPolicy},
        f"malformed {KEY_PROBLEMS} foreign-origin duplicate-policy too-large"
        " idempotency-key-reused",
        Policy,
    ),
)
def publish_a_policy(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Publish a version of a policy, for ever: it becomes an event of the log."""
    index, policy = service.verifier.publish(merchant.origin, parse_json(body), sent_as(body))
    return JSONResponse({"index": index, "policy": policy.document()}, 201)


@router.get("", **described({200: Policies}, "unknown-merchant"))
def list_policies(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """All versions of all policies, in the order of their publication."""
    found = service.verifier.policies(merchant.origin)
    return JSONResponse({"policies": [policy.document() for policy in found]})


@router.get(
    "/{policy:path}/{version}",
    **described({200: Policy}, "not-found unknown-merchant unknown-policy"),
)
def read_a_policy(
    service: TheService,
    merchant: AnyMerchant,
    policy: Annotated[str, Path(description="The policy's id, which may contain `/`.")],
    version: Annotated[Decimal, Path(description="Its version.")],
) -> JSONResponse:
    """One version of one policy."""
    return JSONResponse(service.verifier.policy(merchant.origin, policy, version).document())
