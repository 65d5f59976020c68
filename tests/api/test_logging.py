"""The log says how each request went, and nothing by which a claim could be told from another."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.observing import ACCESS_LOG
from cli.logs import JsonLines, logging_configuration
from tests.api.shop import OPERATOR, SALE, Shop
from tests.api.story import play
from tests.databases import Sqlite, fresh

SHORT = 8  # a text of fewer characters is found in any log


@pytest.fixture
def shop(sqlite: Sqlite) -> Iterator[Shop]:
    """What is logged does not depend on the database."""
    with fresh(sqlite) as database, Shop(database, entered=False) as opened:
        yield opened


def _written(records: list[logging.LogRecord]) -> str:
    """All that a service would write, in either format; what libraries say, from warnings on."""
    ours = [r for r in records if r.name.startswith("kvitto") or r.levelno >= logging.WARNING]
    formatters = (JsonLines(), logging.Formatter("%(asctime)s %(message)s"))
    return "\n".join(formatter.format(record) for formatter in formatters for record in ours)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case str() if len(value) >= SHORT:
            yield value


def test_no_secret_is_in_the_log(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text that was sent or answered in the whole story, and every path and query."""
    said: list[str] = []
    send = shop.client.send

    def listen(*arguments: Any, **named: Any) -> httpx.Response:
        answer = send(*arguments, **named)
        request = answer.request
        said.extend(part for part in request.url.path.split("/") if any(map(str.isdigit, part)))
        said.append(request.url.query.decode())
        said.append(request.headers.get("authorization", "").partition(" ")[2])
        for content in (request.content, answer.read()):
            if content.startswith(b"{"):
                said.extend(_texts(json.loads(content)))
        return answer

    monkeypatch.setattr(shop.client, "send", listen)
    with caplog.at_level(logging.DEBUG):
        play(shop)
        shop.post("claims", {"claim": {}, "proof": "AAAA"})
        shop.get("/v1/merchants/not-to-be-logged")
    logged = _written(caplog.records)
    templates = " ".join(shop.app.openapi()["paths"])  # words of which are values elsewhere
    told = {text for text in said if len(text) >= SHORT and text not in templates}
    assert len(told) > 100
    assert {OPERATOR, SALE["product"]} <= told
    assert {text for text in told if text in logged} == set()
    assert "not-to-be-logged" not in logged
    assert "testclient" not in logged


def test_each_request_is_one_line(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, ACCESS_LOG):
        found = shop.get("/v1/merchants")
        head = shop.client.send("HEAD", "/healthz")
        missing = shop.get("/no/such/thing")
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/v1/merchants", found.status_code),
        ("HEAD", "/healthz", 200),
        ("GET", "-", 404),
    ]
    ids = [line["request_id"] for line in lines]
    assert ids == [answer.headers["x-request-id"] for answer in (found, head, missing)]
    assert len(set(ids)) == 3
    assert all(line["milliseconds"] > 0 and line["level"] == "info" for line in lines)


def test_a_request_id_from_outside_is_not_logged(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, ACCESS_LOG):
        headers = {"X-Request-Id": "of-somebody-else"}
        answer = shop.client.send("GET", "/healthz", headers=headers)
    assert answer.headers["x-request-id"] != "of-somebody-else"
    assert "of-somebody-else" not in caplog.text


def test_a_method_that_somebody_made_up_is_not_logged(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, ACCESS_LOG):
        answer = shop.client.send("SECRET", "/healthz")
    assert answer.status_code == 405
    assert "SECRET" not in caplog.text


def test_other_messages_are_json_too() -> None:
    record = logging.LogRecord("kvitto.api", logging.ERROR, "", 0, "two\n%s", ("lines",), None)
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line).items() >= {"level": "error", "message": "two\nlines"}.items()


def test_only_our_own_loggers_have_handlers() -> None:
    """A library's, at a level that it chooses, could print the values of a statement."""
    for as_json in (False, True):
        assert logging_configuration(as_json=as_json)["loggers"].keys() == {
            "kvitto",
            "uvicorn.error",
        }
