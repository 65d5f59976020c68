import pytest

from commitments.p256 import P256
from commitments.purchase import commit
from ledger.checkpoint import open_checkpoint
from ledger.closed import ClosedLogs
from ledger.evidence import EventEvidence, verify_event_evidence
from ledger.note import Verifier, parse_vkey
from ledger.rings import Member, RingEvidence, RingName, verify_ring
from tests.api.shop import Shop


def _verifier(shop: Shop, log: str) -> Verifier:
    return parse_vkey(shop.get("").json()[f"{log}_vkey"])


def test_events_are_shown_with_a_proof(shop: Shop) -> None:
    shop.post("claims", shop.claim_body(shop.open_for_claims()[0]))
    evidence = EventEvidence.parse(shop.get("events").json())
    verify_event_evidence(evidence, _verifier(shop, "events"))
    types = [event["type"] for _, event in evidence.events]
    assert types == ["log.declared", "log.closed", "policy.published", "policy.published"]


def test_only_the_events_asked_for_are_shown(shop: Shop) -> None:
    shop.open_for_claims()
    evidence = EventEvidence.parse(shop.get("events", {"types": "log.closed"}).json())
    verify_event_evidence(evidence, _verifier(shop, "events"))
    assert [event["type"] for _, event in evidence.events] == ["log.declared", "log.closed"]


def test_a_log_without_closes_can_prove_its_declaration(shop: Shop) -> None:
    evidence = EventEvidence.parse(shop.get("events", {"types": "log.closed"}).json())
    verify_event_evidence(evidence, _verifier(shop, "events"))
    assert [event["type"] for _, event in evidence.events] == ["log.declared"]


def test_a_ring_is_shown_with_a_proof(shop: Shop) -> None:
    bought = shop.open_for_claims()
    own = Member(bought[1].index, P256.encode(commit(P256, bought[1].opening)))
    answer = shop.get("ring", {"first": 0, "size": 3, "voided_at": 3, "lane": 0}).json()
    checkpoint = open_checkpoint(answer["checkpoint"].encode(), _verifier(shop, "purchases"))
    with shop.store.read() as connection:
        partition = ClosedLogs().partition(connection, shop.merchant.origin)
    ring = verify_ring(
        RingEvidence.from_json(answer["ring"]),
        checkpoint,
        partition,
        RingName(0, 3, 3, 0),
        P256.decode,
        own,
    )
    assert ring.indices == (0, 1, 2)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("first=0&size=2&voided_at=3&lane=0", "unknown-horizon", None),
        ("first=1&size=3&voided_at=3&lane=0", "unknown-horizon", None),
        ("first=3&size=3&voided_at=3&lane=0", "unknown-horizon", None),
        ("first=0&size=3&voided_at=4&lane=0", "unknown-horizon", None),
        (f"first=0&size={2**63 - 1}&voided_at=3&lane=0", "unknown-horizon", None),
        ("first=0&size=3&voided_at=3&lane=1", "unknown-lane", "lane"),
        (f"first=0&size=3&voided_at=3&lane={2**63 - 1}", "unknown-lane", "lane"),
        (f"first=0&size=3&voided_at=3&lane={2**63}", "malformed", "lane"),
        ("first=0&size=3&voided_at=3", "malformed", "lane"),
        ("first=0&size=3&voided_at=3&lane=", "malformed", "lane"),
        ("first=0&size=3&voided_at=3&lane=0&lane=0", "malformed", "lane"),
        ("first=0&size=3&voided_at=3&lane=0&line=0", "malformed", "line"),
        *[
            (f"first=0&size={size}&voided_at=3&lane=0", "malformed", "size")
            for size in (
                "1_000",
                "%2B3",
                " 3",
                "3%20",
                "03",
                "-3",
                "3.0",
                "0x3",
                "%D9%A3",
                "%EF%BC%93",
            )
        ],
    ],
)
def test_a_ring_that_is_none_is_refused(
    shop: Shop, query: str, code: str, field: str | None
) -> None:
    shop.open_for_claims()
    answer = shop.get("ring", query).json()
    assert (answer["type"], answer.get("field")) == (f"urn:kvitto:problem:{code}", field)
    assert shop.get("ring", "first=0&size=3&voided_at=3&lane=0").status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("events", "types=", "types"),
        ("events", "types=claim.decided", "types"),
        ("events", "types=log.closed,log.closed", "types"),
        ("events", "types=log.closed, log.declared", "types"),
        ("events", "type=log.closed", "type"),
        ("claims", "limit=0", "limit"),
        ("claims", "limit=101", "limit"),
        ("claims", "limit=1_0", "limit"),
        ("claims", "cursor=-1", "cursor"),
        ("claims", "cursor=next", "cursor"),
    ],
)
def test_queries_have_one_spelling(shop: Shop, path: str, query: str, field: str) -> None:
    answer = shop.get(path, query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert shop.get(path).status_code == 200
