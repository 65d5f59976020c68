"""A list of products that only its merchant sees, and that can keep wrong codes out of the log."""

from typing import Any

import pytest

from tests.api.shop import SALE, Shop, values
from tests.world import KETTLE, new_keys, new_request

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def product(code: object, name: object = "Kettle", group: object = None) -> dict[str, object]:
    return {"code": code, "name": name, "group": group}


def put(shop: Shop, *products: Any, names: tuple[str, ...] = ()) -> Any:
    answer = shop.write("catalogue/products", {"products": products}, *names)
    assert answer.status_code == 200, answer.text
    return answer.json()


def outcomes(answer: Any) -> list[str]:
    return [row.get("problem", row).get("title", row["status"]) for row in answer["rows"]]


def listed(shop: Shop, **query: Any) -> Any:
    return shop.get("catalogue/products", query, key=shop.key).json()


def restrict(shop: Shop, only_listed: object) -> Any:
    return shop.write("catalogue", {"only_listed": only_listed})


def test_products_are_entered_changed_and_removed(shop: Shop) -> None:
    assert outcomes(put(shop, product("A"), product(KETTLE, group="kitchen"))) == ["accepted"] * 2
    again = put(shop, product("A"), product("A"), product(KETTLE, "Large kettle"))
    assert outcomes(again) == ["duplicate", "duplicate", "accepted"]
    assert listed(shop)["products"] == [product(KETTLE, "Large kettle"), product("A")]
    assert shop.get("catalogue", key=shop.key).json() == {"products": 2, "only_listed": False}
    removed = shop.write("catalogue/removals", {"codes": ["A", "A", "B"]})
    assert removed.json() == {"removed": 1}
    assert [one["code"] for one in listed(shop)["products"]] == [KETTLE]


@ON_SQLITE
def test_a_gtin_with_a_wrong_check_digit_is_rejected(shop: Shop) -> None:
    wrong = [
        *(product("4006381333932"), product("96385075"), product(""), product("A\n"), product(7)),
        *(product("A", ""), product("A", " A"), product("A", "x" * 201), product("A", None)),
        *(product("A", group=""), product("A", group=7), {"code": "A"}, {**product("A"), "vat": 1}),
        7,
    ]
    answer = put(shop, *wrong, product("96385074"), product("036000291452"))
    assert outcomes(answer) == ["Malformed"] * len(wrong) + ["accepted"] * 2
    assert shop.get("catalogue", key=shop.key).json()["products"] == 2


@ON_SQLITE
def test_one_number_in_two_lengths_is_one_product(shop: Shop) -> None:
    put(shop, product(KETTLE))
    both = put(shop, product(f"0{KETTLE}", "Kettle"), product(KETTLE, "Other"))
    assert outcomes(both) == ["accepted", "accepted"]
    assert listed(shop)["products"] == [product(KETTLE, "Other")]


def test_the_list_is_read_page_by_page(shop: Shop) -> None:
    codes = [f"P-{number:02}" for number in range(5)]
    put(shop, *map(product, reversed(codes)))
    read: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while query:
        page = listed(shop, **query)
        read += [one["code"] for one in page["products"]]
        query = {} if page["next"] is None else {"limit": 2, "cursor": page["next"]}
    assert read == codes


@ON_SQLITE
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=1_0", "cursor=%00", "cursor=A%0A", "cursor=", "page=1"]
)
def test_a_page_is_asked_for_in_one_spelling(shop: Shop, query: str) -> None:
    answer = shop.get("catalogue/products", query, key=shop.key)
    assert answer.status_code == 400


def test_only_listed_products_are_sold_where_the_merchant_wants_it(shop: Shop) -> None:
    before = shop.write("purchases", kettle := shop.purchase_body())
    other = {**SALE, "product": "CABLE"}
    (slip,) = values(shop.write("sales", {"sales": [other]}), "slip")
    put(shop, product("CABLE-2"))
    assert restrict(shop, only_listed=True).json() == {"products": 1, "only_listed": True}

    refused = shop.write("purchases", shop.purchase_body()).json()
    assert refused["type"] == "urn:kvitto:problem:unlisted-product"
    assert refused["field"] == "sale.product"
    good = shop.purchase_body(sale={**SALE, "product": "CABLE-2"})
    rows = shop.write("purchases/bulk", {"purchases": [shop.purchase_body(), good]}).json()["rows"]
    assert [row["status"] for row in rows] == ["rejected", "accepted"]
    sales = {"sales": [other, {**SALE, "product": "CABLE-2"}]}
    rows = shop.write("sales", sales).json()["rows"]
    assert [row["status"] for row in rows] == ["rejected", "accepted"]
    assert rows[0]["problem"]["field"] == "product"

    assert shop.write("purchases", kettle).json()["index"] == before.json()["index"]
    request = new_request(slip["code"], new_keys()).document()
    assert shop.post("redemptions", {"code": slip["code"], "request": request}).status_code == 201
    restrict(shop, only_listed=False)
    assert shop.write("purchases", shop.purchase_body()).status_code == 201


@ON_SQLITE
def test_a_list_is_its_merchants_alone(shop: Shop) -> None:
    put(shop, product("A"))
    other = shop.enter("other")["api_key"]
    policies = shop.write("keys", {"label": "a", "scopes": ["policies"]}).json()["api_key"]
    for key, status in ((None, 401), (other, 403), (policies, 403)):
        for path in ("catalogue", "catalogue/products"):
            assert shop.get(path, key=key).status_code == status
            assert shop.post(path, {}, key).status_code == status
        assert shop.post("catalogue/removals", {}, key).status_code == status
    theirs = shop.get("/v1/merchants/other/catalogue/products", key=other).json()
    assert theirs == {"products": [], "next": None}


@ON_SQLITE
def test_what_is_no_list_changes_nothing(shop: Shop) -> None:
    put(shop, product("A"))
    before = shop.state()
    wrong: list[Any] = [[], {}, [{}] * 1001]
    for path, body in [
        *(("catalogue", {"only_listed": value}) for value in (1, "true", None)),
        *(("catalogue/removals", {"codes": codes}) for codes in ([], "A", [7], [""], ["A"] * 1001)),
        *(("catalogue/products", {"products": rows}) for rows in wrong),
    ]:
        assert shop.write(path, body).status_code in (400, 422)
    assert shop.state() == before


@ON_SQLITE
def test_a_list_that_is_sent_again_is_entered_once(shop: Shop) -> None:
    first = put(shop, product("A"), product(7), names=("name",))
    shop.write("catalogue/removals", {"codes": ["A"]})
    assert put(shop, product("A"), product(7), names=("name",)) == first
    assert listed(shop)["products"] == []


@ON_SQLITE
def test_a_list_that_is_full_takes_changes_only(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issuer.catalogue._MOST", 2)
    answer = put(shop, product("A"), product("A", "Other"), product("B"), product("C"))
    assert outcomes(answer) == ["accepted", "accepted", "accepted", "Too many"]
    assert outcomes(put(shop, product("A"), product("C"))) == ["accepted", "Too many"]
