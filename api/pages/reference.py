"""The reference: the OpenAPI document as one page that needs no other and no script."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.pages.samples import curl, sample
from api.pages.schemas import Row, document_rows, type_words
from api.pages.templating import template
from api.problems import MEDIA_TYPE

__all__ = ["render_reference"]

_KEYS = {"operatorKey": "the operator's key", "merchantKey": "the merchant's API key"}


@dataclass(frozen=True)
class Content:
    """A body: its media type, rows and example."""

    kind: str
    rows: list[Row]
    sample: str


@dataclass(frozen=True)
class Answer:
    """What comes back with one status."""

    status: str
    description: str
    contents: list[Content]


@dataclass(frozen=True)
class Known:
    """A problem that an operation can answer with."""

    status: int
    code: str
    meaning: str


@dataclass(frozen=True)
class Parameter:
    """What is said in the path, the query or a header."""

    name: str
    place: str
    kind: str
    required: bool
    description: str
    example: str


@dataclass(frozen=True)
class Operation:
    """One call."""

    id: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    key: str
    parameters: list[Parameter]
    body: Content | None
    curl: str
    answers: list[Answer]
    problems: list[Known]


def render_reference(document: Mapping[str, Any]) -> str:
    """The page for this OpenAPI document."""
    operations = list(_operations(document))
    problems = {known.code: known for operation in operations for known in operation.problems}
    tags = [
        {**tag, "operations": [o for o in operations if o.tag == tag["name"]]}
        for tag in document["tags"]
    ]
    return template("reference.html").render(
        title=document["info"]["title"],
        lead=document["info"]["description"].partition("\n## ")[0],
        sections=list(_sections(document["info"]["description"])),
        tags=tags,
        problems=sorted(problems.values(), key=lambda known: (known.status, known.code)),
        common=_common(operations),
    )


def _sections(introduction: str) -> Iterator[dict[str, str]]:
    for section in introduction.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        yield {"id": re.sub(r"[^a-z]+", "-", title.lower()), "title": title, "text": text}


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    known = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield _operation(path, method.upper(), operation, known)


def _operation(
    path: str, method: str, operation: Mapping[str, Any], known: Mapping[str, Any]
) -> Operation:
    bodies = list(_contents(operation.get("requestBody", {}), known))
    examples = [
        c.get("example") for c in operation.get("requestBody", {}).get("content", {}).values()
    ]
    return Operation(
        id=operation["operationId"],
        tag=operation["tags"][0],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        key=" or ".join(_keys(operation)),
        parameters=[_parameter(p, known) for p in operation.get("parameters", ())],
        body=bodies[0] if bodies else None,
        curl=curl(method, path, operation, examples[0] if examples else None),
        answers=list(_answers(operation, known)),
        problems=sorted(_problems(operation), key=lambda problem: (problem.status, problem.code)),
    )


def _keys(operation: Mapping[str, Any]) -> Iterator[str]:
    for requirement in operation.get("security", ()):
        if not requirement:
            yield "no key"
        for scheme, scopes in requirement.items():
            scoped = f" (scope `{', '.join(scopes)}`)" if scopes else ""
            yield f"{_KEYS[scheme]}{scoped}"


def _parameter(parameter: Mapping[str, Any], known: Mapping[str, Any]) -> Parameter:
    return Parameter(
        parameter["name"],
        parameter["in"],
        type_words(parameter["schema"], known),
        parameter.get("required", False),
        parameter.get("description", ""),
        sample(str(parameter.get("example", ""))),
    )


def _contents(message: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Content]:
    for kind, content in message.get("content", {}).items():
        rows = list(document_rows(content.get("schema", {}), known))
        yield Content(kind, rows, sample(content["example"]) if "example" in content else "")


def _answers(operation: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Answer]:
    for status, response in operation["responses"].items():
        if MEDIA_TYPE not in response.get("content", {}):
            yield Answer(status, response["description"], list(_contents(response, known)))


def _problems(operation: Mapping[str, Any]) -> Iterator[Known]:
    for response in operation["responses"].values():
        for code, example in (
            response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}).items()
        ):
            yield Known(example["value"]["status"], code, example["value"]["detail"])


def _common(operations: list[Operation]) -> set[str]:
    """The problems that every call can have; they are told once."""
    every = [{problem.code for problem in operation.problems} for operation in operations]
    return set.intersection(*every)
