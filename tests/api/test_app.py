from collections.abc import Callable, Iterator
from time import monotonic, sleep

import anyio
import pytest
from fastapi import FastAPI, Request
from sqlalchemy.exc import OperationalError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import app as api_app
from api.app import create_app
from api.problems import CatchUnexpected, add_problem_handlers
from api.settings import Settings
from commitments.errors import Overloaded
from issuer.closing import Closer
from ledger.store import CommitFailed
from tests.api.client import Client
from tests.api.shop import OPERATOR, SALE, Shop
from tests.databases import SEALING
from tests.world import FakeClock

SECRET = "a value of some claim"


@pytest.fixture
def failing() -> Iterator[Client]:
    """An application whose routes fail as no route should."""
    app = FastAPI()
    add_problem_handlers(app)

    def fails_with(error: Exception) -> Callable[[], None]:
        def fail() -> None:
            raise error

        return fail

    def fail_twice() -> None:
        try:
            fails_with(KeyError(SECRET))()
        except KeyError as error:
            raise RuntimeError(SECRET) from error

    app.get("/bug")(fail_twice)
    app.get("/full")(fails_with(Overloaded("the queue is full")))
    app.get("/gone")(fails_with(OperationalError(SECRET, {}, OSError(SECRET))))
    app.get("/locked")(fails_with(CommitFailed("the commit was not confirmed")))
    app.openapi = lambda: {"paths": {}}  # type: ignore[method-assign]
    with Client(app) as client:
        yield client


def test_an_unexpected_error_says_nothing_to_anyone(
    failing: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = failing.send("GET", "/bug")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:kvitto:problem:internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert "unexpected RuntimeError" in caplog.text
    assert "unexpected KeyError" in caplog.text
    assert "raise error" in caplog.text  # where it was, but not what
    assert SECRET not in caplog.text


def _call(app: ASGIApp) -> list[Message]:
    """What the wrapped ASGI application sends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    anyio.run(CatchUnexpected(app), {"type": "http"}, receive, send)
    return sent


def test_a_client_that_has_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, _send: Send) -> None:
        await Request(scope, receive).body()

    assert _call(app) == []
    assert caplog.text == ""


def test_an_answer_that_has_begun_is_not_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": []}

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start)
        raise KeyError(SECRET)

    assert _call(app) == [start]
    assert "unexpected KeyError" in caplog.text


@pytest.mark.parametrize("path", ["/full", "/locked", "/gone"])
def test_who_comes_at_a_bad_moment_is_told_when_to_come_back(
    failing: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = failing.send("GET", path)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:kvitto:problem:overloaded")
    assert answer.headers["retry-after"] == "1"
    assert SECRET not in answer.text + caplog.text


def _daily(database: str, clock: FakeClock) -> FastAPI:
    return create_app(Settings("ledger.example", database, OPERATOR, SEALING, clock))


def test_a_day_is_closed_when_the_service_is_up_again(database: str) -> None:
    clock = FakeClock()
    with Client(_daily(database, clock)) as client:
        merchant = {"id": "acme", "name": "Acme"}
        key = client.send("POST", "/v1/merchants", body=merchant, key=OPERATOR).json()["api_key"]
        client.send("POST", "/v1/merchants/acme/sales", body={"sales": [SALE]}, key=key)
        assert _closes(client) == []
    clock.advance(days=1)
    with Client(_daily(database, clock)) as client:
        deadline = monotonic() + 30  # the close is made in a thread of the service
        while not (closes := _closes(client)) and monotonic() < deadline:
            sleep(0.02)
        assert [close["size"] for close in closes] == [1]


def test_days_are_closed_while_the_service_runs(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an error does not end that."""
    calls: list[int] = []

    def close_due(_: Closer) -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise OSError(SECRET)

    monkeypatch.setattr(Closer, "due", close_due)
    monkeypatch.setattr(api_app, "_CLOSE_SECONDS", 0)
    with Client(_daily(database, FakeClock())) as client:
        while len(calls) < 3:
            client.send("GET", "/healthz")
    assert len(calls) >= 3


def _closes(client: Client) -> list[dict[str, int]]:
    answer = client.send("GET", "/v1/merchants/acme/events", query={"types": "log.closed"})
    declared, *closed = answer.json()["events"]
    assert declared["index"] == 0
    return [shown["event"] for shown in closed]


def test_the_service_is_healthy_while_its_database_is(shop: Shop) -> None:
    assert shop.get("/healthz").json() == {"status": "ok"}


def test_settings_do_not_show_what_is_secret(shop: Shop) -> None:
    settings = shop.app.state.service.settings
    assert OPERATOR not in repr(settings)
    assert settings.database not in repr(settings)
    assert "ledger.example" in repr(settings)


def test_there_are_no_pages_with_scripts_from_elsewhere(shop: Shop) -> None:
    assert shop.get("/docs").status_code == 404
    assert shop.get("/redoc").status_code == 404
    assert shop.get("/openapi.json").json() == shop.app.openapi()
