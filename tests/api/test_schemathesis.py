"""Schemathesis reads the OpenAPI document and tries to prove it wrong.

``make fuzz-api`` (HYPOTHESIS_PROFILE=fuzz) tries forty times as much, and something else each time.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis import engine
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.python.asgi import shutdown_lifespans
from starlette.types import ASGIApp, Receive, Scope, Send

from api.openapi import TAGS
from api.problems import MEDIA_TYPE
from tests.api.client import operations
from tests.api.shop import OPERATOR, Shop
from tests.databases import Sqlite, fresh

_EXAMPLES = settings().max_examples // 20
_PARTS = 4  # several processes share them
_LEAST_REQUESTS = 3
_OFF = {"enabled": False}
# JSON Schema takes 5.0 for 5, any 32 bytes for a point of the curve and any text for NFC.
_SWITCHED_OFF = {"positive_data_acceptance": _OFF}
_SWITCHED_OFF_FOR = [
    # A row that is malformed is refused in the answer, beside those that are done.
    ("/(bulk|sales|catalogue/products)$", {"negative_data_rejection": _OFF}),
]


@schemathesis.check
def problem_is_documented(
    _context: schemathesis.CheckContext, answer: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """The codes of problems are listed too, which no schema of an answer says."""
    if answer.status_code == 405 or MEDIA_TYPE not in str(answer.headers.get("content-type")):
        return
    code = answer.json()["type"].rpartition(":")[2]
    responses = case.operation.definition.raw["responses"]
    known = responses.get(str(answer.status_code), responses["default"])["content"][MEDIA_TYPE]
    assert code in known["examples"], code


@pytest.fixture(scope="module")
def prepared(sqlite: Sqlite) -> Iterator[tuple[str, dict[str, Any]]]:
    """A shop in which there is something to find, and what a client of it would know."""
    with fresh(sqlite) as database:
        with Shop(database) as shop:
            bought = shop.open_for_claims()
            claim = shop.post("claims", shop.claim_body(bought[0])).json()
            known = {"path.merchant": "acme", "path.claim_id": claim["claim_id"]}
            keys = {"merchantKey": {"bearer": shop.key}, "operatorKey": {"bearer": OPERATOR}}
        yield database, {"parameters": known, "auth": {"openapi": keys}}


@pytest.fixture
def shop(sqlite: Sqlite, prepared: tuple[str, dict[str, Any]]) -> Iterator[Shop]:
    with fresh(sqlite, prepared[0]) as database:
        yield Shop(database, entered=False)
        shutdown_lifespans()  # Schemathesis has begun one, and would leave it to the process's end


@pytest.mark.parametrize("part", range(_PARTS))
def test_service_keeps_to_its_document(
    shop: Shop, prepared: tuple[str, dict[str, Any]], part: int
) -> None:
    tags = [tag["name"] for tag in TAGS][part::_PARTS]
    requests, complaints = _play(shop, tags, prepared[1])
    assert complaints == []
    asked = [o for o in operations(shop.app.openapi()) if o.document["tags"][0] in tags]
    assert requests >= _LEAST_REQUESTS * len(asked)


def test_schemathesis_would_notice(sqlite: Sqlite) -> None:
    with fresh(sqlite) as database, Shop(database) as shop:
        document = deepcopy(shop.app.openapi())
        document["components"]["schemas"]["Health"]["properties"]["status"]["const"] = "well"
        shop.app.openapi = lambda: document  # type: ignore[method-assign]
        _, complaints = _play(shop, ["service"], {})
        shutdown_lifespans()
    assert any("Response violates schema" in complaint for complaint in complaints)


def _play(shop: Shop, tags: Sequence[str], known: dict[str, Any]) -> tuple[int, list[str]]:
    """How many requests there were, and each complaint with a command that shows it."""
    config = schemathesis.Config.from_dict(
        {
            "generation": {
                "max-examples": _EXAMPLES,
                "deterministic": settings().derandomize,
                "database": "none",
            },
            "checks": _SWITCHED_OFF,
            "operations": [
                {"include-path-regex": path, "checks": checks} for path, checks in _SWITCHED_OFF_FOR
            ],
            "phases": {"stateful": {"enabled": not settings().derandomize}},
            **known,
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", _as_neighbour(shop.app), config=config)
    others = ["streams", *(tag["name"] for tag in TAGS if tag["name"] not in tags)]
    asked = schema.exclude(tag=others)  # a stream does not end; its tests are in test_streams.py
    requests, complaints = 0, []
    for event in engine.from_schema(asked).execute():
        assert not isinstance(event, FatalError | NonFatalError), event
        if isinstance(event, ScenarioFinished):
            requests += len(event.recorder.interactions)
            complaints += list(_complaints(event))
    return requests, complaints


def _as_neighbour(app: ASGIApp) -> ASGIApp:
    """The application as from an address that has no limits."""

    async def neighbour(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": ("127.0.0.1", 1)}, receive, send)

    return neighbour


def _complaints(event: ScenarioFinished) -> Iterator[str]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure, command = check.failure_info.failure, check.failure_info.code_sample
                yield f"{event.label}: {failure.title}: {failure.message}\n{command}"
