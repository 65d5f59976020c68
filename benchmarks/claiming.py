"""How many claims a service decides over HTTP, and what a claim costs it.

The proofs are made before. Some are decided here, step by step, to see where the time goes; the
others are sent by many clients at once.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.databases import ENGINES, SEALING
from benchmarks.measure import Figure, figure, percentile
from benchmarks.recording import make_sales, random_scalar
from benchmarks.service import Request, serving
from commitments.clock import SYSTEM_CLOCKS
from commitments.p256 import P256
from commitments.purchase import Opening, commit
from commitments.wire import encode_base64, parse_base64, parse_json
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from ledger.closed import ClosedLogs
from ledger.entries import Purchase
from ledger.event_log import events_of
from ledger.events import event_time
from ledger.log import Log
from ledger.rings import RingName, build_ring
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store
from policies.body import new_nonce
from policies.claim import ClaimBody, claim_id, claim_statement, parse_claim
from policies.policy import parse_policy
from policies.versions import Version
from verifier.judging import Judge
from verifier.pending import Pending
from verifier.policy_book import PolicyBook
from verifier.recording import Recorder
from verifier.retiring import RetiredSecrets
from verifier.service import Verifier
from zk.prove import prove
from zk.statement import Ring
from zk.verify import accumulate, find_false

__all__ = [
    "FEWEST_CLAIMS",
    "MOST_CLAIMS",
    "WARRANTY",
    "claiming_figures",
    "make_openings",
    "make_requests",
    "purchase_of",
    "require_approved",
]

_MERCHANT = Merchant("bench", "Bench", "ledger.example/bench")
_CLIENTS = 64
_RING = 1024
_BATCH = 64
_IN_STEPS = 2 * _BATCH  # claims whose steps are measured
_FIRST = 8  # claims that are sent before, so that each worker has its ring
FEWEST_CLAIMS, MOST_CLAIMS = 2 * _FIRST, _RING - _IN_STEPS
_STEPS = {
    "parse": "parsing",
    "checks": "looking up, building the statement",
    "scalars": "decoding the proof, scalars",
    "multiplication": "multiplication",
    "recording": "recording, signing, receipts",
}
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
    """Each claim is of another purchase, in one ring of 1,024, and is approved durably.

    ``claims`` are sent over HTTP, at most :data:`MOST_CLAIMS`.
    """
    with ENGINES[engine]() as make, tempfile.TemporaryDirectory() as directory:
        url = make()
        with Store(url, sealing=SEALING) as store:
            openings = _open_shop(store)
            progress(f"making {claims} proofs")
            requests = make_requests(store, _MERCHANT, openings[: _IN_STEPS + claims], _RING)
            steps = _steps(store, requests[:_IN_STEPS], engine)
            requests = requests[_IN_STEPS:]
        with serving(Path(directory), url, "--workers", str(workers)) as service:
            progress(f"{engine}: {claims} claims over HTTP, {_CLIENTS} clients")
            for request in requests[:_FIRST]:
                service.ask(request)
            shares = [requests[_FIRST:][client::_CLIENTS] for client in range(_CLIENTS)]
            before = service.processor_seconds()
            seconds, waits = service.ask_at_once(shares)
            worked = 1000 * (service.processor_seconds() - before) / len(waits)
        require_approved(url, _MERCHANT, _IN_STEPS + claims)
    what = f"claims over HTTP, {_CLIENTS} clients, {workers} processes, {engine}"
    key = f"http_claims_{engine.lower()}"
    rest = worked - sum(step.median for step in steps)
    return [
        figure(f"{key}_per_s", what, "/s", [len(waits) / seconds], "at least 600"),
        figure(f"{key}_ms", f"{what}: answered after", "ms", waits),
        _within(key, waits, 95),
        _within(key, waits, 99, "under 250"),
        figure(f"{key}_processor_ms", "processor time of the service, each", "ms", [worked]),
        *steps,
        figure(_step_key(engine, "rest"), "the rest: web server, smaller batches", "ms", [rest]),
    ]


def _steps(store: Store, requests: Sequence[Request], engine: str) -> list[Figure]:
    """Processor milliseconds of each step of a claim, in batches of 64."""
    retired = RetiredSecrets(P256)
    judge = Judge(store, P256, SYSTEM_CLOCKS, PolicyBook(), retired)
    recorder = Recorder(store, SYSTEM_CLOCKS, retired)
    judge.prepare(_read(json.dumps(requests[0].body).encode()))
    spent = [
        _steps_of(judge, recorder, requests[start : start + _BATCH])
        for start in range(0, len(requests), _BATCH)
    ]
    return [
        figure(_step_key(engine, name), f"of it, {what}", "ms", [each[name] for each in spent])
        for name, what in _STEPS.items()
    ]


def _step_key(engine: str, name: str) -> str:
    return f"claim_{name}_{engine.lower()}_ms"


def _steps_of(judge: Judge, recorder: Recorder, batch: Sequence[Request]) -> dict[str, float]:
    """Each of a claim. Scalars and sum are part of judging, and done once more to time them."""
    bodies = [json.dumps(request.body).encode() for request in batch]
    marks, claims = [time.process_time()], [_read(body) for body in bodies]
    marks.append(time.process_time())
    judge.judge(claims)
    marks.append(time.process_time())
    sums = [accumulate(claim.stated.statement, claim.proof) for claim in claims]
    marks.append(time.process_time())
    find_false(sums)
    marks.append(time.process_time())
    recorder.record(claims)
    marks.append(time.process_time())
    parse, judging, scalars, multiplication, recording = (
        1000 * (end - start) / len(batch) for start, end in pairwise(marks)
    )
    return {
        "parse": parse,
        "checks": judging - scalars - multiplication,
        "scalars": scalars,
        "multiplication": multiplication,
        "recording": recording,
    }


def _read(body: bytes) -> Pending:
    document = parse_json(body)
    claim, proof = parse_claim(document["claim"]), parse_base64(document["proof"], "proof")
    return Pending(_MERCHANT.origin, claim, proof, claim_id(claim, proof))


def _within(key: str, waits: Sequence[float], part: int, target: str = "") -> Figure:
    what = f"of 100 answers, {part} came within"
    return figure(f"{key}_p{part}_ms", what, "ms", [percentile(waits, part)], target)


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
    Verifier(store, P256, SYSTEM_CLOCKS).publish(merchant.origin, WARRANTY)
    rings: dict[int, tuple[bytes, Ring]] = {}
    requests = []
    with store.read() as connection:
        partition = ClosedLogs().partition(connection, merchant.origin)
        log = Log(connection, merchant.origin)
        for index, opening in enumerate(openings):
            name = RingName(0, size, size, partition.lane_of(index, 0, size))
            if name.lane not in rings:
                cell = build_ring(log, partition, name, P256.decode)
                rings[name.lane] = cell.root, Ring(P256, cell.members, cell.points)
            requests.append(_request(merchant, opening, name, *rings[name.lane]))
    return requests


def _open_shop(store: Store) -> list[Opening]:
    """A shop that has sold what is claimed for; what only its buyers know."""
    store.create()
    create_merchant(store, P256, SYSTEM_CLOCKS, _MERCHANT, capacity=_CAPACITY, period="manual")
    openings = make_openings(_RING)
    entries = [*map(purchase_of, openings)]
    store.write(lambda transaction: transaction.append(_MERCHANT.origin, entries))
    Closer(store, SYSTEM_CLOCKS, SeedWitnesses()).now(_MERCHANT)
    return openings


def _request(
    merchant: Merchant, opening: Opening, name: RingName, root: bytes, ring: Ring
) -> Request:
    version = Version(parse_policy(WARRANTY), event_time(datetime.now(UTC)))
    policy = version.policy
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
    proof = prove(claim_statement(P256, version, body, root, ring), opening)
    document: Any = {"claim": body.document(), "proof": encode_base64(proof)}
    return Request("POST", f"/v1/merchants/{merchant.id}/claims", document)


def require_approved(url: str, merchant: Merchant, claims: int) -> None:
    """What was timed are approvals."""
    with Store(url) as store, store.read() as connection:
        decided = events_of(connection, merchant.origin, ["claim.decided"])
    if len(decided) != claims:
        raise RuntimeError(f"{len(decided)} of {claims} claims were approved")
