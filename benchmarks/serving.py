"""How many sales and purchases a service takes over HTTP, singly and in bulk."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.clients import CLIENTS
from benchmarks.databases import ENGINES
from benchmarks.measure import Figure, figure, percentile
from benchmarks.recording import make_order, make_sales
from benchmarks.service import Request, Service, serving

__all__ = ["serving_figures"]

_WORKERS = os.cpu_count() or 1
_EACH = 15  # requests of one client in a round
_BULK = 500  # sales or purchases in one request
_FIRST_BULK = 1_000_000  # the number of the first order in bulk
_MERCHANT = "bench"
(_SALE,) = make_sales(0, 1)

MakeBody = Callable[[int], Any]
"""The JSON body of a request, which has a number of its own."""


def serving_figures(engine: str, *, quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """A process for each core; each client keeps one connection."""
    with (
        ENGINES[engine]() as make,
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory), make(), "--workers", str(_WORKERS)) as service,
    ):
        body = {"id": _MERCHANT, "name": "Bench", "period": "manual"}
        key = service.ask(Request("POST", "/v1/merchants", body, service.operator_key))["api_key"]
        return [
            *_singly(service, key, engine, 2 if quick else 10, progress),
            *_in_bulk(service, key, engine, 6 if quick else 30, progress),
        ]


def _singly(
    service: Service, api_key: str, engine: str, rounds: int, progress: Callable[[str], None]
) -> list[Figure]:
    """One sale or purchase in each request."""
    figures = []
    for name, bodies in _BODIES.items():
        progress(f"{engine}: {name} over HTTP, {CLIENTS} clients")
        path = f"/v1/merchants/{_MERCHANT}/{name}"
        samples = [_round(service, path, api_key, bodies, n) for n in range(rounds)]
        waits = [wait for _, times in samples for wait in times]
        what = f"record {name} singly over HTTP, {CLIENTS} clients, {_WORKERS} processes, {engine}"
        key = f"http_{name}_{engine.lower()}"
        late = percentile(waits, 99)
        figures += [
            figure(f"{key}_per_s", what, "/s", [rate for rate, _ in samples]),
            figure(f"{key}_ms", f"{what}: answered after", "ms", waits),
            figure(f"{key}_p99_ms", "of 100 answers, 99 came within", "ms", [late]),
        ]
    return figures


def _in_bulk(
    service: Service, api_key: str, engine: str, batches: int, progress: Callable[[str], None]
) -> list[Figure]:
    """Hundreds in each request; bodies are made before, with the buyers' proofs."""
    figures = []
    for name, (path, make_bulk) in _BULKS.items():
        progress(f"{engine}: {name} over HTTP, {_BULK} in a request")
        where = f"/v1/merchants/{_MERCHANT}/{path}"
        requests = [Request("POST", where, make_bulk(n), api_key) for n in range(batches)]
        shares = [requests[client :: 2 * _WORKERS] for client in range(2 * _WORKERS)]
        seconds, _ = service.ask_at_once(shares)
        what = f"record {name} over HTTP, {_BULK} in a request, {_WORKERS} processes, {engine}"
        rate = _BULK * batches / seconds
        figures.append(figure(f"http_bulk_{name}_{engine.lower()}_per_s", what, "/s", [rate]))
    return figures


def _round(
    service: Service, path: str, key: str, make_body: MakeBody, number: int
) -> tuple[float, list[float]]:
    """Requests per second, and how long each took; bodies are made before."""
    first = number * CLIENTS * _EACH
    requests = [Request("POST", path, make_body(first + n), key) for n in range(CLIENTS * _EACH)]
    shares = [requests[client::CLIENTS] for client in range(CLIENTS)]
    seconds, times = service.ask_at_once(shares)
    return len(requests) / seconds, times


def _sale_body(_number: int) -> Any:
    return {"sales": [_SALE.document()]}


def _purchase_body(number: int) -> Any:
    order = make_order(f"http/{number}", _SALE)
    return {
        "order": order.reference,
        "sale": order.sale.document(),
        "request": order.request.document(),
    }


def _sales_body(_batch: int) -> Any:
    return {"sales": [sale.document() for sale in make_sales(0, _BULK)]}


def _purchases_body(batch: int) -> Any:
    return {"purchases": [_purchase_body(_FIRST_BULK + _BULK * batch + n) for n in range(_BULK)]}


_BULKS: dict[str, tuple[str, MakeBody]] = {
    "sales": ("sales", _sales_body),
    "purchases": ("purchases/bulk", _purchases_body),
}
_BODIES: dict[str, MakeBody] = {"sales": _sale_body, "purchases": _purchase_body}
