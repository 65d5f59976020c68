"""Pages for people: what a browser shows, with a policy that lets it do little else."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from api.pages.content import HTML, Content, kind_of
from api.pages.methodology import render_methodology

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_PAGES = files("api.pages")
_INDEX = "index.html"
_HASHED = "assets/"  # where Vite puts what it names by its content
_WORKER = "kvitto-worker"  # as web/src/client.ts calls it


@router.get("/reference")
def show_the_reference(request: Request) -> Response:
    """The reference of this service."""
    reference: Content = request.app.state.reference()
    return reference.page(request)


@router.get("/methodology")
def show_the_methodology(request: Request) -> Response:
    """How findings are found, and reports computed."""
    return _methodology().page(request)


@router.get("/console")
def show_the_console(request: Request) -> Response:
    """The merchant's console: the same page for everybody, which knows nobody."""
    return _template("console.html").page(request)


@router.get("/dashboard")
def show_the_dashboard(request: Request) -> Response:
    """The auditor's dashboard, or how to build it."""
    index = _dashboard().get(_INDEX)
    if index is None:
        return _template("unbuilt.html").page(request, 404)
    return index.page(request)


@router.get("/dashboard/{path:path}")
def read_a_part_of_the_dashboard(request: Request, path: str) -> Response:
    """A script, style sheet or image of the dashboard."""
    return _found(_dashboard(), path).page(request)


@router.get("/assets/{path:path}")
def read_an_asset(request: Request, path: str) -> Response:
    """A style sheet, script or image of the other pages."""
    return _found(_assets(), path).page(request)


def _found(contents: dict[str, Content], path: str) -> Content:
    if path not in contents:
        raise HTTPException(404)
    return contents[path]


@cache
def _methodology() -> Content:
    return Content(render_methodology().encode(), HTML)


@cache
def _template(name: str) -> Content:
    return Content((_PAGES / "templates" / name).read_bytes(), HTML)


@cache
def _assets() -> dict[str, Content]:
    """All of them by path: what is not listed here cannot be asked for."""
    return {path: Content(body, kind_of(path)) for path, body in _files(_PAGES / "assets", "")}


def _dashboard() -> dict[str, Content]:
    """Its files by path, once it is built; a service that runs meanwhile finds it."""
    return _built() if (_PAGES / "dashboard" / _INDEX).is_file() else {}


@cache
def _built() -> dict[str, Content]:
    return {
        path: Content(body, kind_of(path), path.startswith(_HASHED), _WORKER)
        for path, body in _files(_PAGES / "dashboard", "")
    }


def _files(directory: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for path in directory.iterdir():
        if path.is_dir():
            yield from _files(path, f"{place}{path.name}/")
        else:
            yield f"{place}{path.name}", path.read_bytes()
