"""Policies: published once, superseded or withdrawn for later purchases, read by all."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.bodies import Body, members, text
from api.dependencies import KEY_PROBLEMS, AnyMerchant, MerchantWith, TheService
from api.documents.policies import (
    Explanation,
    Policies,
    PolicyVersion,
    PublishedPolicy,
    Withdrawal,
    WithdrawnPolicy,
    version_document,
)
from api.idempotency import SentAs
from api.openapi import described
from api.queries import Decimal
from commitments.errors import FormatError
from commitments.sale import parse_day
from commitments.wire import parse_json
from issuer.merchants import Merchant
from policies.explain import explain
from policies.policy import Policy

__all__ = ["router"]

PolicyId = Annotated[str, Path(description="The policy's id, which may contain `/`.")]
VersionNumber = Annotated[Decimal, Path(description="Its version.")]

router = APIRouter(prefix="/v1/merchants/{merchant}/policies", tags=["policies"])

Own = Annotated[Merchant, MerchantWith("policies")]


@router.post(
    "",
    **described(
        {201: PublishedPolicy},
        f"malformed {KEY_PROBLEMS} foreign-origin duplicate-policy not-next-version too-large"
        " idempotency-key-reused",
        Policy,
    ),
)
def publish_a_policy(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Publish a version of a policy, for ever: it becomes an event of the log.

    The versions before it are superseded for purchases from its `covers_from` (or `valid_from`) on,
    from tomorrow (UTC) at the earliest. What was bought before stays covered by them.
    """
    index, policy = service.verifier.publish(merchant.origin, parse_json(body), sent_as(body))
    return JSONResponse({"index": index, "policy": policy.document()}, 201)


@router.get("", **described({200: Policies}, "unknown-merchant"))
def list_policies(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """All versions of all policies, in the order of their publication."""
    found = service.verifier.policies(merchant.origin)
    return JSONResponse({"policies": [version_document(version) for version in found]})


@router.post(
    "/{policy:path}/{version:decimal}/withdrawal",
    **described(
        {201: WithdrawnPolicy},
        f"malformed {KEY_PROBLEMS} not-found unknown-policy already-ended retroactive-end too-large"
        " idempotency-key-reused",
        Withdrawal,
    ),
)
def withdraw_a_policy(
    service: TheService,
    merchant: Own,
    policy: PolicyId,
    version: VersionNumber,
    sent_as: SentAs,
    body: Body,
) -> JSONResponse:
    """End a version for purchases from a day on, at the earliest tomorrow (UTC).

    What was bought before that day stays covered. It can be ended earlier once more, not later.
    """
    day = text(members(body, ("from",)), "from")
    try:
        first = parse_day(day)
    except FormatError as error:
        raise FormatError(str(error), "from") from None
    key = policy, version
    index = service.verifier.withdraw(merchant.origin, key, first, sent_as(body))
    said = {"policy": policy, "version": version, "from": first.isoformat()}
    return JSONResponse({"index": index, **said}, 201)


@router.get(
    "/{policy:path}/{version:decimal}/explanation",
    **described({200: Explanation}, "not-found unknown-merchant unknown-policy"),
)
def explain_a_policy(
    service: TheService, merchant: AnyMerchant, policy: PolicyId, version: VersionNumber
) -> JSONResponse:
    """A version in plain words: what is covered and offered, and what a claim shows."""
    found = service.verifier.policy(merchant.origin, policy, version)
    return JSONResponse({"sentences": explain(found)})


@router.get(
    "/{policy:path}/{version:decimal}",
    **described({200: PolicyVersion}, "not-found unknown-merchant unknown-policy"),
)
def read_a_policy(
    service: TheService, merchant: AnyMerchant, policy: PolicyId, version: VersionNumber
) -> JSONResponse:
    """One version of one policy, and what has ended it."""
    return JSONResponse(version_document(service.verifier.policy(merchant.origin, policy, version)))
