"""How many claims a service decides over HTTP: proofs made before, sent by many clients at once."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.clients import CLIENTS
from benchmarks.databases import ENGINES, SEALING
from benchmarks.measure import Figure, figure, percentile
from benchmarks.recording import make_sales, random_scalar
from benchmarks.service import Request, serving
from commitments.clock import system_clock
from commitments.p256 import P256
from commitments.purchase import Opening, commit
from commitments.wire import encode_base64
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from ledger.closed import ClosedLogs
from ledger.entries import Purchase
from ledger.event_log import events_of
from ledger.log import Log
from ledger.rings import RingName, build_ring
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store
from policies.claim import ClaimBody, claim_statement, new_nonce
from policies.policy import parse_policy
from verifier.service import Verifier
from zk.prove import prove
from zk.statement import Ring

__all__ = [
    "WARRANTY",
    "claiming_figures",
    "make_openings",
    "make_requests",
    "purchase_of",
    "require_approved",
]

_MERCHANT = Merchant("bench", "Bench", "ledger.example/bench")
_RING = 1024
_CAPACITY = 4096  # so that all purchases are in one cell
WARRANTY: dict[str, Any] = {
    "schema": "kvitto-policy/v1",
    "origin": _MERCHANT.origin,
    "id": "warranty-2y",
    "version": 1,
    "kind": "warranty",
    "title": "Two-year guarantee",
    "products": ["4006381333931"],
    "purchased": {"oldest": "P2Y"},
    "price": {"currency": "EUR", "min": 1_000, "max": 500_000},
    "smallest_ring": 64,
    "valid_from": "2024-01-01",
    "valid_to": "2099-12-31",
    "remedies": ["repair"],
    "response_time": "P7D",
}


def claiming_figures(
    engine: str, *, claims: int, workers: int, progress: Callable[[str], None]
) -> list[Figure]:
    """Each claim is of another purchase, in one ring of 1,024, and is approved durably."""
    with ENGINES[engine]() as make, tempfile.TemporaryDirectory() as directory:
        url = make()
        with Store(url, sealing=SEALING) as store:
            openings = _open_shop(store)
            progress(f"making {claims} proofs")
            requests = make_requests(store, _MERCHANT, openings[:claims], _RING)
        with serving(Path(directory), url, "--workers", str(workers)) as service:
            progress(f"{engine}: {claims} claims over HTTP, {CLIENTS} clients")
            service.ask(requests[0])
            shares = [requests[1:][client::CLIENTS] for client in range(CLIENTS)]
            seconds, waits = service.ask_at_once(shares)
        require_approved(url, _MERCHANT, claims)
    what = f"claims over HTTP, {CLIENTS} clients, {workers} processes, {engine}"
    key = f"http_claims_{engine.lower()}"
    return [
        figure(f"{key}_per_s", what, "/s", [(claims - 1) / seconds]),
        figure(f"{key}_ms", f"{what}: answered after", "ms", waits),
        *(_within(key, waits, part) for part in (95, 99)),
    ]


def _within(key: str, waits: Sequence[float], part: int) -> Figure:
    what = f"of 100 answers, {part} came within"
    return figure(f"{key}_p{part}_ms", what, "ms", [percentile(waits, part)])


def make_openings(count: int) -> list[Opening]:
    """What only the buyers of ``count`` purchases know that can be claimed for."""
    return [
        Opening(sale.attributes(P256), *(random_scalar() for _ in range(3)))
        for sale in make_sales(0, count)
    ]


def purchase_of(opening: Opening) -> bytes:
    """The log's entry of such a purchase."""
    return Purchase(P256.encode(commit(P256, opening))).encode()


def make_requests(
    store: Store, merchant: Merchant, openings: Sequence[Opening], size: int
) -> list[Request]:
    """A claim for each, which are the first of a log that is closed at ``size``.

    Publishes the policy that they are made under.
    """
    Verifier(store, P256, system_clock).publish(merchant.origin, WARRANTY)
    rings: dict[int, tuple[bytes, Ring]] = {}
    requests = []
    with store.read() as connection:
        partition = ClosedLogs().partition(connection, merchant.origin)
        log = Log(connection, merchant.origin)
        for index, opening in enumerate(openings):
            name = RingName(0, size, size, partition.lane_of(index, 0, size))
            if name.lane not in rings:
                cell = build_ring(log, partition, name, P256.decode)
                rings[name.lane] = cell.root, Ring(P256, cell.members)
            requests.append(_request(merchant, opening, name, *rings[name.lane]))
    return requests


def _open_shop(store: Store) -> list[Opening]:
    """A shop that has sold what is claimed for; what only its buyers know."""
    store.create()
    create_merchant(store, P256, system_clock, _MERCHANT, capacity=_CAPACITY, period="manual")
    openings = make_openings(_RING)
    entries = [*map(purchase_of, openings)]
    store.write(lambda transaction: transaction.append(_MERCHANT.origin, entries))
    Closer(store, system_clock, SeedWitnesses()).now(_MERCHANT)
    return openings


def _request(
    merchant: Merchant, opening: Opening, name: RingName, root: bytes, ring: Ring
) -> Request:
    policy = parse_policy(WARRANTY)
    body = ClaimBody(
        origin=merchant.origin,
        policy=policy.id,
        version=policy.version,
        date=datetime.now(UTC).date().isoformat(),
        number=0,
        remedy=policy.remedies[0],
        first=name.first,
        size=name.size,
        voided_at=name.voided_at,
        lane=name.lane,
        nonce=new_nonce(),
    )
    proof = prove(claim_statement(P256, policy, body, root, ring), opening)
    document: Any = {"claim": body.document(), "proof": encode_base64(proof)}
    return Request("POST", f"/v1/merchants/{merchant.id}/claims", document)


def require_approved(url: str, merchant: Merchant, claims: int) -> None:
    """What was timed are approvals."""
    with Store(url) as store, store.read() as connection:
        decided = events_of(connection, merchant.origin, ["claim.decided"])
    if len(decided) != claims:
        raise RuntimeError(f"{len(decided)} of {claims} claims were approved")
