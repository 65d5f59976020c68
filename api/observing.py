"""What is kept of each request: a line and counters, which do not narrow down who asked.

The route stands for the path, which has ids in it; there is no query, no address and no header.
"""

import logging
import secrets
from time import perf_counter

from opentelemetry.trace import Tracer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.rate_limits import EXTRA_HEADERS
from api.tracing import record_span
from ledger.metrics import REQUESTS

__all__ = ["ACCESS_LOG", "Observe"]

ACCESS_LOG = "kvitto.access"
_ID_BYTES = 8
_GONE = 499  # what servers write where the client has gone before it was answered
_UNKNOWN = "-"  # a path that no route has; what it was could be anything

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

_log = logging.getLogger(ACCESS_LOG)


class Observe:
    """ASGI middleware, the outermost: gives each request an id, counts it, logs how it went.

    The id goes out as ``X-Request-Id``; one that comes in is not read, since anybody chooses it.
    """

    def __init__(self, app: ASGIApp, *, access_log: bool, tracer: Tracer | None = None) -> None:
        self._app = app
        self._tracer = tracer
        self._logs = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, begun, status = secrets.token_hex(_ID_BYTES), perf_counter(), _GONE

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                named = (b"x-request-id", request_id.encode("ascii"))
                more = scope.get(EXTRA_HEADERS, ())
                message = {**message, "headers": [*message["headers"], named, *more]}
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            seconds = perf_counter() - begun
            REQUESTS.labels(_method(scope), _route(scope), status).observe(seconds)
            if self._tracer is not None:
                record_span(self._tracer, _method(scope), _route(scope), status, seconds)
            if self._logs:
                _write(scope, status, seconds, request_id)


def _route(scope: Scope) -> str:
    """The template of the path that was asked for, such as ``/v1/merchants/{merchant}``."""
    return getattr(scope.get("route"), "path", _UNKNOWN)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else _UNKNOWN


def _write(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    access = {
        "method": _method(scope),
        "route": _route(scope),
        "status": status,
        "milliseconds": round(1000 * seconds, 1),
        "request_id": request_id,
    }
    _log.info("%(method)s %(route)s %(status)d %(milliseconds).1f ms %(request_id)s", access)
