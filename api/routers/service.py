"""The service itself."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text

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
def check_health(service: TheService) -> JSONResponse:
    """Whether the service and its database answer."""
    with service.store.read() as connection:
        connection.execute(text("SELECT 1"))
    return JSONResponse({"status": "ok"})
