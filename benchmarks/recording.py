"""How fast purchases go into a log on SQLite, each durable and under a signed checkpoint."""

import secrets
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from benchmarks.databases import SEALING
from benchmarks.measure import Figure, figure
from commitments.clock import OneClock
from commitments.p256 import P256
from commitments.purchase import BuyerKeys
from commitments.sale import Sale
from issuer.merchants import Merchant, create_merchant
from issuer.orders import Order
from issuer.recording import Issuer
from ledger.store import Store
from zk.issuance import prove_request

__all__ = ["make_order", "make_sales", "random_scalar", "recording_figures"]

_BATCH = 500
_MERCHANT = Merchant("bench", "Bench", "ledger.example/bench")
_CLOCKS = OneClock(lambda: datetime(2026, 11, 21, tzinfo=UTC))


def recording_figures(*, quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Bulk recording, without and with buyers' requests to check and receipts to make."""
    batches = 6 if quick else 20
    with tempfile.TemporaryDirectory() as directory:
        store = Store(f"sqlite:///{directory}/bench.db", sealing=SEALING)
        store.create()
        create_merchant(store, P256, _CLOCKS, _MERCHANT, period="manual")
        issuer = Issuer(store, P256, _CLOCKS)
        progress("recording sales whose buyer is absent")
        absent = [
            _rate(partial(issuer.record_sales, _MERCHANT, make_sales(n, _BATCH)))
            for n in range(batches)
        ]
        progress("recording purchases: checking requests, making receipts")
        present = []
        for batch in range(batches):
            sales = make_sales(batch, _BATCH)
            orders = [make_order(f"{batch}/{n}", sale) for n, sale in enumerate(sales)]
            present.append(_rate(partial(issuer.record_many, _MERCHANT, orders)))
        store.close()
    target = "at least 3,000"
    return [
        figure("record_sales_per_s", "record sales without a buyer, in bulk", "/s", absent, target),
        figure(
            "record_purchases_per_s", "record purchases with buyers, in bulk", "/s", present, target
        ),
    ]


def _rate(record: Callable[[], object]) -> float:
    start = time.perf_counter()
    record()
    return _BATCH / (time.perf_counter() - start)


def make_sales(batch: int, count: int) -> list[Sale]:
    """Sales of some months, other ones for each batch."""
    start = date(2026, 1, 1) + timedelta(days=batch)
    return [
        Sale(
            start + timedelta(days=n % 200), "4006381333931", 10_000 + n, "EUR", "L2026-1", f"SN{n}"
        )
        for n in range(count)
    ]


def make_order(reference: str, sale: Sale) -> Order:
    """A buyer's order with ``ledger.example/bench``."""
    keys = BuyerKeys(*(random_scalar() for _ in range(3)))
    request = prove_request(P256, _MERCHANT.origin, reference, keys, random_scalar)
    return Order(reference, sale, request)


def random_scalar() -> int:
    """A nonzero scalar of P-256."""
    return 1 + secrets.randbelow(P256.order - 1)
