"""A shop that records its sales, and a buyer with a wallet for each of them."""

import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count, groupby
from pathlib import Path
from typing import Any, Self

from cli import merchant_service
from cli.demo.service import OPERATOR_KEY, Calendar, RunningWitness
from cli.merchant_cases import cases_at
from commitments.sale import Sale
from ledger.note import Verifier
from ledger.quorum import NO_QUORUM, Quorum, parse_quorum
from sdk.shop import LogKeys, Shop
from sdk.wallet import Wallet

__all__ = ["Buyer", "PinnedShop", "Town", "introduce", "open_shop", "quorum_of"]

_BATCH = 500
_REST = 1.1  # seconds after which the service asks again a witness that did not know a log
_POLICY = {
    "schema": "kvitto-policy/v1",
    "version": 1,
    "valid_from": "2024-01-01",
    "valid_to": "2030-12-31",
    "response_time": "P7D",
    "smallest_ring": 64,
}


class PinnedShop(Shop):
    """A shop whose keys stand on every receipt, so that no wallet needs to ask for them."""

    @cache  # noqa: B019 - one shop for the whole demo
    def keys(self) -> LogKeys:
        """The keys, asked for once."""
        return super().keys()


class Buyer:
    """Somebody who bought something: a wallet and what the receipt says."""

    def __init__(self, wallet: Wallet, order: str, sale: Sale) -> None:
        self.wallet = wallet
        self.order = order
        self.sale = sale

    @property
    def index(self) -> int:
        """Where the purchase stands in the log. Only the buyer and the shop know."""
        return self.wallet.purchases[0].index


class Town:
    """One merchant of the service, its cash desk, and its buyers."""

    def __init__(self, url: str, merchant: str, key: str, calendar: Calendar) -> None:
        self.url = url
        self.merchant = merchant
        self.calendar = calendar
        self.shop = PinnedShop(url, merchant)
        self.origin = self.shop.keys().origin
        self.buyers: list[Buyer] = []
        self.quorum = NO_QUORUM
        self.seed_witnesses: Sequence[Verifier] = ()
        self._orders = count(1)
        self._key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shop.close()

    def record(self, sales: Sequence[Sale], progress: Callable[[int], None]) -> None:
        """Sell everything, each thing to a new buyer, and close the log at the end of a month."""
        for _, month in groupby(sales, key=lambda sale: (sale.date.year, sale.date.month)):
            sold = list(month)
            self.calendar.turn_to_evening_of(sold[-1].date)
            self._record_month(sold, progress)
            self.close()

    def _record_month(self, sales: Sequence[Sale], progress: Callable[[int], None]) -> None:
        for start in range(0, len(sales), _BATCH):
            buyers = [self._new_buyer(sale, None) for sale in sales[start : start + _BATCH]]
            self._sell(buyers)
            self.buyers += buyers
            progress(len(self.buyers))

    def sell(self, sale: Sale, wallet_file: Path, passphrase: str) -> Buyer:
        """Sell one thing to a buyer who keeps the wallet in an encrypted file."""
        wallet = Wallet.create(wallet_file, passphrase, clock=self.calendar)
        buyer = self._new_buyer(sale, wallet)
        self._sell([buyer])
        self.buyers.append(buyer)
        return buyer

    def close(self) -> None:
        """End a period: what has been recorded becomes provable."""
        self._post("closes", {})

    def void(self, buyer: Buyer) -> None:
        """Declare a purchase void, as after a return at the counter."""
        self._post("voids", {"index": buyer.index, "reason": "returned"})

    def publish(self, **members: Any) -> None:
        """Publish a policy."""
        self._post("policies", {**_POLICY, "origin": self.origin, **members})

    def move(self, claim_id: str, step: str, hours: int, **members: Any) -> str:
        """Take a step in the case of a claim after some hours; its state."""
        self.calendar.let_pass(hours)
        with cases_at(self.url, self._key, self.merchant) as cases:
            return cases.take(cases.case(claim_id), step, members, None, None).state

    def report(self, month: str) -> list[str]:
        """Publish how the shop dealt with the claims of ``month``; the months that are public."""
        self._post("reports", {"month": month})
        found = merchant_service.get(self.url, f"merchants/{self.merchant}/reports")
        return [report["month"] for report in found["reports"]]

    def record_without_buyer(self, sale: Sale) -> str:
        """Record a sale whose buyer could not be asked; the one-time code on the printed slip."""
        answer = self._post("sales", {"sales": [sale.document()]})
        code: str = answer["rows"][0]["slip"]["code"]
        return code

    def _new_buyer(self, sale: Sale, wallet: Wallet | None) -> Buyer:
        order = f"order-{next(self._orders)}"
        wallet = wallet or Wallet.in_memory(clock=self.calendar)
        wallet.require_quorum(self.shop, self.quorum)
        wallet.trust_seed_witnesses(self.shop, self.seed_witnesses)
        return Buyer(wallet, order, sale)

    def _sell(self, buyers: Sequence[Buyer]) -> None:
        purchases = [
            {
                "order": buyer.order,
                "sale": buyer.sale.document(),
                "request": buyer.wallet.request(self.origin, buyer.order).document(),
            }
            for buyer in buyers
        ]
        rows = self._post("purchases/bulk", {"purchases": purchases})["rows"]
        for buyer, row in zip(buyers, rows, strict=True):
            buyer.wallet.accept(self.shop, row["receipt"])

    def _post(self, path: str, document: Any) -> Any:
        place = f"merchants/{self.merchant}/{path}"
        return merchant_service.post(self.url, self._key, place, document)


def open_shop(url: str, merchant: str, name: str, calendar: Calendar) -> Town:
    """A new merchant whose periods end by a call."""
    document = {"id": merchant, "name": name, "period": "manual"}
    created = merchant_service.post(url, OPERATOR_KEY, "merchants", document)
    return Town(url, merchant, created["api_key"], calendar)


def quorum_of(witnesses: Sequence[RunningWitness]) -> Quorum:
    """The policy of everybody here: each witness, with its ML-DSA key or its Ed25519 key."""
    lines = []
    for number, witness in enumerate(witnesses):
        names = [f"key-{number}-{kind}" for kind in range(len(witness.vkeys))]
        for name, vkey in zip(names, witness.vkeys, strict=True):
            lines.append(f"witness {name} {vkey} {witness.url}\n")
        lines.append(f"group witness-{number} any {' '.join(names)}\n")
    members = " ".join(f"witness-{number}" for number in range(len(witnesses)))
    lines += [f"group both all {members}\n", "quorum both\n"]
    return parse_quorum("".join(lines).encode())


def introduce(towns: Sequence[Town], witnesses: Sequence[RunningWitness], quorum: Quorum) -> None:
    """Let the witnesses watch the logs of the shops, and all buyers ask for both witnesses."""
    for town in towns:
        town.quorum = quorum
        town.seed_witnesses = [witness.seeds.key for witness in witnesses]
        for witness in witnesses:
            witness.service.watch(town.shop.keys().purchases)
            witness.service.watch(town.shop.keys().events)
            witness.service.sign_seeds(town.origin, "manual")
    time.sleep(_REST)
