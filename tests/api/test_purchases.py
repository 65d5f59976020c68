from api.bodies import MAX_ITEMS
from commitments.p256 import P256
from commitments.purchase import commit
from ledger.note import parse_vkey
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from tests.api.shop import SALE, Shop
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
    receipts = answer.json()["receipts"]
    assert answer.status_code == 201
    assert [receipt["order"] for receipt in receipts] == [body["order"] for body in bodies]
    assert [receipt["index"] for receipt in receipts] == [0, 1, 2]


def test_one_bad_purchase_of_many_is_named_and_nothing_is_recorded(shop: Shop) -> None:
    good = shop.purchase_body()
    bad = [
        ({**good, "sale": {**SALE, "price": -1}}, "malformed", "purchases[1].sale.price"),
        ({**good, "sale": {**SALE, "vat": 1}}, "malformed", "purchases[1].sale.vat"),
        ({**good, "sale": 7}, "malformed", "purchases[1].sale"),
        ({**good, "order": 7}, "malformed", "purchases[1].order"),
        ({**good, "order": ""}, "malformed", "purchases[1].order"),
        (7, "malformed", "purchases[1]"),
        ({**good, "sale": {**SALE, "date": "2027-01-01"}}, "future-date", "purchases[1].sale.date"),
        (good, "duplicate-order", "purchases[1].order"),
    ]
    before = shop.state()
    for body, code, field in bad:
        answer = shop.write("purchases/bulk", {"purchases": [good, body]})
        assert answer.json()["type"] == f"urn:kvitto:problem:{code}"
        assert answer.json()["field"] == field
        assert shop.state() == before
    assert shop.write("purchases/bulk", {"purchases": [good]}).status_code == 201


def test_a_thousand_purchases_are_the_most(shop: Shop) -> None:
    answer = shop.write("purchases/bulk", {"purchases": [{}] * (MAX_ITEMS + 1)})
    assert answer.json()["type"] == "urn:kvitto:problem:too-many"
    answer = shop.write("purchases/bulk", {"purchases": [{}] * MAX_ITEMS})
    assert answer.json()["field"] == "purchases[0].order"


def test_a_thousand_purchases_with_the_longest_texts_are_read(shop: Shop) -> None:
    longest = {**SALE, "product": "é" * 200, "batch": "\u4e2d" * 200, "unit": "\u4e2d" * 200}
    body = {**shop.purchase_body(), "order": "\u4e2d" * 200, "sale": longest}
    answer = shop.write("purchases/bulk", {"purchases": [body] * MAX_ITEMS})
    assert answer.json()["type"] == "urn:kvitto:problem:not-verified"


def test_sales_without_buyers_get_slips_that_are_redeemed(shop: Shop) -> None:
    answer = shop.write("sales", {"sales": [SALE, {**SALE, "price": 100}]})
    slips = answer.json()["slips"]
    assert answer.status_code == 201
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
    before = shop.state()
    for bad, code, field in [
        ({**SALE, "currency": "EUX"}, "malformed", "sales[1].currency"),
        ({**SALE, "date": "2027-01-01"}, "future-date", "sales[1].date"),
    ]:
        answer = shop.write("sales", {"sales": [SALE, bad]})
        assert answer.json()["type"] == f"urn:kvitto:problem:{code}"
        assert answer.json()["field"] == field
        assert shop.state() == before


def test_a_purchase_is_voided_once(shop: Shop) -> None:
    shop.buy(shop.sale())
    assert shop.write("voids", {"index": 0}).json() == {"index": 1}
    answer = shop.write("voids", {"index": 0})
    assert answer.json()["type"] == "urn:kvitto:problem:not-voidable"


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
