"""The example of docs/merchants.md, with a buyer who comes to it."""

from functools import partial
from pathlib import Path

import httpx

from api.app import create_app
from api.options import Options
from api.settings import Settings
from commitments.clock import system_clock
from examples.shop_integration import Kvitto, backend
from sdk import Shop, Wallet
from tests.cli.terminal import OPERATOR
from tests.databases import SEALING
from tests.serving import served, served_at
from tests.world import KETTLE, WARRANTY

OPTIONS = Options(webhook_http=True, webhook_networks="127.0.0.0/8")
ALWAYS = {"smallest_ring": 1, "valid_from": "2000-01-01", "valid_to": "9999-12-31"}


def test_a_claim_comes_to_the_desk_and_is_completed(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/kvitto.db"
    settings = Settings("ledger.example", database, OPERATOR, SEALING, options=OPTIONS)
    with served(create_app(settings)) as service:
        operator = {"Authorization": f"Bearer {OPERATOR}"}
        merchant = {"id": "acme", "name": "Acme", "period": "manual"}
        made = httpx.post(f"{service}/v1/merchants", json=merchant, headers=operator).json()
        with Kvitto(service, "acme", made["api_key"]) as kvitto:
            kvitto.ask("POST", "/policies", {**WARRANTY, **ALWAYS, "origin": made["origin"]})
            make = partial(backend, kvitto, "acme/desk-1")
            with served_at(make) as till, Shop(service, "acme") as shop:
                follow_a_kettle(kvitto, till, shop)


def follow_a_kettle(kvitto: Kvitto, till: str, shop: Shop) -> None:
    wallet = Wallet.in_memory(smallest_ring=1)
    sale = {
        "date": system_clock().date().isoformat(),
        "product": KETTLE,
        "price": 24_900,
        "currency": "EUR",
    }
    request = wallet.request(shop, "1001").document()
    checkout = {"order": "1001", "sale": sale, "request": request}
    wallet.accept(shop, httpx.post(f"{till}/checkout", json=checkout).raise_for_status().json())
    kvitto.ask("POST", "/closes")
    wallet.claim(shop, "warranty-2y", remedy="repair")
    (claim,) = wallet.claims
    states = []
    for case in wallet.watch(shop, claim):  # each change, as the log proves it
        states.append(case.state)
        if case.state == "in_process" and case.redeemed is None:
            token = wallet.redemption(claim, "acme/desk-1")
            httpx.post(f"{till}/desk", json=token).raise_for_status()
            assert httpx.post(f"{till}/desk", json=token).is_error  # it works once
        if case.state == "completed":
            break
    assert states[-1] == "completed"
    assert "in_process" in states
    forged = httpx.post(f"{till}/hooks", json={"data": {"event": {"claim_id": claim.claim_id}}})
    assert forged.is_error
