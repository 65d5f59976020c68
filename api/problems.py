"""Every error as a problem document (RFC 9457): a stable ``type``, and never a value.

``malformed`` 400, ``unauthorised`` 401, ``foreign-…`` 403, ``unknown-…`` 404, ``too-slow`` 408,
``duplicate-…`` and ``already-…`` 409, ``erased`` 410, ``too-large`` 413, ``unsupported-encoding``
415, ``rate-limited`` 429, ``head-too-large`` 431, every other rule 422, ``read-only`` 501,
``not-read``, ``not-ready`` and ``overloaded`` 503.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.readiness import NotReady
from api.unread import NotRead
from commitments.errors import FormatError, KvittoError, Overloaded, Refused, VerificationError
from ledger.store import NotInLog, ReadOnly

__all__ = [
    "MEDIA_TYPE",
    "CatchUnexpected",
    "Encoded",
    "RateLimited",
    "TooLarge",
    "TooSlow",
    "Unauthorised",
    "add_problem_handlers",
    "log_unexpected",
    "problem_document",
    "problem_status",
]

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:kvitto:problem:"
_NOTHING_HERE = "not something this service has or does"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LONGEST_FIELD = 200  # a field may end in a name that the sender made up

_STATUS = {
    "malformed": 400,
    "unauthorised": 401,
    "not-found": 404,
    "method-not-allowed": 405,
    "too-slow": 408,
    "erased": 410,
    "too-large": 413,
    "unsupported-encoding": 415,
    "rate-limited": 429,
    "head-too-large": 431,
    "internal": 500,
    "read-only": 501,
    "not-read": 503,
    "not-ready": 503,
    "overloaded": 503,
}
_STATUS_BY_FAMILY = {"unknown": 404, "duplicate": 409, "already": 409, "foreign": 403}

_log = logging.getLogger("kvitto.api")


class Unauthorised(KvittoError):  # noqa: N818 - the name is the condition, as in HTTP 401
    """No key, or not a key that may do this."""


class RateLimited(KvittoError):  # noqa: N818 - the name is the condition, as in HTTP 429
    """Too often; ``headers`` say when again."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("too many requests; see Retry-After")
        self.headers = headers


class TooLarge(KvittoError):  # noqa: N818 - the name is the condition, as in HTTP 413
    """The body is larger than this route reads."""


class TooSlow(KvittoError):  # noqa: N818 - the name is the condition, as in HTTP 408
    """The body does not come in the time there is for it."""


class Encoded(KvittoError):  # noqa: N818 - the name is the condition, as in HTTP 415
    """The body is compressed, and could become any size."""


_CODES: dict[type[KvittoError], tuple[str, dict[str, str]]] = {
    FormatError: ("malformed", {}),
    NotInLog: ("not-found", {}),
    VerificationError: ("not-verified", {}),
    ReadOnly: ("read-only", {}),
    Unauthorised: ("unauthorised", {"WWW-Authenticate": "Bearer"}),
    # The rest of the body is not read, so the connection cannot be used again.
    TooLarge: ("too-large", {"Connection": "close"}),
    TooSlow: ("too-slow", {"Connection": "close"}),
    Encoded: ("unsupported-encoding", {"Accept-Encoding": "identity", "Connection": "close"}),
    NotReady: ("not-ready", {}),
    NotRead: ("not-read", {}),
    RateLimited: ("rate-limited", {}),
    # The queue that is full empties many times in a second.
    Overloaded: ("overloaded", {"Retry-After": "1"}),
}
"""The code of each kind of error, and the headers that go with it; ``Refused`` has its own."""


def problem_status(code: str) -> int:
    """The HTTP status of a problem, which follows from its code."""
    family = code.partition("-")[0]
    return _STATUS.get(code) or _STATUS_BY_FAMILY.get(family, 422)


def problem_document(code: str, detail: str, field: str | None = None) -> dict[str, Any]:
    """The problem as a JSON object. ``title`` depends on ``code`` alone."""
    document = {
        "type": _TYPE + code,
        "title": code.replace("-", " ").capitalize(),
        "status": problem_status(code),
        "detail": detail,
    }
    return document if field is None else {**document, "field": field[:_LONGEST_FIELD]}


def _response(
    code: str,
    detail: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    return JSONResponse(
        problem_document(code, detail, field), problem_status(code), headers, MEDIA_TYPE
    )


def _of_kind(kind: type[KvittoError], error: KvittoError) -> JSONResponse:
    code, headers = _CODES[kind]
    headers = {**headers, **getattr(error, "headers", {})}
    return _response(code, str(error), getattr(error, "field", None), headers)


def _of_database(error: OperationalError) -> JSONResponse:
    """The database is busy or away; what was asked for can be asked for again."""
    log_unexpected(error)
    return _of_kind(Overloaded, Overloaded("the database does not answer"))


async def _of_router(request: Request, error: HTTPException) -> JSONResponse:
    if error.status_code == 405:
        headers = {"Allow": ", ".join(sorted(_methods(request)))}
        return _response("method-not-allowed", _NOTHING_HERE, headers=headers)
    return _response("not-found", _NOTHING_HERE, headers=error.headers)


def _methods(request: Request) -> set[str]:
    """What can be done with this path, by any of the routes: the router names those of one."""
    routes = request.app.routes
    scopes = [{**request.scope, "method": method} for method in _METHODS]
    methods = {
        scope["method"]
        for scope in scopes
        if any(route.matches(scope)[0] == Match.FULL for route in routes)
    }
    return methods | ({"HEAD"} if "GET" in methods else set())


def _of_parameter(error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    place, *names = map(str, first["loc"])
    if place == "path":  # a path that cannot be read is a path that does not exist
        return _response("not-found", _NOTHING_HERE)
    message = first["msg"].removeprefix("Value error, ")
    return _response("malformed", message, ".".join(names) or None)


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem document."""

    def answer(kind: type[Exception], respond: Callable[[Any], JSONResponse]) -> None:
        async def handle(_request: Request, error: Exception) -> JSONResponse:
            return respond(error)

        app.add_exception_handler(kind, handle)

    for kind in _CODES:
        answer(kind, partial(_of_kind, kind))
    answer(Refused, lambda error: _response(error.code, str(error), error.field))
    answer(OperationalError, _of_database)
    app.add_exception_handler(HTTPException, _of_router)  # type: ignore[arg-type] # as `answer`
    answer(RequestValidationError, _of_parameter)
    app.add_middleware(CatchUnexpected)


class CatchUnexpected:
    """ASGI middleware: an unexpected exception is a 500 that says nothing.

    The log gets the exception's type and the lines of code, not its message: a database error
    repeats the values of its statement, and those may be a claim. Left to the framework, the
    server would print that message.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer for what goes wrong (ASGI)."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        if scope["type"] != "http":  # a service that cannot start must say why
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - that is what it is for
            log_unexpected(error)
            if not started:
                response = _response("internal", "an error of the service, not of the request")
                await response(scope, receive, send)


def log_unexpected(error: BaseException) -> None:
    """Log where an exception and those before it came from, without their messages."""
    cause = error.__cause__ or error.__context__
    if cause is not None:
        log_unexpected(cause)
    lines = "".join(traceback.format_tb(error.__traceback__))
    _log.error("unexpected %s\n%s", type(error).__name__, lines)
