"""The logs as files that any CDN can keep (c2sp tlog-tiles)."""

from gzip import compress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse

from api.codings import accepts_gzip
from api.dependencies import MerchantId, TheService
from api.openapi import problem_responses
from api.service import Service
from commitments.errors import FormatError, Refused
from ledger.events import events_origin
from ledger.log import Log, NotInLog
from ledger.tiles import parse_bundle_path, parse_tile_path

__all__ = ["router"]

router = APIRouter(prefix="/logs/{merchant}/{log}", tags=["logs"])

LogKind = Annotated[
    Literal["purchases", "events"], Path(alias="log", description="Which of the two logs.")
]

_OCTETS = "application/octet-stream"
_FOR_ALL = {"Access-Control-Allow-Origin": "*"}
_CHECKPOINT_HEADERS = {**_FOR_ALL, "Cache-Control": "no-store"}
# Partial tiles too: a tile of width 7 says the same for ever.
_TILE_HEADERS = {**_FOR_ALL, "Cache-Control": "public, max-age=604800, immutable"}
_BUNDLE_HEADERS = {**_TILE_HEADERS, "Vary": "Accept-Encoding"}
_LEVEL = 6  # zlib's own choice; beyond it, time is spent for nothing
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/checkpoint",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "A signed note."},
        **problem_responses("not-found"),
    },
)
def read_a_checkpoint(
    service: TheService, merchant_id: MerchantId, kind: LogKind
) -> PlainTextResponse:
    """The log's newest checkpoint: its size and root, signed, and cosigned by its witnesses."""
    origin = _origin(service, merchant_id, kind)
    with service.store.read() as connection:
        log = Log.published(connection, origin)
        return PlainTextResponse(log.checkpoint(), headers=_CHECKPOINT_HEADERS)


@router.get(
    "/tile/{path:path}",
    response_class=Response,
    responses={
        200: {
            "description": "Hashes, or entries each behind its length.",
            "content": {_OCTETS: _BYTES},
        },
        **problem_responses("not-found"),
    },
)
def read_a_tile(
    request: Request,
    service: TheService,
    merchant_id: MerchantId,
    kind: LogKind,
    path: Annotated[str, Path(description="`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`.")],
) -> Response:
    """A tile of the log's tree, or a bundle of its entries. Neither ever changes."""
    with service.store.log(_origin(service, merchant_id, kind)) as log:
        content = _content(log, f"tile/{path}")
    if path.startswith("entries/"):
        return _bundle(content, gzipped=accepts_gzip(request.headers))
    return Response(content, headers=_TILE_HEADERS, media_type=_OCTETS)


def _bundle(content: bytes, *, gzipped: bool) -> Response:
    """Events shrink by a quarter and more, commitments by a twentieth; hashes would not at all."""
    headers = _BUNDLE_HEADERS
    if gzipped:
        content = compress(content, _LEVEL, mtime=0)
        headers = {**headers, "Content-Encoding": "gzip"}
    return Response(content, headers=headers, media_type=_OCTETS)


def _origin(service: Service, merchant_id: str, kind: str) -> str:
    try:
        purchases = service.merchants.find(merchant_id).origin
    except Refused:
        raise NotInLog("there is no such log", "path") from None
    return purchases if kind == "purchases" else events_origin(purchases)


def _content(log: Log, path: str) -> bytes:
    try:
        if path.startswith("tile/entries/"):
            return log.bundle(*parse_bundle_path(path))
        tile = parse_tile_path(path)
    except NotInLog:
        raise
    except FormatError:
        raise NotInLog("no such tile", "path") from None
    return log.tile(tile.level, tile.index, tile.width)
