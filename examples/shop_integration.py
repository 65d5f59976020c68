"""A shop's backend beside its Kvitto service: a till, a receiver of webhooks and a cash desk.

    python examples/shop_integration.py

KVITTO_URL, KVITTO_MERCHANT and KVITTO_API_KEY say which service. It listens at port 8080:
`/checkout` records a sale to the buyer whose wallet made the request, `/hooks` is told of claims
and moves them on, `/desk` redeems what a buyer's wallet has signed.
"""

import os
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import uvicorn
from fastapi import Depends, FastAPI, Request
from standardwebhooks import Webhook

from aftersales.redemption import RedemptionToken
from ledger.note import parse_vkey


class Kvitto(httpx.Client):
    """The service, with the shop's key."""

    def __init__(self, url: str, merchant: str, api_key: str) -> None:
        super().__init__(base_url=url, headers={"Authorization": f"Bearer {api_key}"})
        self.root = f"/v1/merchants/{merchant}"

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """The answer; an error where the service refuses."""
        return self.request(method, self.root + path, json=document).raise_for_status().json()

    def step(self, claim: str, **step: Any) -> Any:
        """Take a step of a claim: the merchant's, unless it says that it is the buyer's."""
        event = {"type": "claim.step", "claim_id": claim, "by": "merchant", "attachments": []}
        return self.ask("POST", f"/claims/{claim}/steps", {"step": event | step, "attachments": []})


def backend(kvitto: Kvitto, desk: str, address: str) -> FastAPI:
    """The shop's program; ``address`` is where Kvitto reaches it, ``desk`` what buyers sign for."""
    events_key = parse_vkey(kvitto.ask("GET", "")["events_vkey"])
    wanted = {"url": f"{address}/hooks", "types": ["claim.decided", "claim.step"]}
    webhook = Webhook(kvitto.ask("POST", "/webhooks", wanted)["secret"])
    app = FastAPI()

    @app.post("/checkout")
    def checkout(sale: dict[str, Any]) -> Any:
        """Record `{"order", "sale", "request"}`; the receipt goes to the buyer's wallet."""
        return kvitto.ask("POST", "/purchases", sale)

    async def genuine(request: Request) -> Any:
        return webhook.verify(await request.body(), dict(request.headers))

    @app.post("/hooks")
    def hooks(message: Annotated[Any, Depends(genuine)]) -> None:
        """Move the claim on. What counts is where it stands, however often this comes."""
        claim = message["data"]["event"]["claim_id"]
        case = kvitto.ask("GET", f"/claims/{claim}/case")
        if case["state"] == "approved" and case["agreed"]:
            kvitto.step(claim, number=case["number"], step="start")
        if case["state"] == "in_process" and case["redeemed"]:
            kvitto.step(claim, number=case["number"], step="complete")

    @app.post("/desk")
    def redeem(document: dict[str, Any]) -> Any:
        """Check a token without asking anybody, then record it, which works once."""
        token = RedemptionToken.parse(document)
        token.verify(desk, datetime.now(UTC), events_key)
        number = kvitto.ask("GET", f"/claims/{token.claim_id}/case")["number"]
        return kvitto.step(token.claim_id, **token.step(number))

    return app


if __name__ == "__main__":
    names = ("KVITTO_URL", "KVITTO_MERCHANT", "KVITTO_API_KEY")
    shop = Kvitto(*(os.environ[name] for name in names))
    uvicorn.run(backend(shop, "acme/desk-1", "http://127.0.0.1:8080"), port=8080)
