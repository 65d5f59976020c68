"""Requests and answers as examples for people: long values shortened, curl lines."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["curl", "sample"]

_LONGEST_TEXT = 72
_SHOWN_TEXT = 40
_SHOWN_ITEMS = 2
_SHOWN_LINES = 60
_INLINE = 300  # characters of a body that a shell line still carries legibly


def sample(value: Any) -> str:
    """The example as indented JSON, or as it is if it is text; shortened where it says ``…``."""
    text = value if isinstance(value, str) else _written(_shortened(value))
    lines = text.splitlines()
    return "\n".join([*lines[:_SHOWN_LINES], "…"] if len(lines) > _SHOWN_LINES else lines)


def _written(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        items = [_shortened(inner) for inner in value[:_SHOWN_ITEMS]]
        left = len(value) - _SHOWN_ITEMS
        return [*items, f"… and {left} more"] if left > 0 else items
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_SHOWN_TEXT]}…"
    return value


def curl(method: str, path: str, operation: Mapping[str, Any], body: Any) -> str:
    """A shell command that sends the example, with the service's address in ``$KVITTO``."""
    return " \\\n  ".join(_arguments(method, path, operation, body))


def _arguments(method: str, path: str, operation: Mapping[str, Any], body: Any) -> Iterator[str]:
    parameters = operation.get("parameters", ())
    query = []
    for parameter in parameters:
        value = str(parameter.get("example", ""))
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        elif parameter["in"] == "query" and value:
            query.append(f"{parameter['name']}={value}")
    verb = "" if method == "GET" else f"-X {method} "
    yield f'curl {verb}"$KVITTO{path}{"?" if query else ""}{"&".join(query)}"'
    keys = [requirement for requirement in operation.get("security", ()) if requirement]
    for requirement in keys[-1:]:  # any one of them will do
        yield f'-H "Authorization: Bearer ${_variable(next(iter(requirement)))}"'
    for parameter in parameters:
        if parameter["in"] == "header" and "example" in parameter:
            header = f"{parameter['name']}: {parameter['example']}"
            yield f"-H {shlex.quote(header)}"
    if body is not None:
        yield "-H 'Content-Type: application/json'"
        yield f"--data {_data(body)}"


def _variable(scheme: str) -> str:
    return "OPERATOR_KEY" if scheme == "operatorKey" else "API_KEY"


def _data(body: Any) -> str:
    written = json.dumps(body, ensure_ascii=False)
    return shlex.quote(written) if len(written) <= _INLINE else "@request.json"
