"""Spans say as little as the log."""

import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api import app as api_app
from api import tracing
from api.app import create_app
from api.options import Options
from api.settings import Settings
from tests.api.client import Client
from tests.api.shop import OPERATOR
from tests.databases import SEALING, Sqlite, fresh


def _settings(database: str) -> Settings:
    options = Options(tracing=True)
    return Settings("ledger.example", database, OPERATOR, SEALING, options=options)


def test_spans_carry_route_status_and_duration_only(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(api_app, "open_tracer", lambda: provider.get_tracer("test"))
    traced = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "baggage": "canary=1"}
    with fresh(sqlite) as database, Client(create_app(_settings(database))) as client:
        client.send("GET", "/v1/merchants/canary", query="canary=2", headers=traced)
    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /v1/merchants/{merchant}"
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/merchants/{merchant}",
        "http.response.status_code": 404,
    }
    assert span.parent is None
    assert (span.events, span.links) == ((), ())
    assert "canary" not in span.to_json()
    assert "abab" not in span.to_json()
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time > span.start_time


def test_without_its_packages_nothing_starts(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with fresh(sqlite) as database, pytest.raises(tracing.NoTracing, match=r"kvitto\[otel\]"):
        create_app(_settings(database))
