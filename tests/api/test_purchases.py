import json

from api.bodies import MAX_ITEMS
from commitments.p256 import P256
from commitments.purchase import commit
from ledger.note import parse_vkey
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from tests.api.shop import SALE, Shop, values
from tests.world import new_keys, new_request, opening_of


def test_a_purchase_and_its_receipt(shop: Shop) -> None:
    keys = new_keys()
    order = shop.order(shop.sale(), keys)
    body = {
        "order": order.reference,
        "sale": order.sale.document(),
        "request": order.request.document(),
    }
    answer = shop.write("purchases", body)
    receipt = answer.json()
    assert answer.status_code == 201
    assert (receipt["order"], receipt["sale"], receipt["index"]) == (
        order.reference,
        order.sale.document(),
        0,
    )
    entry = b"\x01" + P256.encode(commit(P256, opening_of(order, keys)))
    verifier = parse_vkey(shop.get("").json()["purchases_vkey"])
    verify_tlog_proof(TlogProof.parse(receipt["proof"].encode()), entry, verifier)


def test_many_purchases_have_a_receipt_each_in_their_order(shop: Shop) -> None:
    bodies = [shop.purchase_body() for _ in range(3)]
    answer = shop.write("purchases/bulk", {"purchases": bodies})
    receipts = values(answer, "receipt")
    assert (answer.status_code, answer.json()["rejected"]) == (200, 0)
    assert [receipt["order"] for receipt in receipts] == [body["order"] for body in bodies]
    assert [receipt["index"] for receipt in receipts] == [0, 1, 2]


def test_bad_purchases_are_named_and_keep_no_other_out(shop: Shop) -> None:
    first, second = shop.purchase_body(), shop.purchase_body()
    bad = [
        ({**first, "sale": {**SALE, "price": -1}}, "malformed", "sale.price"),
        ({**first, "sale": {**SALE, "vat": 1}}, "malformed", "sale.vat"),
        ({**first, "sale": 7}, "malformed", "sale"),
        ({**first, "order": 7}, "malformed", "order"),
        ({**first, "order": ""}, "malformed", "order"),
        (7, "malformed", None),
        ({**first, "sale": {**SALE, "date": "2027-01-01"}}, "future-date", "sale.date"),
        ({**second, "order": first["order"]}, "not-verified", None),
        ({**first, "sale": {**SALE, "price": 1}}, "duplicate-order", "order"),
    ]
    bodies = [first, *(body for body, _, _ in bad), second, first]
    answer = shop.write("purchases/bulk", {"purchases": bodies})
    rows = answer.json()["rows"]
    assert (answer.status_code, answer.json()["rejected"]) == (200, len(bad))
    assert [row["status"] for row in (rows[0], *rows[-2:])] == ["accepted", "accepted", "duplicate"]
    assert rows[-1]["receipt"]["index"] == rows[0]["receipt"]["index"] == 0
    for row, (_, code, field) in zip(rows[1:-2], bad, strict=True):
        assert row["status"] == "rejected"
        problem = row["problem"]
        assert (problem["type"], problem.get("field")) == (f"urn:kvitto:problem:{code}", field)
    assert shop.sizes()[0] == 2


def test_purchases_of_which_none_is_good_leave_nothing(shop: Shop) -> None:
    before = shop.state()
    for route in ("purchases/bulk", "sales", "voids/bulk"):
        answer = shop.write(route, {route.partition("/")[0]: [7, {}]})
        assert (answer.status_code, answer.json()["rejected"]) == (200, 2)
    assert shop.state() == before


def test_a_thousand_purchases_are_the_most(shop: Shop) -> None:
    answer = shop.write("purchases/bulk", {"purchases": [{}] * (MAX_ITEMS + 1)})
    assert answer.json()["type"] == "urn:kvitto:problem:too-many"
    answer = shop.write("purchases/bulk", {"purchases": [{}] * MAX_ITEMS})
    assert answer.json()["rejected"] == MAX_ITEMS


def test_a_thousand_purchases_with_the_longest_texts_are_read(shop: Shop) -> None:
    longest = {**SALE, "product": "é" * 200, "batch": "\u4e2d" * 200, "unit": "\u4e2d" * 200}
    body = {**shop.purchase_body(), "order": "\u4e2d" * 200, "sale": longest}
    answer = shop.write("purchases/bulk", {"purchases": [body] * MAX_ITEMS})
    assert {row["problem"]["title"] for row in answer.json()["rows"]} == {"Not verified"}


def test_sales_without_buyers_get_slips_that_are_redeemed(shop: Shop) -> None:
    answer = shop.write("sales", {"sales": [SALE, {**SALE, "price": 100}]})
    slips = values(answer, "slip")
    assert answer.status_code == 200
    assert [slip["index"] for slip in slips] == [0, 1]
    request = new_request(slips[1]["code"], new_keys()).document()
    redemption = {"code": slips[1]["code"], "request": request}
    answer = shop.post("redemptions", redemption)
    assert answer.status_code == 201
    assert (answer.json()["order"], answer.json()["sale"]["price"]) == (slips[1]["code"], 100)
    assert shop.post("redemptions", redemption).json()["index"] == answer.json()["index"]
    other = {**redemption, "request": new_request(slips[1]["code"], new_keys()).document()}
    answer = shop.post("redemptions", other)
    assert answer.json()["type"] == "urn:kvitto:problem:already-redeemed"


def test_one_bad_sale_of_many_is_named(shop: Shop) -> None:
    bad = [{**SALE, "currency": "EUX"}, {**SALE, "date": "2027-01-01"}]
    rows = shop.write("sales", {"sales": [SALE, *bad, SALE]}).json()["rows"]
    assert [row["status"] for row in rows] == ["accepted", "rejected", "rejected", "accepted"]
    assert [row["problem"]["field"] for row in rows[1:3]] == ["currency", "date"]
    assert [row["slip"]["index"] for row in (rows[0], rows[3])] == [0, 1]


def test_a_close_by_a_call(shop: Shop) -> None:
    shop.buy(shop.sale())
    first, second = (shop.write("closes", None).json() for _ in range(2))
    assert (first["number"], first["size"], second["number"]) == (0, 1, 1)
    with shop.store.log(shop.merchant.origin) as log:
        assert first["root"] == log.root(1).hex()


def test_a_request_used_at_two_merchants_is_no_error_of_the_service(shop: Shop) -> None:
    other, keys = shop.enter("other")["api_key"], new_keys()
    for merchant, key in (("acme", shop.key), ("other", other)):
        request = new_request("1", keys, f"ledger.example/{merchant}").document()
        body = {"order": "1", "sale": SALE, "request": request}
        answer = shop.post(f"/v1/merchants/{merchant}/purchases", body, key)
        assert answer.status_code == 201


def test_money_and_days_are_never_fractions(shop: Shop) -> None:
    """Not where they come in, and not in what the interface promises to say."""
    good = json.dumps(shop.purchase_body())
    before = shop.state()
    for written in ("24900.0", "2.49e4", "24900.5", "1e400", "NaN", "Infinity", "-0.0"):
        body = good.replace('"price": 24900', f'"price": {written}')
        assert body != good
        answer = shop.client.send(
            "POST", "/v1/merchants/acme/purchases", content=body.encode(), key=shop.key
        )
        assert (answer.status_code, answer.json()["type"][-9:]) == (400, "malformed")
    days: tuple[object, ...] = (20261115, None, "2026-11-15T00:00:00Z", "15.11.2026")
    for day in days:
        answer = shop.write("purchases", shop.purchase_body(sale={**SALE, "date": day}))
        assert (answer.status_code, answer.json()["field"]) == (400, "sale.date")
    assert shop.state() == before
    assert '"type": "number"' not in json.dumps(shop.app.openapi())
