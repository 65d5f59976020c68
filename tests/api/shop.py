"""The shop of ``tests/world.py`` with the service in front of it."""

from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import httpx
from sqlalchemy import func, select

from api.app import create_app
from api.options import Options
from api.settings import Settings
from commitments.wire import encode_base64
from issuer.merchants import find_merchant
from ledger.schema import metadata
from tests.api.client import Client
from tests.databases import SEALING
from tests.world import REFUND, WARRANTY, Bought, FakeClock, World, new_keys

__all__ = ["OPERATOR", "SALE", "Shop", "values"]

OPERATOR = "the operator's key"
SALE = {
    "date": "2026-11-15",
    "product": "4006381333931",
    "price": 24_900,
    "currency": "EUR",
    "batch": "L2026-114",
    "unit": None,
}


class Shop(World):
    """The merchant ``acme`` behind HTTP; what the tests of other rooms do, it does directly."""

    def __init__(
        self, database: str, *, entered: bool = True, options: Options | None = None
    ) -> None:
        self.clock = FakeClock()
        self.entered = entered
        settings = Settings("ledger.example", database, OPERATOR, SEALING, self.clock)
        self.app = create_app(replace(settings, options=options or Options()))
        service = self.app.state.service
        self.store, self.issuer, self.verifier = service.store, service.issuer, service.verifier
        self.closer = service.closer
        self._orders = 0
        self.client = Client(self.app)

    def __enter__(self) -> Self:
        self.client.__enter__()
        if self.entered:
            self.key = self.enter("acme")["api_key"]
            self.merchant = find_merchant(self.store, "acme")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.client.__exit__(kind, error, traceback)

    def enter(self, merchant_id: str, **choices: Any) -> dict[str, Any]:
        """Create a merchant that closes by a call, if nothing else is chosen."""
        body = {"id": merchant_id, "name": "Acme", "capacity": 64, "period": "manual", **choices}
        answer = self.client.send("POST", "/v1/merchants", body=body, key=OPERATOR)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def open_for_claims(self, *policies: dict[str, Any]) -> list[Bought]:
        """Three purchases, a close, and a warranty and a refund policy besides ``policies``."""
        bought = self.buy(*[self.sale()] * 3)
        self.close()
        for policy in (WARRANTY, REFUND, *policies):
            self.publish(policy)
        return bought

    def get(
        self, path: str, query: dict[str, Any] | str | None = None, key: str | None = None
    ) -> httpx.Response:
        return self.client.send("GET", _full(path), query=query, key=key)

    def post(self, path: str, body: Any, key: str | None = None, *names: str) -> httpx.Response:
        return self.client.send("POST", _full(path), body=body, key=key, names=names)

    def delete(self, path: str, key: str | None = None) -> httpx.Response:
        return self.client.send("DELETE", _full(path), key=key)

    def put(self, path: str, body: Any, key: str) -> httpx.Response:
        return self.client.send("PUT", _full(path), body=body, key=key)

    def write(self, path: str, body: Any, *names: str) -> httpx.Response:
        """As the merchant; ``names`` are sent as ``Idempotency-Key``."""
        return self.post(path, body, self.key, *names)

    def purchase_body(self, **changes: Any) -> dict[str, Any]:
        """The body of a purchase by a buyer who has a wallet."""
        order = self.order(self.sale(), new_keys())
        body = {
            "order": order.reference,
            "sale": order.sale.document(),
            "request": order.request.document(),
        }
        return {**body, **changes}

    def claim_body(self, bought: Bought, policy: str = "warranty-2y") -> dict[str, Any]:
        """An honest claim with its proof."""
        body = self.body(bought, policy)
        return {"claim": body.document(), "proof": encode_base64(self.prove(bought, body))}

    def state(self) -> dict[str, Any]:
        """How many rows each table has, and the checkpoints: what no refused request changes."""
        with self.store.read() as connection:
            tables = metadata.sorted_tables
            rows = {t.name: connection.scalar(select(func.count()).select_from(t)) for t in tables}
            heads = connection.execute(select(metadata.tables["logs"].c.checkpoint)).all()
        return {**rows, "checkpoints": heads}


def values(answer: httpx.Response, name: str) -> list[Any]:
    """What the rows of an answer have led to, all of them accepted or known."""
    return [row[name] for row in answer.json()["rows"]]


def _full(path: str) -> str:
    return path if path.startswith("/") else f"/v1/merchants/acme/{path}".rstrip("/")
