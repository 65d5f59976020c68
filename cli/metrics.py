"""Prometheus metrics at an address of their own, which no reverse proxy leads to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from cli.errors import Failure

__all__ = ["serving_metrics"]

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # tells the processes that begin later where to count


@contextmanager
def serving_metrics(address: tuple[str, int] | None, workers: int) -> Iterator[str | None]:
    """Serve what this process, or so many that it starts, have counted; the URL."""
    if address is None:
        yield None
        return
    if workers == 1:
        with _listening(address, None) as url:
            yield url
        return
    with TemporaryDirectory(prefix="kvitto-metrics-") as directory:
        os.environ[_DIRECTORY] = directory
        try:
            with _listening(address, directory) as url:
                yield url
        finally:
            del os.environ[_DIRECTORY]


@contextmanager
def _listening(address: tuple[str, int], directory: str | None) -> Iterator[str]:
    from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = REGISTRY
    if directory is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]
    host, port = address
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise Failure(f"metrics: cannot listen on {host} port {port}: {error.strerror}") from None
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
