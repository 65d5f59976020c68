"""A shop's service in memory, behind httpx's transport seam: honest, until a test makes it lie."""

import re
from collections.abc import Callable
from typing import Any

import httpx

from commitments.errors import KvittoError, Refused
from commitments.p256 import P256
from commitments.sale import Sale
from commitments.wire import canonical_json, encode_base64, parse_base64, parse_hex, parse_json
from issuer.mailbox import Box, Mailbox
from issuer.orders import Order
from ledger.closed import ClosedLogs
from ledger.event_log import events_of
from ledger.events import events_origin
from ledger.evidence import build_event_evidence
from ledger.farewells import show_keys, stored_key_history
from ledger.log import Log
from ledger.note import Signer
from ledger.rings import RingName, build_evidence
from ledger.tiles import parse_bundle_path, parse_tile_path
from policies.attachments import attachment_digest, seal_attachment
from policies.claim import parse_claim
from policies.transfer import parse_transfer
from sdk import Purchase, Shop, Wallet
from tests.world import ORIGIN, World
from zk.issuance import parse_request

BASE = "https://shop.example"

Lie = Callable[[Any], Any]


class ShopServer:
    """Answers for the merchant of a :class:`World`.

    ``lies`` maps a part of a path to a function of the honest JSON document, or bytes, that
    returns the answer to give instead; ``instead`` to one that answers by itself. ``requests``
    are all that came.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.lies: dict[str, Lie] = {}
        self.instead: dict[str, Callable[[httpx.Request], Any]] = {}
        self.requests: list[httpx.Request] = []
        self.thief: Signer | None = None
        """Whoever signs what is forged with another key than the log's."""
        self.lost: set[str] = set()
        """Parts of paths whose request is carried out and whose answer is then lost."""

    def shop(self) -> Shop:
        return Shop(BASE, "acme", transport=httpx.MockTransport(self))

    def wallet(self, **options: Any) -> Wallet:
        return Wallet.in_memory(clock=self.world.clock, **{"smallest_ring": 2, **options})

    def sell(self, wallet: Wallet, order: str, **changes: Any) -> Purchase:
        """A sale to the owner of ``wallet``, with its receipt accepted."""
        shop = self.shop()
        receipt = self.receipt(wallet, order, self.world.sale(**changes))
        return wallet.accept(shop, receipt)

    def receipt(self, wallet: Wallet, order: str, sale: Sale) -> dict[str, Any]:
        request = wallet.request(self.shop(), order)
        return self.world.issuer.record(self.world.merchant, Order(order, sale, request))

    def signer(self, origin: str) -> Signer:
        """The log's own key, in the hands of whoever runs the service."""
        return self.thief or self.world.signers(origin)[-1]

    def posted(self) -> list[httpx.Request]:
        """What was sent that could be a claim: all but boxes for the mailbox."""
        sent = [request for request in self.requests if request.method == "POST"]
        return [request for request in sent if "/mailbox/" not in request.url.path]

    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        own = [lie for part, lie in self.instead.items() if part in request.url.path]
        try:
            answer = own[0](request) if own else self._answer(request)
        except KvittoError as error:
            return _problem(error)
        for part, lie in self.lies.items():
            if part in request.url.path:
                answer = lie(answer)
        if any(part in request.url.path for part in self.lost):
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer if isinstance(answer, httpx.Response) else _response(request, answer)

    def _answer(self, request: httpx.Request) -> Any:
        path = request.url.path
        if match := re.fullmatch(r"/logs/acme/(purchases|events)/(.*)", path):
            return self._log(ORIGIN if match[1] == "purchases" else events_origin(ORIGIN), match[2])
        path = path.removeprefix("/v1/merchants/acme")
        document: Any = parse_json(request.content) if request.content else None
        if path == "/logs/acme/keys.json":
            return self.keys()
        if path == "":
            return self._merchant()
        if path == "/events":
            return self._events(request.url.params["types"].split(","))
        if path == "/ring":
            return self.ring(request.url.params)
        return self._requests(path, document)

    def _requests(self, path: str, document: Any) -> Any:
        if path.startswith("/mailbox/"):
            return self._mailbox(path, document)
        if path == "/redemptions":
            asked = parse_request(document["request"], P256)
            return self.world.issuer.redeem(self.world.merchant, document["code"], asked)
        if path.startswith("/transfers"):
            return self._transfer(path, document)
        return self._claim(path, document)

    def _claim(self, path: str, document: Any) -> Any:
        verifier = self.world.verifier
        if path == "/claims":
            body = parse_claim(document["claim"])
            proof = parse_base64(document["proof"], "proof")
            return verifier.decide(ORIGIN, body, proof).document()
        identifier, *more = path.split("/")[2:]
        if more == ["retirement"]:
            secret = int.from_bytes(parse_hex(document["secret"], "secret", 32), "big")
            return verifier.retire(ORIGIN, identifier, secret).document()
        if more:
            return self._case(identifier, more[0], document)
        return verifier.decision(ORIGIN, identifier).document()

    def _case(self, identifier: str, part: str, document: Any) -> Any:
        cases = self.world.verifier.cases
        if part == "case":
            return cases.read(ORIGIN, identifier).document()
        if part == "steps":
            contents = [parse_base64(each, "attachments") for each in document["attachments"]]
            return cases.take(ORIGIN, identifier, document["step"], contents)[0].document()
        signed = document["time"], document["signature"]
        if part == "erasure":
            cases.erase_as_buyer(ORIGIN, identifier, *signed)
            return {"status": "erased"}
        found = cases.inbox(ORIGIN, identifier, *signed)
        return {
            "attachments": [
                {
                    "number": each.number,
                    "digest": each.digest,
                    "content": None if each.content is None else encode_base64(each.content),
                }
                for each in found
            ]
        }

    def step(self, claim_id: str, name: str, *messages: bytes, **members: Any) -> None:
        """A step of the merchant's, with messages for the buyer."""
        cases = self.world.verifier.cases
        case = cases.read(ORIGIN, claim_id).case
        inbox = case.body.buyer.inbox if case.body.buyer else ""
        sealed = [seal_attachment(message, claim_id, inbox) for message in messages]
        event = {
            "type": "claim.step",
            "claim_id": claim_id,
            "number": case.number,
            "by": "merchant",
            "step": name,
            "attachments": [attachment_digest(each) for each in sealed],
            **members,
        }
        cases.take(ORIGIN, claim_id, event, sealed)

    def _transfer(self, path: str, document: Any) -> Any:
        transfers = self.world.verifier.transfers
        if path == "/transfers":
            body = parse_transfer(document["transfer"], P256)
            proof = parse_base64(document["proof"], "proof")
            return transfers.decide(ORIGIN, body, proof).document()
        identifier = path.split("/")[2]
        if path.endswith("/retirement"):
            secret = int.from_bytes(parse_hex(document["secret"], "secret", 32), "big")
            return transfers.retire(ORIGIN, identifier, secret).document()
        return transfers.read(ORIGIN, identifier).document()

    def _mailbox(self, path: str, document: Any) -> dict[str, Any]:
        mailbox = Mailbox(self.world.store)
        if path == "/mailbox/lookups":
            found = mailbox.contents(ORIGIN, [bytes.fromhex(a) for a in document["addresses"]])
            return {"boxes": [None if box is None else encode_base64(box) for box in found]}
        address = bytes.fromhex(document["address"])
        if path == "/mailbox/deletions":
            mailbox.delete(ORIGIN, address, bytes.fromhex(document["signature"]))
            return {"status": "deleted"}
        content = parse_base64(document["ciphertext"], "ciphertext")
        mailbox.deposit(ORIGIN, Box(address, bytes.fromhex(document["delete_key"]), content))
        return {"status": "kept"}

    def _merchant(self) -> dict[str, Any]:
        with self.world.store.read() as connection:
            history = stored_key_history(connection, ORIGIN)
        return {
            "id": "acme",
            "name": "Acme",
            "origin": ORIGIN,
            "purchases_vkey": history.purchases.keys[-1].vkey,
            "events_vkey": history.events.keys[-1].vkey,
            "declaration": self.world.events("log.declared")[0][1],
        }

    def _events(self, types: list[str]) -> dict[str, Any]:
        with self.world.store.read() as connection:
            shown = events_of(connection, ORIGIN, types)
            log = Log(connection, events_origin(ORIGIN))
            return build_event_evidence(log, shown).document()

    def keys(self) -> Any:
        with self.world.store.read() as connection:
            return parse_json(show_keys(connection, ORIGIN))

    def ring(self, params: httpx.QueryParams) -> dict[str, Any]:
        numbers = (int(params[name]) for name in ("first", "size", "voided_at", "lane"))
        with self.world.store.read() as connection:
            log = Log(connection, ORIGIN)
            partition = ClosedLogs().partition(connection, ORIGIN)
            evidence = build_evidence(log, partition, RingName(*numbers), log.size)
            return {"ring": evidence.to_json(), "checkpoint": log.checkpoint().decode()}

    def _log(self, origin: str, path: str) -> bytes:
        with self.world.store.log(origin) as log:
            if path == "checkpoint":
                return log.checkpoint()
            if path.startswith("tile/entries/"):
                return log.bundle(*parse_bundle_path(path))
            tile = parse_tile_path(path)
            return log.tile(tile.level, tile.index, tile.width)


def _response(request: httpx.Request, answer: Any) -> httpx.Response:
    if not isinstance(answer, bytes):
        return response(canonical_json(answer), "application/json")
    note = request.url.path.endswith("checkpoint")
    kind = "text/plain; charset=utf-8" if note else "application/octet-stream"
    return response(answer, kind)


def response(content: bytes, kind: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, headers={"Content-Type": kind}, content=content)


def _problem(error: KvittoError) -> httpx.Response:
    code, status = "malformed", 400
    if isinstance(error, Refused):
        code, status = error.code, 404 if error.code.startswith("unknown-") else 422
    problem = {
        "type": f"urn:kvitto:problem:{code}",
        "title": code,
        "status": status,
        "detail": str(error),
    }
    return response(canonical_json(problem), "application/problem+json", status)
