"""A client of the application in this process; it holds every answer to its description."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Any, Self

import httpx
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from pydantic import BaseModel

from api.documents.common import Document
from api.problems import MEDIA_TYPE
from policies.notice import Notice
from policies.policy import Policy

__all__ = ["MODELS", "Client", "Operation"]


class Operation:
    """A path and method of the OpenAPI document."""

    def __init__(self, method: str, template: str, document: dict[str, Any]) -> None:
        self.method = method.upper()
        self.template = template
        self.document = document
        self.id: str = document["operationId"]
        self._pattern = re.compile(re.sub(r"\{(\w+)\}", _segment, template))

    def matches(self, method: str, path: str) -> bool:
        return method == self.method and self._pattern.fullmatch(path) is not None

    def parameters(self, answer: httpx.Response) -> dict[str, Any]:
        """What a request to this operation said beside its body, as the schemas have it."""
        request = answer.request
        match = self._pattern.fullmatch(request.url.path)
        given = {**(match.groupdict() if match else {}), **request.url.params}
        for parameter in self.document.get("parameters", ()):
            if parameter["in"] == "header":
                given[parameter["name"]] = request.headers[parameter["name"]]
        numbers = {
            parameter["name"]
            for parameter in self.document.get("parameters", ())
            if parameter["schema"]["type"] == "integer"
        }
        return {name: int(text) if name in numbers else text for name, text in given.items()}

    def check(self, answer: httpx.Response) -> None:
        """The answer is one that the document promises."""
        responses = self.document["responses"]
        status = str(answer.status_code)
        if status not in responses and answer.is_server_error:
            status = "default"
        assert status in responses, (self.id, answer.status_code, answer.text)
        if answer.status_code == 304:
            return
        content = responses[status]["content"]
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in content, (self.id, kind)
        if kind == MEDIA_TYPE:
            code = answer.json()["type"].rpartition(":")[2]
            assert code in content[kind]["examples"], (self.id, code)
        name = content[kind].get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name:
            MODELS[name].model_validate_json(answer.content)


def _models(of: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield of
    for model in of.__subclasses__():
        yield from _models(model)


MODELS = {model.__name__: model for root in (Document, Policy, Notice) for model in _models(root)}
"""The models of the OpenAPI document by name."""


def _segment(match: re.Match[str]) -> str:
    # Only these two may contain slashes.
    characters = ".+" if match[1] in ("policy", "path") else "[^/]+"
    return f"(?P<{match[1]}>{characters})"


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for template, methods in document["paths"].items():
        for method, operation in methods.items():
            yield Operation(method, template, operation)


class Client:
    """Blocking requests to ``app``, whose lifespan is the client's."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._open = ExitStack()
        self.operations = list(operations(app.openapi()))

    def __enter__(self) -> Self:
        self._portal = self._open.enter_context(start_blocking_portal())
        lifespan = self.app.router.lifespan_context(self.app)
        self._open.enter_context(self._portal.wrap_async_context_manager(lifespan))
        self._transport = httpx.ASGITransport(self.app)
        client = httpx.AsyncClient(transport=self._transport, base_url="http://ledger.example")
        self._client = self._open.enter_context(self._portal.wrap_async_context_manager(client))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        key: str | None = None,
        query: dict[str, Any] | str | None = None,
        names: Sequence[str] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
        address: str = "127.0.0.1",
    ) -> httpx.Response:
        """The answer to ``body`` as JSON, or to ``content`` as it is.

        ``names`` are sent as ``Idempotency-Key``.
        """
        if body is not None:
            content = json.dumps(body).encode()
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        fields += [(b"Idempotency-Key", name.encode()) for name in names]
        if key is not None:
            fields.append((b"Authorization", f"Bearer {key}".encode()))
        if isinstance(query, str):
            path, query = f"{path}?{query}", None
        self._transport.client = (address, 1)
        request = partial(self._client.request, method, path, headers=fields, params=query)
        answer = self._portal.call(partial(request, content=content))
        if operation := self.operation(answer.request):
            operation.check(answer)
        return answer

    def operation(self, request: httpx.Request) -> Operation | None:
        """The first operation that the request is for, as the router takes the first."""
        path = request.url.path
        return next((o for o in self.operations if o.matches(request.method, path)), None)
