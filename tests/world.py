"""A small shop with its logs, its verifier and honest buyers, in one process and without HTTP."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from commitments.p256 import P256
from commitments.purchase import BuyerKeys, Opening, serial_shift
from commitments.sale import Sale
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from issuer.orders import Order
from issuer.recording import Issuer
from ledger.closed import ClosedLogs
from ledger.event_log import events_of
from ledger.events import events_origin
from ledger.log import Log
from ledger.note import Signer
from ledger.rings import RingName, build_ring
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store
from policies.body import new_nonce
from policies.claim import ClaimBody, claim_statement
from policies.policy import parse_policy
from policies.versions import Ending, Version
from tests.databases import SEALING
from verifier.decision import Decision
from verifier.service import Verifier
from zk.issuance import BuyerRequest, prove_request
from zk.prove import prove
from zk.statement import Ring, Statement

KETTLE = "4006381333931"
ORIGIN = "ledger.example/acme"
WARRANTY = {
    "schema": "kvitto-policy/v1",
    "origin": ORIGIN,
    "id": "warranty-2y",
    "version": 1,
    "kind": "warranty",
    "title": "Two-year guarantee",
    "products": [KETTLE],
    "purchased": {"oldest": "P2Y"},
    "price": {"currency": "EUR", "min": 1000, "max": 50_000},
    "smallest_ring": 2,
    "valid_from": "2024-01-01",
    "valid_to": "2030-12-31",
    "remedies": ["repair", "replacement"],
    "response_time": "P7D",
}
NOTICE = {
    "schema": "kvitto-notice/v1",
    "origin": ORIGIN,
    "id": "handle-2026",
    "kind": "recall",
    "title": "The handle may come off",
    "text": "Please stop using kettles of this batch and ask for a repair.",
    "date": "2026-11-01",
    "products": [KETTLE],
    "batches": ["B7"],
    "policy": "warranty-2y",
}

REFUND = {
    **WARRANTY,
    "id": "refund-14d",
    "kind": "refund",
    "title": "Money back",
    "purchased": {"oldest": "P14D"},
    "ends_ownership": True,
    "remedies": ["refund"],
}


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def at(self, _origin: str, /) -> datetime:
        return self.now

    def advance(self, **units: float) -> None:
        self.now += timedelta(**units)


@dataclass(frozen=True)
class Bought:
    """A purchase as its buyer knows it."""

    index: int
    keys: BuyerKeys
    opening: Opening
    receipt: dict[str, Any]


@dataclass(frozen=True)
class Printed:
    """A slip of a sale without a buyer."""

    index: int
    code: str


def random_scalar() -> int:
    return 1 + secrets.randbelow(P256.order - 1)


def new_keys() -> BuyerKeys:
    return BuyerKeys(random_scalar(), random_scalar(), random_scalar())


def new_request(order: str, keys: BuyerKeys, origin: str = ORIGIN) -> BuyerRequest:
    return prove_request(P256, origin, order, keys, random_scalar)


def opening_of(order: Order, keys: BuyerKeys) -> Opening:
    shift = serial_shift(P256, ORIGIN, order.reference, order.request.commitment)
    return Opening(
        order.sale.attributes(P256),
        (keys.serial_0 + shift) % P256.order,
        keys.secret,
        keys.blinding,
    )


class World:
    """The shop ``acme``, closing by a call, with small cells."""

    def __init__(self, database: str) -> None:
        self.clock = FakeClock()
        self.store = Store(database, sealing=SEALING)
        self.merchant = Merchant("acme", "Acme", ORIGIN)
        create_merchant(self.store, P256, self.clock, self.merchant, period="manual", capacity=64)
        self.issuer = Issuer(self.store, P256, self.clock)
        self.verifier = Verifier(self.store, P256, self.clock)
        self.closer = Closer(self.store, self.clock, SeedWitnesses())
        self._orders = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.verifier.close()
        self.store.close()

    def sale(self, **changes: Any) -> Sale:
        return replace(Sale(date(2026, 11, 15), KETTLE, 24_900, "EUR"), **changes)

    def order(self, sale: Sale, keys: BuyerKeys) -> Order:
        self._orders += 1
        reference = f"order-{self._orders}"
        return Order(reference, sale, new_request(reference, keys))

    def buy(self, *sales: Sale) -> list[Bought]:
        """Each sale to a buyer of its own."""
        keys = [new_keys() for _ in sales]
        orders = [self.order(sale, k) for sale, k in zip(sales, keys, strict=True)]
        receipts = self.record(*orders)
        return [
            Bought(receipt["index"], k, opening_of(order, k), receipt)
            for receipt, order, k in zip(receipts, orders, keys, strict=True)
        ]

    def record(self, *orders: Order) -> list[dict[str, Any]]:
        """The receipts of orders that are all good."""
        rows = self.issuer.record_many(self.merchant, orders)
        return [row["value"] for row in rows]

    def print_slips(self, *sales: Sale, redeem_by: date | None = None) -> list[Printed]:
        """Sales without a buyer."""
        rows = self.issuer.record_sales(self.merchant, sales, redeem_by=redeem_by)
        return [Printed(**row["value"]) for row in rows]

    def close(self) -> int:
        size: int = self.closer.now(self.merchant)["size"]
        return size

    def publish(self, document: dict[str, Any], **changes: Any) -> None:
        self.verifier.publish(ORIGIN, {**document, **changes})

    def body(self, bought: Bought, policy: str = "warranty-2y", **changes: Any) -> ClaimBody:
        document = self.verifier.policy(ORIGIN, policy, 1).policy
        with self.store.read() as connection:
            partition = ClosedLogs().partition(connection, ORIGIN)
        size = partition.closes[-1].size
        body = ClaimBody(
            origin=ORIGIN,
            policy=policy,
            version=1,
            date=self.clock().date().isoformat(),
            number=0,
            remedy=document.remedies[0],
            first=0,
            size=size,
            voided_at=size,
            lane=partition.lane_of(bought.index, 0, size),
            nonce=new_nonce(),
        )
        return replace(body, **changes)

    def statement(self, body: ClaimBody) -> Statement:
        with self.store.read() as connection:
            partition = ClosedLogs().partition(connection, ORIGIN)
            name = RingName(body.first, body.size, body.voided_at, body.lane)
            ring = build_ring(Log(connection, ORIGIN), partition, name, P256.decode)
        version = self.verifier.policy(ORIGIN, body.policy, body.version)
        return claim_statement(P256, version, body, ring.root, Ring(P256, ring.members))

    def prove(self, bought: Bought, body: ClaimBody) -> bytes:
        return prove(self.statement(body), bought.opening)

    def claim(self, bought: Bought, policy: str = "warranty-2y", **changes: Any) -> Decision:
        body = self.body(bought, policy, **changes)
        return self.verifier.decide(ORIGIN, body, self.prove(bought, body))

    def signers(self, origin: str = ORIGIN) -> tuple[Signer, ...]:
        """The keys that sign a log, in the hands of whoever runs the service."""
        return self.store.commit(lambda transaction: transaction.signers(origin), origin)

    def sizes(self) -> tuple[int, int]:
        """Sizes of the purchase log and of the event log."""
        with self.store.read() as connection:
            return (
                Log(connection, ORIGIN).size,
                Log(connection, events_origin(ORIGIN)).size,
            )

    def events(self, *types: str) -> Sequence[tuple[int, dict[str, Any]]]:
        with self.store.read() as connection:
            return events_of(connection, ORIGIN, types)


def policy(**changes: Any) -> Any:
    return parse_policy({**WARRANTY, **changes})


def published(end: date | None = None, **changes: Any) -> Version:
    """A version of the warranty, as a log has it."""
    time = "2026-11-01T08:00:00Z"
    return Version(policy(**changes), time, () if end is None else (Ending(time, end),))
