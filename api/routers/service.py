"""The service itself."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.dependencies import TheService
from api.documents.logs import Health
from api.openapi import described, problem_responses
from policies.policy import json_schema

__all__ = ["router"]

router = APIRouter(tags=["service"])


class _SchemaResponse(JSONResponse):
    media_type = "application/schema+json"


@router.get(
    "/v1/policy.schema.json",
    response_class=_SchemaResponse,
    responses={200: {"description": "JSON Schema 2020-12."}, **problem_responses("")},
)
def read_the_policy_schema() -> JSONResponse:
    """The JSON schema of a policy."""
    return _SchemaResponse(json_schema())


@router.get("/healthz", **described({200: Health}))
async def check_health() -> JSONResponse:
    """Whether this process answers; one that does not should be started again."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", **described({200: Health}, "not-ready"))
def check_readiness(service: TheService) -> JSONResponse:
    """Whether requests should be sent to this process.

    503 while it cannot write to its database, or that is of another version, while a witness has
    failed for longer than the operator allows, and from the signal to stop on.
    """
    service.require_ready()
    return JSONResponse({"status": "ok"})
