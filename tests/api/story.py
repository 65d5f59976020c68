"""A day at a shop, request by request: where the examples of the OpenAPI document come from.

``python -m tests.api.story`` plays it and writes ``api/examples.json``, and beside it
``docs/policy.schema.json`` from the code.
"""

import json
import re
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import AsyncMock

import httpx

from aftersales.steps import BUYER, MERCHANT
from api.streams import frame
from api.webhooks.sending import Outcome
from commitments.mailbox import ADDRESS_BYTES, BOX_BYTES, LOOKUP_BOXES, sign_deletion
from commitments.wire import encode_base64
from ledger.events import event_time
from ledger.note import Signer
from policies.attachments import attachment_digest
from policies.policy import json_schema
from tests.api.shop import OPERATOR, SALE, Shop
from tests.handover import hand_over
from tests.steps import LOOKED_AT, Followed
from tests.world import NOTICE, REFUND, WARRANTY, Bought, new_keys, new_request, opening_of

__all__ = ["EXAMPLES", "SCHEMA", "Story", "play", "text_of"]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "api" / "examples.json"
SCHEMA = ROOT / "docs" / "policy.schema.json"
_PATIENCE = 30  # seconds
_NO_KEY = "0123456789abcdef" * 4  # a key that opens nothing, where the answer had a real one


class Story:
    """What was asked and answered, by operation."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.examples: dict[str, dict[str, Any]] = {}
        self._named = 0

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        """Each request with a key has a name of its own."""
        self._named += 1
        names = [] if key is None else [f"8e03978e-40d5-43dd-bc93-6894a57f{self._named:04}"]
        return self._record(self.shop.post(path, body, key, *names), body)

    def send(self, path: str, text: str, key: str, query: dict[str, Any]) -> Any:
        """A body that is no JSON."""
        self._named += 1
        name = f"8e03978e-40d5-43dd-bc93-6894a57f{self._named:04}"
        answer = self.shop.client.send(
            *("POST", f"/v1/merchants/acme/{path}"),
            content=text.encode(),
            key=key,
            query=query,
            names=[name],
        )
        return self._record(answer, text)

    def get(self, path: str, query: dict[str, Any] | None = None, key: str | None = None) -> Any:
        return self._record(self.shop.get(path, query, key), None)

    def delete(self, path: str, key: str) -> Any:
        return self._record(self.shop.delete(path, key), None)

    def put(self, path: str, body: Any, key: str) -> Any:
        return self._record(self.shop.put(path, body, key), body)

    def _record(self, answer: httpx.Response, body: Any) -> Any:
        assert answer.is_success, answer.text
        operation = self.shop.client.operation(answer.request)
        assert operation is not None
        example: dict[str, Any] = {"parameters": operation.parameters(answer)}
        if body is not None:
            example["request"] = body
        if "json" in answer.headers["content-type"]:
            example["response"] = answer.json()
        elif re.search("text|xml", answer.headers["content-type"]):
            example["response"] = answer.text
        self.examples[operation.id] = example
        return example.get("response")


def play(shop: Shop) -> dict[str, Any]:
    """All operations once, by a shop and its buyers; the examples by operation."""
    story = Story(shop)
    created = story.post("/v1/merchants", _MERCHANT, OPERATOR)
    _manage_keys(story, created["api_key"])
    _list_products(story, created["api_key"])
    _record_sales(story, created["api_key"])
    buyers = _buyers(story, created["api_key"])
    story.post("closes", None, created["api_key"])
    for policy in (REFUND, WARRANTY, LOOKED_AT):
        story.post("policies", {**policy, "smallest_ring": 3}, created["api_key"])
    story.post("notices", NOTICE, created["api_key"])
    _claim(story, buyers)
    _follow_up(story, buyers[1], created["api_key"])
    _hand_over(story, buyers[2], created["api_key"])
    story.post("policies/refund-14d/1/withdrawal", {"from": "2026-12-01"}, created["api_key"])
    _leave_a_box(story, created["origin"])
    _try_things_out(story, created["api_key"])
    _hear_of_events(story, created["api_key"])
    _look(story)
    _report(story, created["api_key"])
    for example in story.examples.values():
        if "api_key" in (answer := example.get("response", {})):
            answer["api_key"] = f"{answer['api_key'].rpartition('_')[0]}_{_NO_KEY}"
    return dict(sorted(story.examples.items()))


_MERCHANT = {"id": "acme", "name": "Acme", "capacity": 64, "period": "manual", "void_window": 1}


def _manage_keys(story: Story, key: str) -> None:
    wanted = {"label": "till 3", "scopes": ["sales"], "expires": "2027-12-31T23:59:59Z"}
    made = story.post("keys", wanted, key)
    replaced = story.post(f"keys/{made['id']}/rotation", {"grace_hours": 24}, key)
    story.post(f"keys/{replaced['id']}/revocation", None, key)
    story.post("keys/recovery", None, OPERATOR)
    story.get("keys", key=key)


def _try_things_out(story: Story, key: str) -> None:
    sandbox = story.post("sandbox", {"capacity": 64, "period": "manual", "void_window": 1}, key)
    clock = f"/v1/merchants/{sandbox['id']}/clock"
    story.post(clock, {"advance": "P14D"}, sandbox["api_key"])
    story.get(clock)
    story.post("sandbox/removal", None, key)


def _report(story: Story, key: str) -> None:
    story.shop.clock.advance(days=14)
    story.post("reports", {"month": "2026-11"}, key)
    story.get("reports")
    story.get("reports/2026-11")


def _list_products(story: Story, key: str) -> None:
    products = [
        {"code": SALE["product"], "name": "Kettle", "group": "kitchen"},
        {"code": "CABLE-2", "name": "Cable, 2 m", "group": None},
    ]
    story.post("catalogue/products", {"products": products}, key)
    story.get("catalogue/products", {"cursor": SALE["product"], "limit": 1}, key)
    story.post("catalogue/removals", {"codes": ["CABLE-2"]}, key)
    story.post("catalogue", {"only_listed": True}, key)
    story.get("catalogue", key=key)


def _record_sales(story: Story, key: str) -> None:
    rows = story.post("sales", {"sales": [SALE]}, key)["rows"]
    code = rows[0]["slip"]["code"]
    rows = "2026-11-20,4006381333931,249.00,EUR,L-7,\n2026-11-20,4006381333931,1.999,EUR,,\n"
    text = f"date,product,price,currency,batch,unit\n{rows}"
    story.send("sales/import", text, key, {"redeem_by": "2027-11-30"})
    request = new_request(code, new_keys()).document()
    story.post("redemptions", {"code": code, "request": request})


def _buyers(story: Story, key: str) -> list[Bought]:
    keys = [new_keys() for _ in range(3)]
    orders = [story.shop.order(story.shop.sale(unit=f"SN-{n}"), k) for n, k in enumerate(keys)]
    bodies = [
        {"order": o.reference, "sale": o.sale.document(), "request": o.request.document()}
        for o in orders
    ]
    receipts = [story.post("purchases", bodies[0], key)]
    bulk = {"purchases": bodies[1:]}
    receipts += [row["receipt"] for row in story.post("purchases/bulk", bulk, key)["rows"]]
    unwanted = story.post("purchases", story.shop.purchase_body(), key)
    story.post("voids", {"index": unwanted["index"], "reason": "returned"}, key)
    twice = story.post("purchases", story.shop.purchase_body(), key)
    gone = {"index": twice["index"], "reason": "duplicate"}
    story.post("voids/bulk", {"voids": [gone, {**gone, "reason": "returned"}]}, key)
    return [
        Bought(receipt["index"], k, opening_of(order, k), receipt)
        for receipt, k, order in zip(receipts, keys, orders, strict=True)
    ]


def _claim(story: Story, buyers: list[Bought]) -> None:
    refund = story.post("claims", story.shop.claim_body(buyers[0], "refund-14d"))
    secret = buyers[0].keys.secret.to_bytes(32, "big").hex()
    story.post(f"claims/{refund['claim_id']}/retirement", {"secret": secret})
    warranty = story.post("claims", story.shop.claim_body(buyers[1]))
    story.get(f"claims/{warranty['claim_id']}")
    story.get("claims", {"state": "approved", "overdue": "false", "cursor": 0, "limit": 1})


def _follow_up(story: Story, buyer: Bought, key: str) -> None:
    claim = Followed(story.shop, buyer, "looked-at")
    path = f"claims/{claim.claim_id}"
    asked = story.post(f"{path}/steps", claim.body(MERCHANT, "ask", wants=["photo"]), key)
    claim.number = asked["number"]
    photo = claim.seal(b"a photo")
    story.post(f"{path}/steps", claim.body(BUYER, "answer", photo))
    story.get(f"{path}/attachments/{attachment_digest(photo)}", key=key)
    now = event_time(story.shop.clock())
    claim.number += 1
    letter = claim.body(MERCHANT, "note", claim.seal(b"Please send it in."))
    story.shop.post(f"{path}/steps", letter, key)
    story.post(f"{path}/inbox", {"time": now, "signature": claim.ask_for_inbox(now)})
    story.post(f"{path}/erasure", {"time": now, "signature": claim.ask_for_erasure(now)})
    story.delete(f"{path}/attachments", key=key)
    story.get(f"{path}/case")
    story.get("claims/summary")
    _watch(story, claim.claim_id)


def _watch(story: Story, claim_id: str) -> None:
    """What streams send: they do not end, so that they cannot be asked in this way."""
    found = story.shop.events("claim.decided", "claim.step")
    events = [(place, event) for place, event in found if event["claim_id"] == claim_id]
    (place, _), *later = events
    sent = b"".join(frame(*each) for each in later).decode()
    seen = {"merchant": "acme", "Last-Event-ID": str(place)}
    of_claim = {**seen, "claim_id": claim_id}
    story.examples["watch_a_claim"] = {"parameters": of_claim, "response": sent}
    of_merchant = {**seen, "types": "claim.decided,claim.step"}
    story.examples["watch_a_merchant"] = {"parameters": of_merchant, "response": sent}


def _hand_over(story: Story, seller: Bought, key: str) -> None:
    story.post("closes", None, key)  # no void of what is in the log can come any more
    handover = hand_over(story.shop, seller)
    approved = story.post("transfers", handover.document())
    path = f"transfers/{approved['transfer_id']}"
    secret = seller.keys.secret.to_bytes(32, "big").hex()
    story.post(f"{path}/retirement", {"secret": secret})
    story.get(path)


def _leave_a_box(story: Story, origin: str) -> None:
    address, private_key = bytes(range(32)), b"d" * 32
    key = Signer(origin, private_key).verifier.public_key.hex()
    ciphertext = encode_base64(bytes(n % 256 for n in range(BOX_BYTES)))
    box = {"address": address.hex(), "delete_key": key, "ciphertext": ciphertext}
    story.post("mailbox/deposits", box)
    addresses = [address, *(bytes([n]) * ADDRESS_BYTES for n in range(1, LOOKUP_BOXES))]
    story.post("mailbox/lookups", {"addresses": [other.hex() for other in addresses]})
    signature = sign_deletion(origin, address, private_key).hex()
    story.post("mailbox/deletions", {"address": address.hex(), "signature": signature})


def _hear_of_events(story: Story, key: str) -> None:
    sender = story.shop.app.state.service.webhooks.sender
    sender.send = AsyncMock(return_value=Outcome(204))  # there is no shop.example
    wanted = {"url": "https://shop.example/hooks", "types": ["log.closed"], "description": "ERP"}
    created = story.post("webhooks", wanted, key)
    path = f"webhooks/{created['id']}"
    story.get("webhooks", key=key)
    story.put(path, {**wanted, "enabled": True}, key)
    story.get(path, key=key)
    story.post(f"{path}/test", None, key)
    rotated = story.post(f"{path}/rotation", None, key)
    story.post("closes", None, key)
    found = {"cursor": 99, "limit": 1, "state": "delivered"}
    deadline = time.monotonic() + _PATIENCE
    while not (page := story.get(f"{path}/deliveries", found, key))["deliveries"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    delivery = page["deliveries"][0]["id"]
    story.post(f"{path}/deliveries/{delivery}/replay", None, key)
    story.post(f"{path}/replay", {"since": "2026-11-20T18:00:00Z"}, key)
    story.delete(path, key)
    for shown in (created, rotated):
        shown["secret"] = f"whsec_{encode_base64(bytes(32))}"


def _look(story: Story) -> None:
    story.get("/v1/merchants")
    story.get("/v1/directory", {"sandboxes": "false"})
    story.get("search", {"q": "warranty"})
    story.get("overview")
    story.get("findings")
    story.get("findings.atom")
    story.get("")
    story.get("statistics")
    story.get("policies")
    story.get("policies/warranty-2y/1")
    story.get("policies/warranty-2y/1/explanation")
    events = story.get(
        "events", {"types": "log.declared,log.closed,policy.published,recall.published"}
    )
    size = next(e["event"]["size"] for e in events["events"] if e["event"]["type"] == "log.closed")
    story.get("ring", {"first": 0, "size": size, "voided_at": size, "lane": 0})
    story.get("/logs/acme/keys.json")
    story.get("/logs/acme/purchases/checkpoint")
    story.get("/logs/acme/purchases/tile/0/000.p/5")
    story.get("/v1/policy.schema.json")
    story.get("/healthz")
    story.get("/readyz")


def text_of(document: Any) -> str:
    """The document as it is written to a file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    with (
        TemporaryDirectory() as directory,
        Shop(f"sqlite:///{directory}/kvitto.db", entered=False) as shop,
    ):
        EXAMPLES.write_text(text_of(play(shop)), "utf-8")
    SCHEMA.write_text(text_of(json_schema()), "utf-8")


if __name__ == "__main__":
    main()
