"""A service with the logs of one merchant, and what was seen of them as they grew."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from cli.demo.service import OPERATOR_KEY
from cli.merchant_service import post
from commitments.wire import encode_base64
from ledger.log import Log
from ledger.merkle import leaf_hash
from ledger.note import Signer
from ledger.sealing import SealingKey
from ledger.store import Store
from ledger.tiles import TILE_WIDTH, decode_bundle
from tests.api.shop import SALE
from tests.ledger.memory_log import LeafReader
from tests.world import WARRANTY, new_keys, new_request

ORIGIN = "kvitto.example/acme"
STEPS = (1, 6, 249, 1, 300)  # a full tile exactly, one entry more, and into the third
SIZE = sum(STEPS)  # 557


def create_merchant(url: str) -> Any:
    merchant = {"id": "acme", "name": "Acme", "period": "manual"}
    return post(url, OPERATOR_KEY, "merchants", merchant)


class Served:
    """The merchant ``created``, at ``url`` with its data in ``directory``.

    A *story* is what a program is told of a log: its address and key, the keys of its witnesses,
    its checkpoints as it grew, and receipts.
    """

    def __init__(self, url: str, directory: Path, created: Any, *witnesses: str) -> None:
        self.url, self.directory, self.created = url, directory, created
        self.purchases = self._story("purchases", witnesses)
        self.events = self._story("events", witnesses)

    def grow(self) -> None:
        for step in STEPS:
            self.buy(step)
            self._remember(self.purchases)
        for version in range(1, 4):
            self._write("policies", {**WARRANTY, "origin": ORIGIN, "version": version})
            self._remember(self.events)
        for receipt in self.purchases["receipts"]:
            receipt["entry"] = encode_base64(self._entry(receipt["index"]))

    def _story(self, log: str, witnesses: tuple[str, ...]) -> dict[str, Any]:
        return {
            "url": f"{self.url}/logs/acme/{log}",
            "vkey": self.created[f"{log}_vkey"],
            "witnesses": list(witnesses),
            "checkpoints": [],
            "receipts": [],
        }

    def _remember(self, story: dict[str, Any]) -> None:
        story["checkpoints"].append(httpx.get(f"{story['url']}/checkpoint").text)

    def _write(self, path: str, body: Any) -> Any:
        return post(self.url, self.created["api_key"], f"merchants/acme/{path}", body)

    def buy(self, count: int) -> None:
        """One purchase with a receipt, and sales without a buyer for the rest."""
        order = f"order-{count}-{len(self.purchases['receipts'])}"
        request = new_request(order, new_keys(), ORIGIN).document()
        if count > 1:
            self._write("sales", {"sales": [SALE] * (count - 1)})
        receipt = self._write("purchases", {"order": order, "sale": SALE, "request": request})
        shown = {"proof": receipt["proof"], "index": receipt["index"]}
        self.purchases["receipts"].append(shown)

    def _entry(self, index: int) -> bytes:
        number, place = divmod(index, TILE_WIDTH)
        width = min(TILE_WIDTH, SIZE - number * TILE_WIDTH)
        partial = "" if width == TILE_WIDTH else f".p/{width}"
        path = f"tile/entries/{number:03d}{partial}"
        bundle = httpx.get(f"{self.purchases['url']}/{path}").content
        return decode_bundle(bundle, width)[place]

    def signer(self, origin: str) -> Signer:
        """The log's own key, for a service that lies."""
        with self._store() as store:
            return store.commit(lambda transaction: transaction.signers(origin)[0])

    @contextmanager
    def log(self) -> Iterator[Log]:
        """The purchase log as it is in the database."""
        with self._store() as store, store.log(ORIGIN) as log:
            yield log

    def fork(self, size: int) -> LeafReader:
        """The purchase log with another last entry, and other entries up to ``size``."""
        with self.log() as log:
            kept = log.entries(0, log.size - 1)
        others = [f"forged {number}".encode() for number in range(len(kept), size)]
        return LeafReader(leaf_hash(entry) for entry in [*kept, *others])

    def _store(self) -> Store:
        sealing = SealingKey.parse((self.directory / "sealing.key").read_bytes())
        return Store(f"sqlite:///{self.directory}/kvitto.db", sealing=sealing)
