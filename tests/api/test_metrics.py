"""What is counted, and that no label says more than it may."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from ledger import metrics
from tests.api.shop import SALE, Shop
from tests.databases import Sqlite, fresh

LABELS = {"method", "route", "status", "kind", "outcome", "result", "log", "witness", "budget"}


@pytest.fixture
def shop(sqlite: Sqlite) -> Iterator[Shop]:
    with fresh(sqlite) as database, Shop(database) as opened:
        yield opened


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_no_metric_has_another_label() -> None:
    """A label by merchant, policy or lane would tell claims apart."""
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        assert isinstance(metric, MetricWrapperBase)
        assert set(metric._labelnames) <= LABELS


def test_claims_are_counted_by_what_became_of_them(shop: Shop) -> None:
    def counts() -> dict[str, float]:
        outcomes = ("approved", "repeated", "already_claimed", "proof_invalid", "refused")
        return {o: count("kvitto_decisions_total", kind="claim", outcome=o) for o in outcomes}

    bought, other, _ = shop.open_for_claims()
    before, entries = counts(), count("kvitto_entries_total", log="events")
    claim = shop.claim_body(bought)
    again = shop.claim_body(bought)
    false = {**shop.claim_body(other), "claim": {**shop.claim_body(other)["claim"]}}
    old = {**claim, "claim": {**claim["claim"], "date": "2020-01-01"}}
    state = shop.state()
    assert shop.post("claims", false).json()["reason"] == "proof_invalid"
    assert shop.post("claims", old).status_code == 422
    assert shop.state() == state  # nothing but counters
    shop.post("claims", claim)
    shop.post("claims", claim)
    assert shop.post("claims", again).json()["reason"] == "already_claimed"
    after = counts()
    assert {outcome: after[outcome] - before[outcome] for outcome in after} == {
        "approved": 1,
        "repeated": 1,
        "already_claimed": 1,
        "proof_invalid": 1,
        "refused": 1,
    }
    assert count("kvitto_entries_total", log="events") - entries == 1
    assert count("kvitto_claims_under_way") == 0


def test_entries_are_counted_when_they_are_durable(shop: Shop) -> None:
    before = count("kvitto_entries_total", log="purchases")
    shop.write("sales", {"sales": [SALE] * 3})
    shop.write("sales", {"sales": [{**SALE, "price": -1}]})
    assert count("kvitto_entries_total", log="purchases") - before == 3


def test_requests_are_counted_by_route(shop: Shop) -> None:
    labels = {"method": "GET", "route": "/v1/merchants/{merchant}", "status": "404"}
    before = count("kvitto_http_request_seconds_count", **labels)
    shop.get("/v1/merchants/nobody")
    assert count("kvitto_http_request_seconds_count", **labels) - before == 1


def test_nothing_that_was_sent_is_shown(shop: Shop) -> None:
    bought, _, _ = shop.open_for_claims()
    claim = shop.claim_body(bought)
    shop.post("claims", claim)
    shop.get("/v1/merchants/canary-of-a-path?canary=of-a-query")
    shown = generate_latest(REGISTRY).decode()
    for text in (claim["proof"], claim["claim"]["nonce"], "warranty-2y", "acme", "canary"):
        assert text not in shown
