"""Spans of requests for who wants them (OpenTelemetry): route, status and duration, and no more."""

import time

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer

from commitments.errors import KvittoError

__all__ = ["NoTracing", "open_tracer", "record_span"]

_NANOSECONDS = 1_000_000_000


class NoTracing(KvittoError):  # noqa: N818 - the name is the condition
    """Spans are wanted, and what sends them is not installed."""


def open_tracer() -> Tracer:
    """Sends spans to where the variables ``OTEL_EXPORTER_OTLP_…`` say; :class:`NoTracing`."""
    try:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise NoTracing("tracing needs the packages of the extra: kvitto[otel]") from None
    provider = TracerProvider(resource=Resource.create({"service.name": "kvitto"}))
    provider.add_span_processor(BatchSpanProcessor(trace_exporter.OTLPSpanExporter()))
    return provider.get_tracer("kvitto")


def record_span(tracer: Tracer, method: str, route: str, status: int, seconds: float) -> None:
    """A request that is over. It has no parent: what a client sends along is not taken over."""
    end = time.time_ns()
    span = tracer.start_span(
        f"{method} {route}",
        context=Context(),
        kind=SpanKind.SERVER,
        start_time=end - round(seconds * _NANOSECONDS),
        attributes={
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        },
    )
    span.end(end)
