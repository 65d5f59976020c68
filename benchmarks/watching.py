"""What a service needs while many watch its events: memory, processor, and how soon they hear."""

import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

from benchmarks.databases import ENGINES
from benchmarks.measure import Figure, figure
from benchmarks.service import Request, Service, serving
from commitments.wire import parse_decimal

__all__ = ["watching_figures"]

_STREAMS = 500  # what a process is promised to bear
_EVENTS = 10  # that each of them is told
_IDLE = 10.0  # seconds in which nothing happens
_PATIENCE = 60.0  # seconds
_MERCHANT = "bench"


def watching_figures(engine: str, *, progress: Callable[[str], None]) -> list[Figure]:
    """One process, and as many connections to it as it has streams."""
    with (
        ENGINES[engine]() as make,
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory), make()) as service,
        ExitStack() as stack,
    ):
        body = {"id": _MERCHANT, "name": "Bench", "period": "manual"}
        created = service.ask(Request("POST", "/v1/merchants", body, service.operator_key))
        before = service.megabytes()["VmRSS"]
        progress(f"{engine}: {_STREAMS} streams")
        clients = [stack.enter_context(_watch(service)) for _ in range(_STREAMS)]
        begun = service.processor_seconds()
        time.sleep(_IDLE)
        idle = service.processor_seconds() - begun
        close = Request("POST", f"/v1/merchants/{_MERCHANT}/closes", None, created["api_key"])
        waits = [_told(service, close, clients) for _ in range(_EVENTS)]
        after = service.megabytes()
    of = f"with {_STREAMS} streams, {engine}"
    key = f"streams_{engine.lower()}"
    return [
        figure(f"{key}_mb", f"memory {of}", "MB", [after["VmRSS"]], "under 400"),
        figure(f"{key}_peak_mb", "at most", "MB", [after["VmHWM"]]),
        figure(f"{key}_before_mb", "without any", "MB", [before]),
        figure(f"{key}_idle_ms", "processor, in a second without events", "ms", [100 * idle]),
        figure(f"{key}_told_ms", f"until all have heard of an event, {of}", "ms", waits),
    ]


def _watch(service: Service) -> socket.socket:
    """A connection over which the head of a stream and its first comment have come."""
    host, port = service.address.split(":")
    client = socket.create_connection((host, parse_decimal(port, "port")), timeout=_PATIENCE)
    path = f"/v1/merchants/{_MERCHANT}/stream?types=log.closed"
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("ascii"))
    received = b""
    while b":\n\n" not in received:
        received += client.recv(4096)
    if not received.startswith(b"HTTP/1.1 200"):
        raise RuntimeError("no stream")
    return client


def _told(service: Service, close: Request, clients: Sequence[socket.socket]) -> float:
    """Milliseconds from the answer to whoever has made an event until all have heard of it."""
    service.ask(close)
    begun = time.perf_counter()
    with DefaultSelector() as selector:
        for client in clients:
            selector.register(client, EVENT_READ, client)
        waiting = len(clients)
        while waiting:
            ready = selector.select(_PATIENCE)
            if not ready:
                raise RuntimeError("an event was lost")
            for key, _ in ready:
                if b"log.closed" in key.data.recv(1 << 16):
                    selector.unregister(key.fileobj)
                    waiting -= 1
    return 1000 * (time.perf_counter() - begun)
