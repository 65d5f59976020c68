"""A witness over HTTP (c2sp tlog-witness)."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.problems import CatchUnexpected
from commitments.errors import FormatError, VerificationError
from commitments.wire import parse_decimal, parse_hex
from ledger.add_checkpoint import LONGEST_REQUEST, AddCheckpoint
from witness.service import KeysReplaced, StaleSize, UnknownLog, Untrusted, Witness, WrongPeriod

__all__ = ["create_witness_app"]

_SIZE = {"Content-Type": "text/x.tlog.size"}  # as a media type, it would get a charset
_DIGEST_BYTES = 32
_STATUSES: dict[type[Exception], int] = {  # the first that fits
    FormatError: 400,
    Untrusted: 403,
    UnknownLog: 404,
    VerificationError: 422,
    WrongPeriod: 422,
    KeysReplaced: 503,
}
_HEADERS = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}


def create_witness_app(witness: Witness) -> Starlette:
    """The routes of a witness.

    For logs ``add-checkpoint`` and ``sign-seed`` (docs/protocol.md 4, *Seed witnesses*); for
    monitors the last checkpoint, the proof that a log has forked where one was seen, and all that
    was signed from a period on. For both ``handovers``, the witness's own changes of keys.
    """

    def add(body: bytes) -> Response:
        signatures = witness.add_checkpoint(AddCheckpoint.parse(body))
        return PlainTextResponse("".join(signature.line() for signature in signatures))

    async def add_checkpoint(request: Request) -> Response:
        body = await _body(request)
        return await run_in_threadpool(_answered, lambda: add(body))

    async def sign_seed(request: Request) -> Response:
        body = await _body(request)

        def sign() -> Response:
            return PlainTextResponse(witness.sign_seed(body).line())

        return await run_in_threadpool(_answered, sign)

    def show_seeds(request: Request) -> Response:
        def show() -> Response:
            first = parse_decimal(request.path_params["period"], "period")
            lines = [signed.line() for signed in witness.seeds(_digest(request), first)]
            return PlainTextResponse("".join(lines), headers=_HEADERS)

        return _answered(show)

    def show_handovers(_request: Request) -> Response:
        lines = [handover.line() for handover in witness.handovers()]
        return PlainTextResponse("".join(lines), headers=_HEADERS)

    def showing(read: Callable[[bytes], bytes]) -> Callable[[Request], Response]:
        def show(request: Request) -> Response:
            return PlainTextResponse(read(_digest(request)), headers=_HEADERS)

        return lambda request: _answered(lambda: show(request))

    app = Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{digest}/checkpoint", showing(witness.checkpoint), methods=["GET"]),
            Route("/{digest}/fork", showing(witness.fork), methods=["GET"]),
            Route("/sign-seed", sign_seed, methods=["POST"]),
            Route("/handovers", show_handovers, methods=["GET"]),
            Route("/{digest}/seeds/{period}", show_seeds, methods=["GET"]),
        ]
    )
    app.add_middleware(CatchUnexpected)
    return app


def _digest(request: Request) -> bytes:
    """Of the origin of the log that the path names."""
    try:
        return parse_hex(request.path_params["digest"], "path", _DIGEST_BYTES)
    except FormatError:
        raise UnknownLog from None


async def _body(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_REQUEST:
            break
    return bytes(body)


def _answered(answer: Callable[[], Response]) -> Response:
    """The answer, or the status code that c2sp tlog-witness has for the error."""
    try:
        return answer()
    except StaleSize as error:
        return Response(f"{error.size}\n", 409, _SIZE)
    except tuple(_STATUSES) as error:
        status = next(_STATUSES[kind] for kind in _STATUSES if isinstance(error, kind))
        return PlainTextResponse(f"{error}\n", status)
