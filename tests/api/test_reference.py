import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from api.meanings import PROBLEMS
from api.pages.reference import render_reference
from api.pages.samples import curl, sample
from api.pages.schemas import document_rows, type_words
from tests.api.client import operations
from tests.api.shop import Shop
from tests.databases import Sqlite, fresh


class Page(HTMLParser):
    """What a page says, and what it loads and links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        address = given.get("href") or given.get("src")
        if address:
            (self.links if tag == "a" else self.loads).append(address)
        assert not any(name.startswith("on") or name == "style" for name in given)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def shop(sqlite: Sqlite) -> Iterator[Shop]:
    with fresh(sqlite) as database, Shop(database) as shop:
        yield shop


@pytest.fixture(scope="module")
def document(shop: Shop) -> dict[str, Any]:
    return shop.app.openapi()


@pytest.fixture(scope="module")
def page(shop: Shop) -> Page:
    return Page(shop.client.send("GET", "/reference").text)


def test_all_calls_problems_and_members_are_on_the_page(
    document: dict[str, Any], page: Page
) -> None:
    for operation in operations(document):
        assert operation.id in page.ids
        assert operation.template in page.text
        assert f'"$KVITTO{operation.template.partition("{")[0]}' in page.text
    for code in _codes(document):
        assert f"problem-{code}" in page.ids
    for schema in document["components"]["schemas"].values():
        for name in schema.get("properties", ()):
            assert name in page.text


def test_it_needs_no_other_document(page: Page) -> None:
    assert all(load.startswith("/assets/") for load in page.loads)
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inner) <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    outer = {link for link in page.links if not link.startswith("#")}
    assert {link for link in outer if link.startswith("/")} == {"/openapi.json"}
    assert outer - {"/openapi.json"} <= {
        "https://c2sp.org/tlog-tiles",
        "https://www.standardwebhooks.com",
    }


def test_every_problem_and_member_has_a_meaning(document: dict[str, Any]) -> None:
    assert set(PROBLEMS) == set(_codes(document)) | {"head-too-large", "method-not-allowed"}
    mute = [
        f"{model}.{name}: api/meanings.py or its Field can describe it"
        for model, schema in document["components"]["schemas"].items()
        for name, member in schema.get("properties", {}).items()
        if not member.get("description") and "$ref" not in member
    ]
    assert mute == []


def test_text_of_the_document_is_never_markup(document: dict[str, Any]) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1))"
    operation = {
        "operationId": "x",
        "tags": ["t"],
        "summary": hostile,
        "description": hostile,
        "responses": {"200": {"description": hostile, "content": {"a/b": {"example": hostile}}}},
    }
    page = Page(
        render_reference(
            {
                "info": {"title": hostile, "description": f"{hostile}\n## Words\n{hostile}"},
                "tags": [{"name": "t", "description": hostile}],
                "paths": {"/x": {"get": operation}},
                "components": document["components"],
            }
        )
    )
    assert "img" not in page.tags
    assert all(load.startswith("/assets/") for load in page.loads)
    assert not any("javascript" in link for link in page.links)
    assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize("path", ["/reference", "/assets/base.css", "/assets/reference.js"])
def test_a_browser_may_do_little_with_it(shop: Shop, path: str) -> None:
    answer = shop.client.send("GET", path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/assets/", "/assets/none.css", "/assets/../templates/reference.html", "/reference/"]
)
def test_nothing_else_is_served(shop: Shop, path: str) -> None:
    assert shop.client.send("GET", path).status_code == 404


def test_rows_of_inner_objects_are_below_their_member() -> None:
    known: dict[str, Any] = {
        "Inner": {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}},
        "Outer": {
            "properties": {
                "size": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "default": 4},
                "inner": {"anyOf": [{"$ref": "#/s/Inner"}, {"type": "null"}]},
                "codes": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            },
            "required": ["size"],
        },
    }
    rows = list(document_rows({"$ref": "#/s/Outer"}, known))
    assert [(row.name, row.depth, row.kind, row.required) for row in rows] == [
        ("size", 0, "number", True),
        ("inner", 0, "object or null", False),
        ("day", 1, "day", False),
        ("codes", 0, "list of text", False),
    ]
    assert [row.limits for row in rows] == [("1 to 8", "default 4"), (), (), ("at most 2 items",)]
    assert type_words({"enum": ["a", 1]}, known) == '"a", 1'


def test_forms_that_exclude_each_other_are_told_apart() -> None:
    forms = [{"properties": {name: {"type": "string"}}, "description": name} for name in "ab"]
    rows = list(document_rows({"anyOf": forms}, {}))
    assert [(row.name, row.kind) for row in rows] == [
        ("either", ""),
        ("a", "text"),
        ("or", ""),
        ("b", "text"),
    ]


def test_examples_are_shortened_and_say_so() -> None:
    assert sample({"proof": "f" * 100}) == '{\n  "proof": "' + "f" * 40 + '…"\n}'
    assert "… and 3 more" in sample([1, 2, 3, 4, 5])
    assert sample({"short": "f" * 72}).count("…") == 0


def test_a_curl_line_is_safe_to_paste() -> None:
    operation: dict[str, Any] = {"security": [{"merchantKey": []}]}
    line = curl("POST", "/x", operation, {"name": "it's `id` $(id)"})
    assert """--data '{"name": "it'"'"'s `id` $(id)"}'""" in line
    assert '-H "Authorization: Bearer $API_KEY"' in line


def _codes(document: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for operation in operations(document):
        for answer in operation.document["responses"].values():
            for content in answer.get("content", {}).values():
                found |= set(content.get("examples", ()))
    return {code for code in found if re.fullmatch(r"[a-z-]+", code)}
