"""The logs as files that any CDN can keep (c2sp tlog-tiles)."""

from gzip import compress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from api.codings import accepts_gzip
from api.dependencies import MerchantId, TheService
from api.openapi import problem_responses
from api.service import Service
from commitments.errors import FormatError, Refused
from ledger.events import events_origin
from ledger.log import Log, NotInLog
from ledger.store import Store
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
async def read_a_checkpoint(
    service: TheService, merchant_id: MerchantId, kind: LogKind
) -> PlainTextResponse:
    """The log's newest checkpoint: its size and root, signed, and cosigned by its witnesses."""
    origin = await _origin(service, merchant_id, kind)
    return PlainTextResponse(await service.checkpoints.get(origin), headers=_CHECKPOINT_HEADERS)


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
async def read_a_tile(
    request: Request,
    service: TheService,
    merchant_id: MerchantId,
    kind: LogKind,
    path: Annotated[str, Path(description="`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`.")],
) -> Response:
    """A tile of the log's tree, or a bundle of its entries. Neither ever changes."""
    is_bundle = path.startswith("entries/")
    gzipped = is_bundle and accepts_gzip(request.headers)
    key = await _origin(service, merchant_id, kind), path, gzipped
    content = service.tiles.get(key)
    if content is None:
        content = await run_in_threadpool(_read, service.store, *key)
        service.tiles.put(key, content)
    headers = _BUNDLE_HEADERS if is_bundle else _TILE_HEADERS
    if gzipped:
        headers = {**headers, "Content-Encoding": "gzip"}
    return Response(content, headers=headers, media_type=_OCTETS)


def _read(store: Store, origin: str, path: str, gzipped: bool) -> bytes:  # noqa: FBT001 - of a key
    """Events shrink by a quarter and more, commitments by a twentieth; hashes would not at all."""
    with store.log(origin) as log:
        content = _content(log, f"tile/{path}")
    return compress(content, _LEVEL, mtime=0) if gzipped else content


async def _origin(service: Service, merchant_id: str, kind: str) -> str:
    merchant = service.merchants.known(merchant_id)
    if merchant is None:  # which takes a query, and so a thread
        try:
            merchant = await run_in_threadpool(service.merchants.find, merchant_id)
        except Refused:
            raise NotInLog("there is no such log", "path") from None
    purchases = merchant.origin
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
