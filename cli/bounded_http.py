"""uvicorn's HTTP, with bounds that it has not: of a request's head, and of a client's time.

Behind a reverse proxy that buffers requests none of this happens; the service does not rely on it.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems import MEDIA_TYPE, problem_document, problem_status

__all__ = ["BoundedHttp"]

_HEAD_BYTES = 1 << 15  # the longest path and headers that anything here sends are below 4 KiB
_FIELDS = 64  # headers; browsers and proxies send some 20
_HEAD_SECONDS = 10.0  # from the first byte, or from the connection, until the head is complete
_MESSAGE_SECONDS = 150.0  # for the body, whether a route reads it or not; api/bodies.py says less
_STALL_SECONDS = 30.0  # in which a client must take something of its answer

_DETAILS = {
    "head-too-large": f"more than {_FIELDS} headers or {_HEAD_BYTES} bytes",
    "malformed": "not a request in HTTP/1.1",
    "too-slow": f"the head has not come within {_HEAD_SECONDS:.0f} seconds",
}


class _TooManyFields(Exception):  # noqa: N818 - never leaves this module
    """The parser stops, and says so as of any mistake in a request."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. What breaks a bound gets a problem document where it can, and is closed."""

    _timer: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0
    _fields = 0
    _refusal = "malformed"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._set_timer(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._set_timer(None)
        self._end_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the head grows without end."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self._refuse("head-too-large")

    def on_message_begin(self) -> None:
        """Another request on this connection."""
        super().on_message_begin()
        self._in_head, self._head_bytes, self._fields = True, 0, 0
        self._set_timer(_HEAD_SECONDS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more."""
        super().on_header(name, value)
        self._fields += 1
        if self._fields > _FIELDS or len(value) > _HEAD_BYTES:
            self._refusal = "head-too-large"
            raise _TooManyFields

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        if len(self.url) > _HEAD_BYTES:
            self._refusal = "head-too-large"
            raise _TooManyFields
        self._in_head = False
        self._set_timer(_MESSAGE_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        self._set_timer(None)
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not take its answer."""
        super().pause_writing()
        self._stall = self.loop.call_later(_STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        self._end_stall()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers where a request cannot be parsed."""
        del msg
        self._refuse(self._refusal)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _too_slow(self) -> None:
        if self._in_head and self._head_bytes and not self._is_answering():
            self._refuse("too-slow")
        else:  # nothing was asked yet, or it is being answered
            self.transport.abort()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, code: str) -> None:
        if self.transport.is_closing():
            return
        status = HTTPStatus(problem_status(code))
        body: Any = json.dumps(problem_document(code, _DETAILS[code])).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
