"""Pages for people: what a browser shows, with a policy that lets it do little else."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_PAGES = files("api.pages")
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HTML = "text/html; charset=utf-8"
# Trusted types, of which there are none: no script can make HTML of text, whatever the text is.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # kept, and asked for each time whether it has changed
}


@router.get("/reference")
def show_the_reference(request: Request) -> Response:
    """The reference of this service."""
    return _page(request, request.app.state.reference().encode(), _HTML)


@router.get("/console")
def show_the_console(request: Request) -> Response:
    """The merchant's console: the same page for everybody, which knows nobody."""
    return _page(request, _console(), _HTML)


@router.get("/assets/{path:path}")
def read_an_asset(request: Request, path: str) -> Response:
    """A style sheet, script or image of the pages."""
    assets = _assets()
    if path not in assets:
        raise HTTPException(404)
    return _page(request, assets[path], _KINDS[path[path.rindex(".") :]])


@cache
def _console() -> bytes:
    return (_PAGES / "templates" / "console.html").read_bytes()


@cache
def _assets() -> dict[str, bytes]:
    """All of them by path: what is not listed here cannot be asked for."""
    return dict(_files(_PAGES / "assets", ""))


def _files(directory: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for path in directory.iterdir():
        if path.is_dir():
            yield from _files(path, f"{place}{path.name}/")
        else:
            yield f"{place}{path.name}", path.read_bytes()


def _page(request: Request, content: bytes, kind: str) -> Response:
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": tag}
    if request.headers.get("If-None-Match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)
