"""A purchase log in memory, and claims and a transfer over it with their proofs, all true."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

from auditor.proof_task import ProofTask
from benchmarks.rings import walk
from commitments.p256 import P256
from commitments.purchase import Opening, commit
from ledger.entries import Purchase, Sale, Transferred, Void
from ledger.partition import Partition
from ledger.rings import RingName, build_ring
from policies.claim import ClaimBody, claim_statement
from policies.policy import Policy, parse_policy
from policies.transfer import TransferBody, transfer_statement
from policies.versions import Version
from tests.ledger.memory_log import ORIGIN, MemoryLog
from tests.zk.claims import ENTROPY, opening
from tests.zk.transfers import handover
from zk.prove import prove
from zk.statement import Ring, Statement

FIRST, SECOND = 40, 80
"""Sizes at which the log was closed: its cells have 40 entries, and about 40."""
BUYERS = 12
"""Purchases 0, 3, 6 … are theirs."""
NO_POINT = b"\x02" + b"\xff" * 32


def policy(smallest_ring: int = 20, most: int = 231) -> Policy:
    return parse_policy(
        {
            "schema": "kvitto-policy/v1",
            "origin": ORIGIN,
            "id": "warranty",
            "version": 1,
            "kind": "warranty",
            "title": "Guarantee",
            "price": {"currency": "EUR", "min": 200, "max": most},
            "smallest_ring": smallest_ring,
            "valid_from": "2024-01-01",
            "valid_to": "2030-12-31",
            "remedies": ["repair", "refund"],
            "response_time": "P7D",
        }
    )


WARRANTY = Version(policy(), "2026-11-20T08:00:00Z")


def entries() -> list[bytes]:
    """Purchases, and of all that is no member one or two."""
    others = [P256.encode(point) for point in islice(walk(), SECOND)]
    found = [Purchase(commitment).encode() for commitment in others]
    for buyer in range(BUYERS):
        found[3 * buyer] = Purchase(P256.encode(commit(P256, opening(P256, buyer)))).encode()
    found[37] = Purchase(NO_POINT).encode()
    found[38] = Sale(others[38]).encode()
    found[41] = Void(4).encode()
    found[43] = found[5]
    found[44] = Transferred(others[44]).encode()
    found[46] = b"no entry"
    return found


@cache
def log() -> MemoryLog:
    made = MemoryLog(entries()[:FIRST])
    made.close()
    for entry in entries()[FIRST:]:
        made.append(entry)
    made.close()
    return made


@cache
def partition() -> Partition:
    return Partition(64, 1, log().closes)


@dataclass(frozen=True)
class Proven:
    """A task, and the proof that the event has."""

    task: ProofTask
    proof: bytes
    opening: Opening

    @property
    def statement(self) -> Statement:
        return statement_of(self.task)


def ring_name(body: ClaimBody | TransferBody) -> RingName:
    return RingName(body.first, body.size, body.voided_at, body.lane)


def statement_of(task: ProofTask) -> Statement:
    """As the protocol has it, one by one."""
    built = build_ring(log(), partition(), ring_name(task.body), P256.decode)
    ring = Ring(P256, built.members, built.points)
    if isinstance(task.body, TransferBody):
        return transfer_statement(P256, task.body, built.root, ring)
    assert task.version is not None
    return claim_statement(P256, task.version, task.body, built.root, ring)


def claim(
    event: int, buyer: int, first: int = 0, size: int = SECOND, version: Version = WARRANTY
) -> Proven:
    body = ClaimBody(
        origin=ORIGIN,
        policy=version.policy.id,
        version=1,
        date="2026-11-21",
        number=0,
        remedy="repair",
        first=first,
        size=size,
        voided_at=size,
        lane=partition().lane_of(3 * buyer, first, size),
        nonce=f"{event:032x}",
    )
    return _proven(ProofTask(event, body, version), opening(P256, buyer))


def _proven(task: ProofTask, of: Opening, beta: int | None = None) -> Proven:
    statement = statement_of(task)
    proof = prove(statement, of, beta=beta, entropy=ENTROPY)
    return Proven(task, proof, of)


def transfer(event: int, buyer: int) -> Proven:
    mine = handover(P256, buyer)
    lane = partition().lane_of(3 * buyer, 0, SECOND)
    body = replace(mine.body(), size=SECOND, voided_at=SECOND, lane=lane)
    return _proven(ProofTask(event, body), mine.mine, mine.beta)


@cache
def claims() -> tuple[Proven, ...]:
    """In the order of their events, not of their rings; all of buyers of their own."""
    return (
        claim(3, 0, size=FIRST),
        claim(5, 1),
        transfer(6, 2),
        claim(9, 3),
        claim(10, 4, size=FIRST),
        claim(12, 5),
        claim(14, 6),
        claim(15, 7, size=FIRST),
    )
