from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from commitments.errors import Overloaded, Refused
from sdk import UnexpectedAnswer, Unreachable
from sdk.connection import EVENTS, JSON, Connection
from tests.sdk.shop_server import response

BODY = b'{"a":1}'


class Trickle(httpx.SyncByteStream):
    """Bytes without end."""

    def __init__(self, chunk: bytes) -> None:
        self.chunk = chunk
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.sent += len(self.chunk)
            yield self.chunk


def connection(answer: Any) -> Connection:
    def handler(request: httpx.Request) -> httpx.Response:
        given: httpx.Response = answer(request) if callable(answer) else answer
        return given

    seconds = count()
    return Connection(
        "http://shop.example", httpx.MockTransport(handler), monotonic=lambda: next(seconds)
    )


def get(answer: Any, limit: int = 100) -> Any:
    return connection(answer).get_json("/x", limit)


def problem(status: int, code: str, **members: Any) -> httpx.Response:
    document = {"type": f"urn:kvitto:problem:{code}", "title": "t", "status": status, **members}
    return httpx.Response(
        status, json=document, headers={"Content-Type": "application/problem+json"}
    )


def test_an_answer_is_read() -> None:
    assert get(response(BODY, JSON)) == {"a": 1}
    assert get(response(BODY, "Application/JSON; charset=utf-8"), len(BODY)) == {"a": 1}


def test_never_ending_response() -> None:
    stream = Trickle(b" " * 1000)
    with pytest.raises(UnexpectedAnswer, match="longer than 5000 bytes"):
        get(httpx.Response(200, headers={"Content-Type": JSON}, stream=stream), 5000)
    assert stream.sent < 200_000


def test_response_that_trickles_for_ever() -> None:
    """Within the limit on bytes for a long time, and each byte comes in time."""
    stream = Trickle(b" ")
    with pytest.raises(UnexpectedAnswer, match="does not end"):
        get(httpx.Response(200, headers={"Content-Type": JSON}, stream=stream), 1000)
    assert stream.sent < 100


def test_never_ending_problem() -> None:
    stream = Trickle(b" " * 10_000)
    kind = {"Content-Type": "application/problem+json"}
    with pytest.raises(UnexpectedAnswer, match="longer"):
        get(httpx.Response(400, headers=kind, stream=stream))


def test_one_byte_too_many() -> None:
    with pytest.raises(UnexpectedAnswer, match="longer"):
        get(response(BODY, JSON), len(BODY) - 1)


def test_redirect_is_not_followed() -> None:
    asked = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(307, headers={"Location": "http://elsewhere.example/"})

    with pytest.raises(UnexpectedAnswer, match="redirect"):
        get(redirect)
    assert asked == ["http://shop.example/x"]


def test_a_redirect_to_nowhere_is_no_answer() -> None:
    """The client library reads where it leads, though it is not followed."""
    with pytest.raises(Unreachable):
        get(lambda _: httpx.Response(307, headers={"Location": "http://xn--a/"}))


def test_cookies_do_not_follow_the_buyer() -> None:
    seen = []

    def baker(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Cookie"))
        headers = {"Content-Type": JSON, "Set-Cookie": "buyer=7; Path=/"}
        return httpx.Response(200, headers=headers, content=BODY)

    tracked = connection(baker)
    tracked.get_json("/x", 100)
    tracked.post_json("/x", {}, 100)
    assert seen == [None, None]


def test_compressed_answer_is_refused() -> None:
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    with pytest.raises(UnexpectedAnswer, match="compressed"):
        get(httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"\x1f\x8b")))


@pytest.mark.parametrize(
    "answer",
    [
        response(BODY, "text/html"),
        response(BODY, "text/plain"),
        httpx.Response(200, content=BODY),
        response(b"{", JSON),
        response(b'{"a":1,"a":2}', JSON),
        response(b'{"a":NaN}', JSON),
        response(BODY, JSON, 500),
        response(BODY, "text/html", 404),
        response(b"<html>", "application/problem+json", 400),
        problem(500, "internal", detail="d"),
    ],
)
def test_wrong_content(answer: httpx.Response) -> None:
    with pytest.raises(UnexpectedAnswer):
        get(answer)
    assert get(response(BODY, JSON)) == {"a": 1}


def test_a_problem_becomes_an_error_with_its_code() -> None:
    with pytest.raises(Refused, match="one of the last two") as caught:
        get(problem(422, "stale-horizon", detail="not one of the last two", field="voided_at"))
    assert (caught.value.code, caught.value.field) == ("stale-horizon", "voided_at")


def test_a_problem_with_nonsense_in_it_stays_readable() -> None:
    nonsense = problem(400, "x", detail="\x1b[2J" * 9, field=["a"], title="z" * 10_000)
    with pytest.raises(Refused) as caught:
        get(nonsense, 100_000)
    assert str(caught.value) == "z" * 300
    assert caught.value.field is None


def test_overload_is_told_apart() -> None:
    with pytest.raises(Overloaded):
        get(problem(503, "overloaded", detail="try again later"))


def test_no_answer_says_nothing_about_what_was_sent() -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("the secret is 42", request=request)

    with pytest.raises(Unreachable) as caught:
        connection(fails).post_json("/x", {"secret": "42"}, 100)
    assert "42" not in str(caught.value)
    assert caught.value.__cause__ is None


# ---- streams


class Chunks(httpx.SyncByteStream):
    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks


def streamed(*chunks: bytes, kind: str = EVENTS) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": kind}, stream=Chunks(*chunks))


def test_a_stream_tells_of_events_however_their_bytes_are_cut() -> None:
    text = b": hello\n\nid: 7\nevent: claim.step\ndata: {}\n\nid: 12\ndata: {}\n\n"
    cuts = [
        (text,),
        tuple(text[i : i + 1] for i in range(len(text))),
        (text[:13], text[13:]),
    ]
    for chunks in cuts:
        assert list(connection(streamed(*chunks)).events("/x", 0)) == ["7", "12"]


def test_a_stream_goes_on_behind_the_last_event_that_is_known() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Last-Event-ID"])
        return streamed(b"id: 8\n\n")

    assert list(connection(answer).events("/x", 7)) == ["8"]
    assert asked == ["7"]


def test_a_line_of_a_stream_without_end() -> None:
    stream = Trickle(b"data" * 1000)
    answer = httpx.Response(200, headers={"Content-Type": EVENTS}, stream=stream)
    with pytest.raises(UnexpectedAnswer, match="does not end"):
        list(connection(answer).events("/x", 0))
    assert stream.sent < 1 << 20


def test_what_is_no_stream() -> None:
    for answer, error in (
        (streamed(kind=JSON), UnexpectedAnswer),
        (problem(404, "unknown-claim", detail="none"), Refused),
        (httpx.Response(307, headers={"Location": "http://elsewhere.example/"}), UnexpectedAnswer),
    ):
        with pytest.raises(error):
            list(connection(answer).events("/x", 0))


def test_a_stream_that_breaks_off() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    with pytest.raises(Unreachable):
        list(connection(broken).events("/x", 0))
