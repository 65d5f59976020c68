"""How long a buyer waits: a real wallet, a real service, one claim after the other."""

import secrets
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks.building import purchases
from benchmarks.claiming import WARRANTY
from benchmarks.databases import ENGINES, SEALING
from benchmarks.measure import Figure, figure, percentile, timed
from benchmarks.recording import make_sales
from benchmarks.service import serving
from commitments.clock import SYSTEM_CLOCKS
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from issuer.orders import Order
from issuer.recording import Issuer
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store
from sdk import Purchase, Shop, Wallet
from verifier.service import Verifier

__all__ = ["waiting_figures"]

_MERCHANT = Merchant("bench", "Bench", WARRANTY["origin"])
_RING = 1024
_CAPACITY = 4096  # so that all purchases are in one cell
_WARM = 2  # claims that are made before


def waiting_figures(engine: str, *, quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """From the call to the verified receipt of the decision, each of another purchase."""
    claims = _WARM + (7 if quick else 25)
    with ENGINES[engine]() as make, tempfile.TemporaryDirectory() as temporary:
        url, directory = make(), Path(temporary)
        passphrase = secrets.token_hex(8)
        with (
            Wallet.create(directory / "buyer.wallet", passphrase) as wallet,
            Store(url, sealing=SEALING) as store,
        ):
            receipts = _open_shop(store, wallet, claims)
            with (
                serving(directory, url) as service,
                Shop(f"http://{service.address}", _MERCHANT.id) as shop,
            ):
                bought = [wallet.accept(shop, receipt) for receipt in receipts]
                progress(f"{engine}: claims one after the other, over HTTP")
                waits = [timed(partial(_claim, wallet, shop, purchase)) for purchase in bought]
    what, key = f"from claiming to the decision's receipt, {engine}", f"claim_{engine.lower()}"
    warm = waits[_WARM:]
    return [
        figure(f"{key}_ms", what, "ms", warm, "under 100"),
        figure(f"{key}_p90_ms", "of 100, 90 take at most", "ms", [percentile(warm, 90)]),
        figure(f"{key}_first_ms", "the first", "ms", waits[:1]),
    ]


def _open_shop(store: Store, wallet: Wallet, claims: int) -> list[object]:
    """A shop that has sold as much to the wallet as will be claimed for; the receipts."""
    store.create()
    create_merchant(store, P256, SYSTEM_CLOCKS, _MERCHANT, capacity=_CAPACITY, period="manual")
    orders = [
        Order(f"{number}", sale, wallet.request(_MERCHANT.origin, f"{number}"))
        for number, sale in enumerate(make_sales(0, claims))
    ]
    others = list(islice(purchases(), _RING - claims))
    store.write(lambda transaction: transaction.append(_MERCHANT.origin, others))
    rows = Issuer(store, P256, SYSTEM_CLOCKS).record_many(_MERCHANT, orders)
    Closer(store, SYSTEM_CLOCKS, SeedWitnesses()).now(_MERCHANT)
    Verifier(store, P256, SYSTEM_CLOCKS).publish(_MERCHANT.origin, WARRANTY)
    return [row["value"] for row in rows]


def _claim(wallet: Wallet, shop: Shop, purchase: Purchase) -> None:
    result = wallet.claim(shop, WARRANTY["id"], remedy="repair", purchase=purchase)
    if result.decision != "approved":
        raise RuntimeError(f"{result.decision}: {result.reason}")
