"""A wallet on a log of a hundred thousand purchases: opened, claimed with, restored."""

import secrets
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from benchmarks.building import MERCHANT, build, open_shop, purchases
from benchmarks.claiming import WARRANTY
from benchmarks.measure import Figure
from benchmarks.recording import make_sales
from benchmarks.service import serving
from benchmarks.wallet_steps import Place, claimed, opened, restored
from commitments.clock import SYSTEM_CLOCKS
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.orders import Order
from issuer.recording import Issuer
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store
from sdk import Shop, Wallet
from verifier.service import Verifier

__all__ = ["wallet_figures"]

_ENTRIES = 100_000
_RECEIPTS = 200  # of the wallet that is restored
_POLICY = {**WARRANTY, "origin": MERCHANT.origin}


def wallet_figures(*, quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """What a buyer waits for and what it weighs, each part in a process of its own."""
    entries = _ENTRIES // (10 if quick else 1)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        database = f"sqlite:///{directory}/kvitto.db"
        file, passphrase = directory / "buyer.wallet", secrets.token_hex(8)
        with Wallet.create(file, passphrase) as wallet:
            with open_shop(database) as store:
                receipts = _sell(store, wallet, entries, progress)
            with serving(directory, database) as service:
                place = Place(
                    file,
                    passphrase,
                    wallet.words(),
                    f"http://{service.address}",
                    MERCHANT.id,
                    WARRANTY["id"],
                    _RECEIPTS,
                )
                with Shop(place.url, MERCHANT.id) as shop:
                    for receipt in receipts:
                        wallet.accept(shop, receipt)
                wallet.close()
                figures = []
                for part in (opened, claimed, restored):
                    progress(f"a wallet is {part.__name__}")
                    figures += _in_a_process(part, place)
    return figures


def _sell(
    store: Store, wallet: Wallet, entries: int, progress: Callable[[str], None]
) -> list[object]:
    """Sales to the wallet among others, spread over the log; the receipts."""
    issuer, supply = Issuer(store, P256, SYSTEM_CLOCKS), purchases()
    step = entries // _RECEIPTS // 500 * 500 or 500
    receipts: list[object] = []
    for number, sale in enumerate(make_sales(0, _RECEIPTS)):
        if number * step < entries:
            build(store, supply, range(number * step, (number + 1) * step, 500), progress)
        order = Order(f"{number}", sale, wallet.request(MERCHANT.origin, f"{number}"))
        receipts.append(issuer.record(MERCHANT, order))
    others = list(islice(supply, 1000))
    store.write(lambda transaction: transaction.append(MERCHANT.origin, others))
    Closer(store, SYSTEM_CLOCKS, SeedWitnesses()).now(MERCHANT)
    Verifier(store, P256, SYSTEM_CLOCKS).publish(MERCHANT.origin, _POLICY)
    return receipts


def _in_a_process(part: Callable[[Place], list[Figure]], place: Place) -> list[Figure]:
    """So that memory is the wallet's, and nothing is at hand already."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(part, place).result()
