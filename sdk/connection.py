"""HTTP as a wallet needs it: every answer ends, nothing is followed, nothing is remembered.

The server is not trusted. An answer has a largest size and a latest moment; a redirect is not
followed (it could move a claim to where it can be linked); cookies are not kept (they would link
one buyer's claims); compressed answers are refused (they could unpack without end).
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx

from commitments.errors import FormatError, Overloaded, Refused
from commitments.wire import canonical_json, parse_json
from ledger.careful_client import careful_client
from sdk.errors import UnexpectedAnswer, Unreachable
from sdk.kept_answers import Answer

__all__ = ["EVENTS", "JSON", "NOTE", "TILE", "Connection", "Received"]

JSON = "application/json"
NOTE = "text/plain"
TILE = "application/octet-stream"
EVENTS = "text/event-stream"

Received = Callable[[int], None]
"""Told how many bytes have come, from any thread."""

_PROBLEM = "application/problem+json"
_PROBLEM_TYPE = "urn:kvitto:problem:"
_LONGEST_PROBLEM = 64 * 1024
_LONGEST_TEXT = 300  # characters of a problem that are shown to a person
_WAIT = httpx.Timeout(20, connect=10)  # seconds without a byte
_SILENCE = httpx.Timeout(60, connect=10)  # a stream has a comment at least every half minute
_LONGEST_LINE = 1 << 18  # an event of the log, as JSON
_PATIENCE = 60.0  # seconds for a whole answer, however its bytes trickle


class Connection:
    """Requests to one service.

    ``transport`` is httpx's seam: tests put an adversary behind it. ``monotonic`` counts seconds.
    """

    def __init__(
        self,
        base_url: str,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._received: Received = lambda _count: None
        self._count = 0
        self._recorded: dict[str, Answer] | None = None
        self._client = careful_client(_WAIT, base_url=base_url, transport=transport)

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def watch(self, received: Received) -> None:
        """Call ``received`` with the bytes that have come in all answers, as they come."""
        self._received = received

    @contextmanager
    def recording(self) -> Iterator[dict[str, Answer]]:
        """What comes in answer to :meth:`get` meanwhile, by its address."""
        recorded: dict[str, Answer] = {}
        self._recorded = recorded
        try:
            yield recorded
        finally:
            self._recorded = None

    def get(
        self, path: str, content_type: str, limit: int, query: dict[str, str] | None = None
    ) -> bytes:
        """The body at ``path``, of this type and at most ``limit`` bytes.

        ``Refused`` or ``Overloaded`` when the service says so in a problem document;
        ``ShopError`` for everything else that is not this body.
        """
        with self._answer("GET", path, params=query) as answer:
            body = self._body(answer, content_type, limit)
            if self._recorded is not None:
                self._recorded[str(answer.url)] = Answer(content_type, body)
            return body

    def get_json(self, path: str, limit: int, query: dict[str, str] | None = None) -> Any:
        """The parsed JSON at ``path``; errors as :meth:`get`."""
        return _parsed(self.get(path, JSON, limit, query))

    def post_json(self, path: str, document: Any, limit: int) -> Any:
        """The parsed JSON that the service answers to ``document``; errors as :meth:`get`."""
        return self.send_json("POST", path, limit, document)

    def send_json(self, method: str, path: str, limit: int, document: Any = None) -> Any:
        """As :meth:`post_json` by any method; None is no document."""
        content: dict[str, Any] = {}
        if document is not None:
            content = {"content": canonical_json(document), "headers": {"Content-Type": JSON}}
        with self._answer(method, path, **content) as answer:
            return _parsed(self._body(answer, JSON, limit))

    def events(self, path: str, last: int) -> Iterator[str]:
        """The ids of server-sent events (WHATWG HTML, 9.2) behind ``last``, as they come.

        What they say is not read: it proves nothing. It ends when the service ends it;
        ``Unreachable`` when nothing comes for a minute, not even a comment. Errors as :meth:`get`.
        """
        headers = {"Accept": EVENTS, "Cache-Control": "no-store", "Last-Event-ID": str(last)}
        with self._answer("GET", path, headers=headers, timeout=_SILENCE) as answer:
            self._require(answer, EVENTS)
            yield from _event_ids(answer.iter_bytes())

    @contextmanager
    def _answer(self, method: str, path: str, **options: Any) -> Iterator[httpx.Response]:
        try:
            with self._client.stream(method, path, **options) as answer:
                yield answer
        except (httpx.HTTPError, UnicodeError) as error:  # UnicodeError: a host name that is none
            # `from None`: httpx's errors carry the request, and this one may carry a secret.
            raise Unreachable(f"no answer from the shop ({type(error).__name__})") from None

    def _body(self, answer: httpx.Response, content_type: str, limit: int) -> bytes:
        self._require(answer, content_type)
        return self._read(answer, limit)

    def _require(self, answer: httpx.Response, content_type: str) -> None:
        """Raise unless it is a success of this type."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not answer.is_success:
            self._raise_problem(answer, kind)
        if kind != content_type:
            raise UnexpectedAnswer(f"the shop did not answer with {content_type}")

    def _raise_problem(self, answer: httpx.Response, kind: str) -> NoReturn:
        if answer.is_redirect:
            raise UnexpectedAnswer("the shop answers with a redirect, which is not followed")
        if kind != _PROBLEM:
            raise UnexpectedAnswer(f"the shop answers with status {answer.status_code}")
        problem = _parsed(self._read(answer, _LONGEST_PROBLEM))
        code, detail, field = _read_problem(problem)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Overloaded(detail)
        if answer.is_server_error:
            raise UnexpectedAnswer(f"the shop answers with status {answer.status_code}")
        raise Refused(code, detail, field)

    def _read(self, answer: httpx.Response, limit: int) -> bytes:
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise UnexpectedAnswer("the shop's answer is compressed")
        until = self._monotonic() + _PATIENCE
        body = io.BytesIO()  # which gives its bytes away without a copy
        # As the bytes come, not in chunks of a size: one that never fills would never be looked at.
        for chunk in answer.iter_bytes():
            self._count += len(chunk)
            self._received(self._count)
            if body.tell() + len(chunk) > limit:
                raise UnexpectedAnswer(f"the shop's answer is longer than {limit} bytes")
            if self._monotonic() > until:
                raise UnexpectedAnswer("the shop's answer does not end")
            body.write(chunk)
        return body.getvalue()


def _event_ids(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise UnexpectedAnswer("a line of the shop's stream does not end")
        for line in lines:
            if line.startswith(b"id:"):
                yield line[3:].strip().decode("utf-8", errors="replace")


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body, "answer")
    except FormatError as error:
        raise UnexpectedAnswer(f"the shop's answer: {error}") from None


def _read_problem(problem: Any) -> tuple[str, str, str | None]:
    """Code, detail and field of a problem document (RFC 9457), as far as they are readable."""
    members = problem if isinstance(problem, dict) else {}
    code = _printable(members.get("type")).removeprefix(_PROBLEM_TYPE)
    detail = _printable(members.get("detail")) or _printable(members.get("title"))
    return code, detail or "refused", _printable(members.get("field")) or None


def _printable(text: Any) -> str:
    return text[:_LONGEST_TEXT] if isinstance(text, str) and text.isprintable() else ""
