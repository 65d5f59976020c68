"""How many reads of checkpoints and tiles a service answers, and how long one claim takes alone."""

import tempfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from benchmarks.building import purchases
from benchmarks.claiming import WARRANTY, make_openings, make_requests, purchase_of
from benchmarks.databases import ENGINES, SEALING
from benchmarks.measure import Figure, figure, percentile
from benchmarks.service import Request, Service, serving
from commitments.clock import SYSTEM_CLOCKS
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store

__all__ = ["reading_figures"]

_MERCHANT = Merchant("bench", "Bench", WARRANTY["origin"])
_CLIENTS = 16
_RING = 1024
_CAPACITY = 4096  # so that all purchases are in one cell
_ALONE = 200  # claims one after the other
_WARM = 5
_EACH = 500  # requests of a client
_LOG = "/logs/bench/purchases"
_TILES = [f"{_LOG}/tile/0/{index:03}" for index in range(4)]
_READS = {
    "checkpoint": [f"{_LOG}/checkpoint"],
    "tiles": _TILES,
    "both": [f"{_LOG}/checkpoint", *_TILES],
}


def reading_figures(engine: str, *, workers: int, progress: Callable[[str], None]) -> list[Figure]:
    """Of a log of 1,024 purchases, by 16 clients; then claims on a service that does nothing."""
    with ENGINES[engine]() as make, tempfile.TemporaryDirectory() as directory:
        url = make()
        with Store(url, sealing=SEALING) as store:
            progress("making proofs")
            claims = _open_shop(store)
        with serving(Path(directory), url, "--workers", str(workers)) as service:
            figures = []
            for name, paths in _READS.items():
                progress(f"{engine}: reads of {name}, {_CLIENTS} clients")
                figures += _reads(service, engine, workers, name, paths)
            progress(f"{engine}: claims one after the other")
            _, waits = service.ask_at_once([claims])
    what, key = f"one claim at a time over HTTP, ring of {_RING:,}, {engine}", "http_claim_alone"
    key = f"{key}_{engine.lower()}"
    alone = waits[_WARM:]
    return [
        *figures,
        figure(f"{key}_ms", what, "ms", alone),
        figure(
            f"{key}_p99_ms", "of 100, 99 take at most", "ms", [percentile(alone, 99)], "below 60"
        ),
    ]


def _reads(
    service: Service, engine: str, workers: int, name: str, paths: Sequence[str]
) -> list[Figure]:
    requests = [Request("GET", path) for path in paths]
    shares = [[requests[(n + c) % len(requests)] for n in range(_EACH)] for c in range(_CLIENTS)]
    before = service.processor_seconds()
    seconds, waits = service.ask_at_once(shares)
    spent = 1000 * (service.processor_seconds() - before) / len(waits)
    key = f"reads_{name}_{engine.lower()}"
    target = "at least 2,000" if name == "both" else ""
    what = f"reads of {name}, {_CLIENTS} clients, {workers} processes, {engine}"
    return [
        figure(f"{key}_per_s", what, "/s", [len(waits) / seconds], target),
        figure(f"{key}_p99_ms", "of 100, 99 take at most", "ms", [percentile(waits, 99)]),
        figure(f"{key}_processor_ms", "processor time of the service, each", "ms", [spent]),
    ]


def _open_shop(store: Store) -> list[Request]:
    """A closed log, and claims for its first purchases."""
    store.create()
    create_merchant(store, P256, SYSTEM_CLOCKS, _MERCHANT, capacity=_CAPACITY, period="manual")
    openings = make_openings(_WARM + _ALONE)
    entries = [*map(purchase_of, openings), *islice(purchases(), _RING - len(openings))]
    store.write(lambda transaction: transaction.append(_MERCHANT.origin, entries))
    Closer(store, SYSTEM_CLOCKS, SeedWitnesses()).now(_MERCHANT)
    return make_requests(store, _MERCHANT, openings, _RING)
