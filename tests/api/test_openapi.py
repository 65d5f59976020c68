import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI

from commitments.p256 import P256
from commitments.sale import parse_sale
from ledger.events import LogDeclaration, encode_event
from ledger.evidence import EventEvidence, verify_event_evidence
from ledger.note import parse_vkey
from ledger.rings import RingEvidence
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from policies.claim import parse_claim
from policies.policy import json_schema, parse_policy
from tests.api.client import MODELS, Operation, operations
from tests.api.shop import Shop
from tests.api.story import EXAMPLES, SCHEMA, play, text_of
from tests.databases import Sqlite, fresh
from zk.issuance import parse_request, verify_request


@pytest.fixture(scope="module")
def document(sqlite: Sqlite) -> dict[str, Any]:
    with fresh(sqlite) as database, Shop(database) as shop:
        found: dict[str, Any] = json.loads(json.dumps(shop.app.openapi()))
    return found


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(EXAMPLES.read_text("utf-8"))
    return read


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPI.model_validate(document)
    assert document["openapi"].startswith("3.1")
    for reference in _references(document):
        assert reference.rpartition("/")[2] in document["components"]["schemas"]
    for kind in document["components"].values():
        for name in kind:
            assert re.fullmatch(r"[A-Za-z0-9._-]+", name)  # OpenAPI 3.1, 4.8.7
    ids = [operation.id for operation in operations(document)]
    assert len(set(ids)) == len(ids)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    tags = [tag["name"] for tag in document["tags"]]
    used = []
    for operation in operations(document):
        used += operation.document["tags"]
        assert operation.document["description"].endswith(".")
        assert "422" not in operation.document["responses"] or _problems(operation, "422")
        assert _problems(operation, "default") == ["internal", "overloaded", "read-only"]
    assert sorted(set(used), key=tags.index) == tags


def test_every_operation_has_an_example(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for parameter in operation.document.get("parameters", ()):
            assert "example" in parameter, (operation.id, parameter["name"])
        for content in operation.document.get("requestBody", {}).get("content", {}).values():
            assert "example" in content, operation.id
        first = next(iter(operation.document["responses"].values()))["content"]
        assert all("example" in content for kind, content in first.items() if _is_text(kind))


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for operation in operations(document):
        for content in _contents(operation):
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            for example in _examples(content) if name else ():
                MODELS[name].model_validate_json(json.dumps(example))
                checked += 1
    assert checked > 30


def test_examples_are_real(examples: dict[str, Any]) -> None:
    merchant = examples["read_a_merchant"]["response"]
    purchases, events = (parse_vkey(merchant[f"{log}_vkey"]) for log in ("purchases", "events"))
    assert LogDeclaration.from_event(merchant["declaration"]).purchases.vkey == purchases.vkey
    purchase = examples["record_a_purchase"]["request"]
    parse_sale(purchase["sale"])
    request = parse_request(purchase["request"], P256)
    verify_request(P256, merchant["origin"], purchase["order"], request)
    parse_policy(examples["publish_a_policy"]["request"])
    parse_claim(examples["make_a_claim"]["request"]["claim"])
    receipt = examples["make_a_claim"]["response"]["receipt"]
    proof = TlogProof.parse(receipt["proof"].encode())
    verify_tlog_proof(proof, encode_event(receipt["event"]), events)
    verify_event_evidence(EventEvidence.parse(examples["show_events"]["response"]), events)
    RingEvidence.from_json(examples["show_a_ring"]["response"]["ring"])


def test_the_story_still_goes_as_the_examples_tell(examples: dict[str, Any], database: str) -> None:
    with Shop(database, entered=False) as shop:
        played = play(shop)
    assert _shape(played) == _shape(examples), "python -m tests.api.story writes them"
    assert text_of(examples) == EXAMPLES.read_text("utf-8")


def test_no_example_shows_a_key(examples: dict[str, Any]) -> None:
    shown = re.findall(r"(?:kv|test)_acme_[0-9a-f]+", json.dumps(examples))
    assert shown == ["kv_acme_" + "0123456789abcdef" * 4] * 4


def test_the_schema_file_is_that_of_the_code() -> None:
    assert SCHEMA.read_text("utf-8") == text_of(json_schema()), (
        "python -m tests.api.story writes it"
    )


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from _references(inner)


def _problems(operation: Operation, status: str) -> list[str]:
    (content,) = operation.document["responses"][status]["content"].values()
    return list(content["examples"])


def _is_text(kind: str) -> bool:
    return kind != "application/octet-stream"


def _contents(operation: Operation) -> Iterator[dict[str, Any]]:
    for message in (
        operation.document.get("requestBody", {"content": {}}),
        *operation.document["responses"].values(),
    ):
        yield from message.get("content", {}).values()


def _examples(content: dict[str, Any]) -> list[Any]:
    named = [example["value"] for example in content.get("examples", {}).values()]
    return [*named, content["example"]] if "example" in content else named


def _shape(part: Any) -> Any:
    """Names and types, without the values."""
    if isinstance(part, dict):
        return {name: _shape(inner) for name, inner in sorted(part.items())}
    if isinstance(part, list):
        return [_shape(inner) for inner in part]
    return type(part).__name__
