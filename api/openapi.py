"""The OpenAPI document: descriptions at the routes, schemas from the models, the rest from files.

``introduction.md`` says what holds for all routes. The examples are what a service said and was
told on one occasion; ``tests/api/story.py`` plays that again and writes the file.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from api.documents import REQUESTS
from api.documents.common import Problem
from api.meanings import MEMBERS, PROBLEMS
from api.problems import MEDIA_TYPE, problem_document, problem_status

__all__ = ["NOT_MODIFIED", "TAGS", "described", "openapi_document", "problem_responses"]

_REF = "#/components/schemas/{model}"
_EXAMPLES = "examples.json"
_INTRODUCTION = "introduction.md"

NOT_MODIFIED = {"description": "The client has it: `If-None-Match` names its `ETag`."}

TAGS = [
    {"name": "merchants", "description": "Who sells: each merchant has two logs of its own."},
    {"name": "keys", "description": "What of a merchant may write, and how much."},
    {"name": "sandboxes", "description": "Places to try everything; only their clocks can be set."},
    {"name": "purchases", "description": "Recording sales, and what becomes of them."},
    {"name": "catalogue", "description": "What a merchant sells: a list that only it sees."},
    {"name": "policies", "description": "What a merchant promises, in versions that never change."},
    {"name": "notices", "description": "Recalls and alerts, which wallets match themselves."},
    {"name": "claims", "description": "Anonymous claims and their decisions. No account, no key."},
    {"name": "cases", "description": "What follows a claim, step by step, and by when."},
    {"name": "streams", "description": "Events as they come, for who would ask all the time."},
    {"name": "transfers", "description": "A purchase passes to its next owner. No account either."},
    {"name": "mailbox", "description": "What wallets leave for themselves. No account, no key."},
    {"name": "evidence", "description": "Parts of the logs with proofs, for wallets."},
    {"name": "logs", "description": "The logs themselves, for auditors: c2sp.org/tlog-tiles."},
    {"name": "auditing", "description": "What auditors look at. They believe none of it."},
    {"name": "webhooks", "description": "Events are sent to the merchant's own programs."},
    {"name": "service", "description": "The service itself."},
]


def described(
    answers: Mapping[int, type[BaseModel]],
    problems: str = "",
    takes: type[BaseModel] | None = None,
    *,
    tagged: bool = False,
    **extra: Any,
) -> dict[str, Any]:
    """Arguments of a route's decorator that describe it.

    ``answers``: the model by status, the usual one first. ``problems``: codes, separated by
    spaces. ``takes``: the model of the body. ``tagged``: the answer has an ``ETag``. ``extra``:
    other members of the operation.
    """
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": model, "description": _summary(model)}
        for status, model in answers.items()
    }
    if tagged:
        responses[304] = NOT_MODIFIED
    if takes is not None:
        body = {"required": True, "content": {"application/json": {"schema": _ref(takes)}}}
        extra["requestBody"] = body
    return {
        "status_code": next(iter(answers)),
        "responses": responses | problem_responses(problems),
        "response_model": None,  # what the rooms answer is sent as it is
        "openapi_extra": extra or None,
    }


def problem_responses(codes: str) -> dict[int | str, dict[str, Any]]:
    """The entries of ``responses`` for problems with these codes, separated by spaces."""
    by_status: dict[int | str, list[str]] = {}
    if "too-large" in codes:  # a body is read
        codes += " too-slow unsupported-encoding"
    for code in codes.split():
        by_status.setdefault(problem_status(code), []).append(code)
    by_status[problem_status("rate-limited")] = ["rate-limited"]
    by_status["default"] = ["internal", "overloaded", "read-only"]
    return {status: _problem_response(same) for status, same in by_status.items()}


def _problem_response(codes: list[str]) -> dict[str, Any]:
    examples = {code: {"value": problem_document(code, PROBLEMS[code])} for code in codes}
    content = {MEDIA_TYPE: {"schema": _ref(Problem), "examples": examples}}
    return {"description": ", ".join(f"`{code}`" for code in codes), "content": content}


def openapi_document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document of these routes, with all schemas and examples."""
    document = get_openapi(
        title="Kvitto",
        version="1",
        description=files("api").joinpath(_INTRODUCTION).read_text("utf-8"),
        tags=TAGS,
        routes=routes,
        separate_input_output_schemas=False,
    )
    described_only: list[tuple[type[BaseModel], Literal["validation"]]]
    described_only = [(model, "validation") for model in (*REQUESTS, Problem)]
    _, schemas = models_json_schema(described_only, ref_template=_REF)
    document["components"]["schemas"] |= schemas["$defs"]
    for name, schema in document["components"]["schemas"].items():
        _describe_members(name, schema)
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
            _add_examples(operation, _examples().get(operation["operationId"], {}))
    return document


def _describe_members(model: str, schema: dict[str, Any]) -> None:
    for name, member in schema.get("properties", {}).items():
        meaning = MEMBERS.get(f"{model}.{name}") or MEMBERS.get(name)
        if meaning and "description" not in member:
            member["description"] = meaning


def _add_examples(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in example.get("parameters", {}):
            parameter["example"] = example["parameters"][parameter["name"]]
    if "request" in example:
        (content,) = operation["requestBody"]["content"].values()
        content["example"] = example["request"]
    if "response" in example:
        (content,) = next(iter(operation["responses"].values()))["content"].values()
        content["example"] = example["response"]


@cache
def _examples() -> dict[str, Any]:
    examples: dict[str, Any] = json.loads(files("api").joinpath(_EXAMPLES).read_bytes())
    return examples


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]
