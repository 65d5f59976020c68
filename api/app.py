"""The application: routes, errors, and what is done from time to time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from api.dependencies import limit_rate
from api.head import AnswerHead
from api.observing import Observe
from api.openapi import openapi_document
from api.pages.content import HTML, Content
from api.pages.reference import render_reference
from api.paths import refuse_line_ends
from api.problems import add_problem_handlers, log_unexpected
from api.queries import refuse_nul, refuse_repeats
from api.rate_limits import Budgets, budgets_of
from api.routers import (
    auditing,
    cases,
    catalogue,
    claims,
    closes,
    evidence,
    imports,
    keys,
    log_keys,
    logs,
    mailbox,
    merchants,
    notices,
    pages,
    policies,
    purchases,
    reports,
    sales,
    sandboxes,
    service,
    streams,
    transfers,
    voids,
    webhooks,
)
from api.service import Service
from api.settings import Settings
from api.tracing import open_tracer
from ledger.once import forget_answers

__all__ = ["create_app"]

_ROUTERS = (
    merchants,
    keys,
    sandboxes,
    purchases,
    sales,
    imports,
    voids,
    catalogue,
    closes,
    policies,
    notices,
    claims,
    cases,
    streams,
    transfers,
    mailbox,
    evidence,
    log_keys,
    logs,
    auditing,
    reports,
    webhooks,
    service,
    pages,
)
_CLOSE_SECONDS = 60  # how late after midnight a day may be closed
_FORGET_SECONDS = 3600
_EXCHANGE_SECONDS = 1  # how late a process hears what another has counted
_CATCH_UP_SECONDS = 5  # until a witness that was down is asked again; it rests for longer


def create_app(settings: Settings) -> FastAPI:
    """The service on the database that ``settings`` names, as an ASGI application.

    Days are closed, witnesses asked again and webhooks sent while its lifespan lasts.
    """
    app = FastAPI(
        title="Kvitto",
        lifespan=_lifespan,
        routes=_routes(),
        redirect_slashes=False,
        docs_url=None,  # the pages load scripts from elsewhere; the document is what counts
        redoc_url=None,
        # Spans and metrics would carry what the access log must not.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.service = Service.open(settings)
    add_problem_handlers(app)
    app.add_middleware(AnswerHead)
    tracer = open_tracer() if settings.options.tracing else None
    app.add_middleware(Observe, access_log=settings.options.access_log, tracer=tracer)
    app.state.service.limits.learn(_budgets())
    app.openapi = _document  # type: ignore[method-assign] # FastAPI's way to replace it
    app.state.reference = _reference
    return app


@cache
def _routes() -> list[BaseRoute]:
    """The same for all applications of a process."""
    router = APIRouter(
        dependencies=[
            Depends(limit_rate),
            Depends(refuse_line_ends),
            Depends(refuse_nul),
            Depends(refuse_repeats),
        ],
        generate_unique_id_function=lambda route: route.name,
    )
    for module in _ROUTERS:
        router.include_router(module.router)
    return router.routes


@cache
def _budgets() -> Budgets:
    """Made at once: it makes also what the routes need, for which the first requests would wait."""
    return budgets_of(iter_route_contexts(_routes()))


@cache
def _document() -> dict[str, Any]:
    """Made when it is first asked for: a worker starts sooner without it."""
    return openapi_document(_routes())


@cache
def _reference() -> Content:
    return Content(render_reference(_document()).encode(), HTML)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    stop = asyncio.Event()
    forget = partial(forget_answers, service.store, service.settings.clock)
    chores = [
        _chore(stop, _CLOSE_SECONDS, service.closer.due),
        _chore(stop, _FORGET_SECONDS, forget),
        _chore(stop, _EXCHANGE_SECONDS, partial(service.limits.exchange, service.store)),
        _chore(stop, _FORGET_SECONDS, service.webhooks.outbox.forget),
    ]
    if service.publisher is not None:
        chores.append(_chore(stop, _CATCH_UP_SECONDS, service.publisher.catch_up))
    dispatcher = service.webhooks.dispatcher()
    tasks = [asyncio.create_task(chore) for chore in (*chores, dispatcher.run())]
    with service.stopping.heeding_signals():
        yield
    service.stopping.begin()
    stop.set()
    await service.streams.close()
    await service.readings.close()
    dispatcher.stop()
    for task in tasks:
        await task  # not cancelled: its thread would go on, on a store that is closed
    service.close()


async def _chore(stop: asyncio.Event, seconds: float, work: Callable[[], object]) -> None:
    """Do it now and every so many seconds; an error must not end it."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(work)
        except Exception as error:  # noqa: BLE001 - tried again later
            log_unexpected(error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
