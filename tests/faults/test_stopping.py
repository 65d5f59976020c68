"""SIGTERM while claims are under way: what has begun is finished and answered, nothing is begun."""

import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from time import monotonic

import httpx
from sqlalchemy import func, select

from commitments.wire import encode_base64
from ledger.store import Store
from tests.databases import SEALING, Sqlite, fresh
from tests.serving import serving
from tests.world import WARRANTY, Bought, World
from verifier.schema import approved

CLAIMS = 16
PATIENCE = 60  # seconds
ALWAYS = {"valid_from": "2000-01-01", "valid_to": "9999-12-31"}
PATH = "/v1/merchants/acme/claims"


def _claims(url: str) -> list[dict[str, object]]:
    """Claims that are approved today, each for another purchase."""
    with World(url) as world:
        world.clock.now = datetime.now(UTC)
        sale = world.sale(date=world.clock.now.date())
        bought = world.buy(*[sale] * CLAIMS)
        world.close()
        world.publish(WARRANTY, **ALWAYS)
        return [_document(world, purchase) for purchase in bought]


def _document(world: World, purchase: Bought) -> dict[str, object]:
    body = world.body(purchase)
    return {
        "claim": body.document(),
        "proof": encode_base64(world.prove(purchase, body)),
    }


def test_a_service_that_is_told_to_stop(sqlite: Sqlite, tmp_path: Path) -> None:
    with fresh(sqlite) as url:
        claims = _claims(url)
        answers: list[int] = []

        def claim(address: str, body: dict[str, object]) -> None:
            with suppress(httpx.TransportError):  # it came after the end
                answers.append(httpx.post(address + PATH, json=body, timeout=PATIENCE).status_code)

        env = {"KVITTO_DRAIN_SECONDS": "1"}
        name = ("--name", "ledger.example")
        with serving(tmp_path / "data", tmp_path / "log", url, name, env) as (process, said):
            address = said["url"]
            assert httpx.get(f"{address}/readyz", timeout=PATIENCE).is_success
            threads = [Thread(target=claim, args=(address, body)) for body in claims[:-1]]
            for thread in threads:
                thread.start()
            while not answers:  # the others are under way, in a batch or on the wire
                threads[0].join(0.001)
            process.send_signal(signal.SIGTERM)
            assert _unready(address) == "the service is stopping"
            late = httpx.post(address + PATH, json=claims[-1], timeout=PATIENCE)
            assert (late.status_code, late.headers["retry-after"]) == (503, "1")
            assert httpx.get(f"{address}/healthz", timeout=PATIENCE).is_success
            for thread in threads:
                thread.join(PATIENCE)
            assert process.wait(PATIENCE) == -signal.SIGTERM
        assert set(answers) <= {201, 503}
        assert answers.count(201) > 1
        with Store(url, sealing=SEALING) as store, store.read() as connection:
            recorded = connection.scalar(select(func.count()).select_from(approved))
        assert recorded == answers.count(201)
        assert "Traceback" not in (tmp_path / "log").read_text("utf-8")


def _unready(address: str) -> str:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        answer = httpx.get(f"{address}/readyz", timeout=PATIENCE)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            detail: str = answer.json()["detail"]
            return detail
    return "ready"


def test_workers_stop_too(tmp_path: Path) -> None:
    with serving(tmp_path / "data", tmp_path / "log", arguments=("--workers", "2")) as (process, s):
        assert httpx.get(f"{s['url']}/readyz", timeout=PATIENCE).is_success
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")
