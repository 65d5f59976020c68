"""Streams of events over real HTTP: nothing is lost, nobody is waited for."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from aftersales.steps import BUYER, MERCHANT
from api import streams
from api.stopping import Stopping
from api.streams import EventStream, Streams, frame
from ledger.cosigning import forget_published
from ledger.events import events_origin
from ledger.schema import published
from tests.api.shop import Shop
from tests.serving import served, serving
from tests.steps import LOOKED_AT, PLAIN, Followed
from tests.world import NOTICE, ORIGIN, Bought
from verifier.watching import Interest

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_LOOK_SECONDS", 0.02)


class Frames:
    """What comes of a stream, frame by frame."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._chunks = answer.iter_bytes()
        self._rest = b""

    def next(self) -> str:
        while b"\n\n" not in self._rest:
            self._rest += next(self._chunks)
        found, self._rest = self._rest.split(b"\n\n", 1)
        return found.decode()

    def event(self) -> dict[str, Any]:
        """The next that is no comment, with its id."""
        text = self.next()
        while text.startswith(":"):
            text = self.next()
        fields = dict(line.split(": ", 1) for line in text.split("\n"))
        said = json.loads(fields["data"])
        assert said["type"] == fields["event"]
        return {**said, "id": int(fields["id"])}


@contextmanager
def watching(url: str, path: str, last: str | None = None) -> Iterator[Frames]:
    headers = {} if last is None else {"Last-Event-ID": last}
    address = f"{url}/v1/merchants/acme/{path}"
    with httpx.stream("GET", address, headers=headers, timeout=PATIENCE) as answer:
        assert answer.status_code == 200, answer.read()
        frames = Frames(answer)
        assert frames.next() == ":"
        yield frames


@dataclass
class Place:
    """A shop, and another process, as it were, that serves its streams at ``url``."""

    shop: Shop
    bought: list[Bought]
    url: str
    streams: Streams

    def live(self) -> int:
        """How many streams have caught up."""
        return sum(len(log.live) for log in self.streams._logs.values())

    def say(self, name: str, **changes: Any) -> None:
        """Log an event."""
        self.shop.verifier.publish_notice(ORIGIN, {**NOTICE, "id": name, **changes})


@pytest.fixture
def place(database: str) -> Iterator[Place]:
    with Shop(database) as shop:
        bought = shop.buy(*[shop.sale()] * 2)
        shop.close()
        for policy in (PLAIN, LOOKED_AT):
            shop.publish(policy)
        other = Shop(database, entered=False)
        with served(other.app) as url:
            yield Place(shop, bought, url, other.app.state.service.streams)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_claim_is_watched_from_its_decision_on(place: Place) -> None:
    claim = Followed(place.shop, place.bought[0], "looked-at")
    claim.take(BUYER, "note", claim.seal(b"x"))
    with watching(place.url, f"claims/{claim.claim_id}/stream") as frames:
        decided, noted = frames.event(), frames.event()
        assert (decided["type"], noted["step"]) == ("claim.decided", "note")
        assert "proof" not in decided
        Followed(place.shop, place.bought[1], "warranty-2y")
        claim.take(MERCHANT, "approve")
        approved = frames.event()
        assert approved["step"] == "approve"
        assert frames.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert frames.answer.headers["cache-control"] == "no-store"
        assert frames.answer.headers["x-accel-buffering"] == "no"
    with watching(place.url, f"claims/{claim.claim_id}/stream", str(noted["id"])) as frames:
        assert frames.event() == approved
        claim.take(MERCHANT, "start")
        assert frames.event()["step"] == "start"


def test_a_merchants_log_is_watched_by_types(place: Place) -> None:
    with (
        watching(place.url, "stream") as everything,
        watching(place.url, "stream?types=recall.published,claim.step") as some,
    ):
        until(lambda: place.live() == 2)
        claim = Followed(place.shop, place.bought[0], "looked-at")
        claim.take(MERCHANT, "approve")
        place.say("n")
        of_all = [everything.event()["type"] for _ in range(3)]
        assert of_all == ["claim.decided", "claim.step", "recall.published"]
        assert [some.event()["type"] for _ in range(2)] == of_all[1:]
    with watching(place.url, "stream?types=log.closed,policy.published", "0") as frames:
        assert [frames.event()["type"] for _ in range(3)] == [
            "log.closed",
            "policy.published",
            "policy.published",
        ]


@ON_SQLITE
def test_what_was_missed_comes_page_by_page_without_gap_or_repeat(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.watching._PAGE", 3)
    monkeypatch.setattr(streams, "_MOST_READ", 2)
    for number in range(10):
        place.say(f"n{number}")
    with watching(place.url, "stream?types=recall.published", "0") as frames:
        got = [frames.event() for _ in range(10)]
        for number in range(10, 15):
            place.say(f"n{number}")
        got += [frames.event() for _ in range(5)]
    assert [event["notice"]["id"] for event in got] == [f"n{number}" for number in range(15)]
    assert [e["id"] for e in got] == sorted({e["id"] for e in got})


@ON_SQLITE
@pytest.mark.parametrize("last", ["x", "-1", "+1", "1_0", "٣", "", "1.0", "0x1", " 1", "9" * 300])
def test_an_id_that_is_none_is_refused(place: Place, last: str) -> None:
    claim = Followed(place.shop, place.bought[0], "looked-at")
    for path in (f"claims/{claim.claim_id}/stream", "stream"):
        request = place.shop.client._client.build_request(
            "GET", f"/v1/merchants/acme/{path}", headers=[(b"Last-Event-ID", last.encode())]
        )
        answer = place.shop.client._portal.call(place.shop.client._client.send, request)
        assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")


@ON_SQLITE
def test_an_id_from_the_future_means_from_now_on(place: Place) -> None:
    for last in ("99999", "9" * 15):
        with watching(place.url, "stream", last) as frames:
            until(place.live)
            place.say(f"n{len(last)}")
            assert frames.event()["type"] == "recall.published"


@ON_SQLITE
def test_there_is_no_stream_of_what_does_not_exist(place: Place) -> None:
    for path, code in (
        (f"claims/{'00' * 32}/stream", "unknown-claim"),
        ("/v1/merchants/nobody/stream", "unknown-merchant"),
        ("stream?types=claim.secret", "malformed"),
        ("stream?types=", "malformed"),
    ):
        name, _, query = path.partition("?")
        answer = place.shop.get(name, query or None)
        assert answer.json()["type"].endswith(code)


@ON_SQLITE
def test_only_what_witnesses_were_asked_about_is_shown(place: Place) -> None:
    """Readers see the published checkpoint; so do those who watch."""
    size = place.shop.sizes()[1]
    with place.shop.store.log(events_origin(ORIGIN)) as log:
        row = {"log_id": log.id, "size": size, "checkpoint": log.checkpoint()}
    place.shop.store.commit(lambda tx: tx.connection.execute(insert(published).values(row)))
    with watching(place.url, "stream") as frames:
        until(place.live)
        place.say("n")
        time.sleep(0.2)
        (log_watched,) = place.streams._logs.values()
        assert log_watched.size == size
        place.shop.store.commit(forget_published)
        assert frames.event()["type"] == "recall.published"


@ON_SQLITE
def test_who_leaves_is_forgotten(place: Place) -> None:
    """Also who closes only its own half of the connection."""
    host, port = place.url.removeprefix("http://").split(":")
    request = b"GET /v1/merchants/acme/stream HTTP/1.1\r\nHost: x\r\n\r\n"
    opened = place.streams._open
    for half in (False, True):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
            client.sendall(request)
            assert client.recv(4096)
            until(lambda: len(opened) == 1)
            client.shutdown(socket.SHUT_WR) if half else client.close()
            until(lambda: len(opened) == 0)
    assert place.streams._logs == {}
    until(lambda: place.streams._looking is None)


@ON_SQLITE
def test_who_reads_too_slowly_is_let_go_and_goes_on_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_MOST_WAITING", 2)
    host, port = place.url.removeprefix("http://").split(":")
    with socket.socket() as client, watching(place.url, "stream") as quick:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect((host, int(port)))
        client.sendall(b"GET /v1/merchants/acme/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        opened = place.streams._open
        until(lambda: place.live() == 2)
        monkeypatch.setattr(streams, "frame", _long_frame)
        number = 0
        while len(opened) > 1:
            place.say(f"n{number}")
            assert quick.event()["notice"]["id"] == f"n{number}"
            number += 1
            assert number < 50


def _long_frame(position: int, event: Mapping[str, Any]) -> bytes:
    return frame(position, event) + b":" + b"x" * 999_999 + b"\n\n"


@ON_SQLITE
def test_there_is_room_for_so_many(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_MOST_STREAMS", 1)
    with watching(place.url, "stream"):
        refused = httpx.get(f"{place.url}/v1/merchants/acme/stream", timeout=PATIENCE)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    until(lambda: not place.streams._open)
    with watching(place.url, "stream"):
        pass


@ON_SQLITE
def test_a_stream_is_never_silent_for_long(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert streams._HEARTBEAT_SECONDS < 60
    monkeypatch.setattr(streams, "_HEARTBEAT_SECONDS", 0.01)
    with watching(place.url, "stream") as frames:
        assert [frames.next() for _ in range(5)] == [":"] * 5


@ON_SQLITE
def test_head_ends(place: Place) -> None:
    answer = httpx.head(f"{place.url}/v1/merchants/acme/stream", timeout=PATIENCE)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-length" not in answer.headers


@ON_SQLITE
def test_a_failing_database_ends_no_stream(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with watching(place.url, "stream") as frames:
        until(place.live)
        with monkeypatch.context() as patch:
            patch.setattr(streams, "published_sizes", _fail)
            time.sleep(0.1)
        place.say("n")
        assert frames.event()["type"] == "recall.published"


def _fail(*_arguments: Any) -> None:
    raise OSError


@ON_SQLITE
@pytest.mark.parametrize("stops", [False, True])
def test_who_comes_when_the_last_one_leaves_is_not_sent_away(place: Place, *, stops: bool) -> None:
    """It has been counted, and reads how far the log is; nobody watches any log at this moment."""
    stopping = Stopping()
    opened = Streams(place.shop.store, stopping)
    ended: list[EventStream] = []

    class Coming(EventStream):
        def stop(self) -> None:
            ended.append(self)

    coming = Coming(opened, Interest(ORIGIN, frozenset()), None)
    opened.enter(coming)
    if stops:
        stopping.begin()
    asyncio.run(opened._look())
    assert ended == [coming] * stops


def test_streams_end_when_the_service_stops(tmp_path: Path) -> None:
    """Within the five seconds that other requests have, and without a broken answer."""
    log = tmp_path / "log"
    with serving(tmp_path / "data", log) as (process, running):
        key = (tmp_path / "data" / "operator.key").read_text().strip()
        body = {"id": "acme", "name": "Acme", "period": "manual"}
        headers = {"Authorization": f"Bearer {key}"}
        httpx.post(f"{running['url']}/v1/merchants", json=body, headers=headers)
        with watching(running["url"], "stream") as frames:
            process.send_signal(signal.SIGTERM)
            with pytest.raises(StopIteration):
                frames.next()
            process.wait(PATIENCE)
    assert "Traceback" not in log.read_text()
