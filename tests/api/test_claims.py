import pytest

from ledger.events import encode_event
from ledger.note import parse_vkey
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from tests.api.shop import Shop
from tests.world import KETTLE, WARRANTY


def test_an_honest_claim_is_approved_with_a_receipt_that_verifies_offline(shop: Shop) -> None:
    bought = shop.open_for_claims()[0]
    body = shop.claim_body(bought)
    answer = shop.post("claims", body)
    decision = answer.json()
    assert (answer.status_code, decision["decision"]) == (201, "approved")
    receipt = decision["receipt"]
    assert receipt["event"]["claim"] == body["claim"]
    verifier = parse_vkey(shop.get("").json()["events_vkey"])
    proof = TlogProof.parse(receipt["proof"].encode())
    verify_tlog_proof(proof, encode_event(receipt["event"]), verifier)


def test_the_same_claim_again_gets_the_same_answer(shop: Shop) -> None:
    bought = shop.open_for_claims()[0]
    body = shop.claim_body(bought)
    first = shop.post("claims", body)
    before = shop.state()
    again = shop.post("claims", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert shop.state() == before


def test_a_second_claim_of_a_purchase_is_declined(shop: Shop) -> None:
    bought = shop.open_for_claims()[0]
    first = shop.post("claims", shop.claim_body(bought)).json()
    before = shop.state()
    answer = shop.post("claims", shop.claim_body(bought))
    second = answer.json()
    assert answer.status_code == 200
    assert (second["reason"], second["earlier"]) == ("already_claimed", first["claim_id"])
    assert shop.state() == before


@pytest.mark.parametrize("change", [{"remedy": "replacement"}, {"nonce": "0" * 32}])
def test_a_proof_for_another_body_is_declined(shop: Shop, change: dict[str, str]) -> None:
    bought = shop.open_for_claims()[0]
    honest = shop.claim_body(bought)
    before = shop.state()
    answer = shop.post("claims", {**honest, "claim": {**honest["claim"], **change}})
    assert (answer.status_code, answer.json()["reason"]) == (200, "proof_invalid")
    assert shop.state() == before
    assert shop.post("claims", honest).status_code == 201


def test_claims_are_read_one_by_one_and_page_by_page(shop: Shop) -> None:
    made = [
        shop.post("claims", shop.claim_body(bought)).json() for bought in shop.open_for_claims()
    ]
    ids = [decision["claim_id"] for decision in made]
    # A receipt read later has a later checkpoint.
    assert shop.get(f"claims/{ids[0]}").json()["receipt"]["event"] == made[0]["receipt"]["event"]
    pages: list[list[str]] = []
    cursor: int | None = 0
    for _ in range(2):
        page = shop.get("claims", {"limit": 2, "cursor": cursor}).json()
        pages.append([decision["claim_id"] for decision in page["claims"]])
        cursor = page["next"]
    assert pages == [ids[:2], ids[2:]]
    assert cursor is None
    assert len(shop.get("claims").json()["claims"]) == 3


def test_a_refund_ends_the_ownership(shop: Shop) -> None:
    bought = shop.open_for_claims()[0]
    refund = shop.post("claims", shop.claim_body(bought, "refund-14d")).json()
    assert refund["status"] == "awaiting_secret"
    secret = {"secret": bought.keys.secret.to_bytes(32, "big").hex()}
    path = f"claims/{refund['claim_id']}/retirement"
    answer = shop.post(path, secret)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert shop.post(path, secret).json()["type"] == "urn:kvitto:problem:not-awaiting-secret"
    warranty = shop.post("claims", shop.claim_body(bought)).json()
    assert warranty["reason"] == "ownership_ended"


def test_an_approved_refund_lapses(shop: Shop) -> None:
    bought = shop.open_for_claims()[0]
    refund = shop.post("claims", shop.claim_body(bought, "refund-14d")).json()
    shop.clock.advance(days=8)
    secret = {"secret": bought.keys.secret.to_bytes(32, "big").hex()}
    answer = shop.post(f"claims/{refund['claim_id']}/retirement", secret)
    assert answer.json()["type"] == "urn:kvitto:problem:lapsed"
    assert shop.get(f"claims/{refund['claim_id']}").json()["status"] == "lapsed"


def test_a_claim_needs_no_key_and_is_not_told_who_asks(shop: Shop) -> None:
    operations = {operation.id: operation.document for operation in shop.client.operations}
    for public in ("make_a_claim", "complete_a_refund", "redeem_a_slip", "show_a_ring"):
        assert "security" not in operations[public]
        places = {p["in"] for p in operations[public].get("parameters", ())}
        assert places <= {"path", "query"}
    assert "security" in operations["record_a_purchase"]


def test_the_longest_proof_fits(shop: Shop) -> None:
    codes = [KETTLE, *(f"CODE-{n}" for n in range(255))]
    shop.open_for_claims({**WARRANTY, "id": "wide", "products": codes, "batches": codes})
    (bought,) = shop.buy(shop.sale(batch="CODE-7"))
    shop.close()
    assert shop.post("claims", shop.claim_body(bought, "wide")).status_code == 201
