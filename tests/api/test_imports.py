"""Exports of shops over HTTP, and files that are made to hurt."""

import time
from typing import Any

import httpx
import pytest

from tests.api.shop import Shop
from tests.world import KETTLE, new_keys, new_request

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)

HEADER = "date,product,price,currency,batch,unit\n"
GOOD = f"2026-11-20,{KETTLE},249.00,EUR,L-7,SN-1\n"
SHOPIFY = (
    "Name,Financial Status,Paid at,Currency,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem sku\n"
)


def send(
    shop: Shop, content: str | bytes, *names: str, query: dict[str, Any] | None = None
) -> httpx.Response:
    return shop.client.send(
        *("POST", "/v1/merchants/acme/sales/import"),
        content=content.encode() if isinstance(content, str) else content,
        key=shop.key,
        names=names,
        query=query,
    )


def order(name: str, *, status: str = "paid", quantity: object = 1, price: str = "9.90") -> str:
    return f"{name},{status},2026-11-19 09:30:00 +0100,EUR,{quantity},Cable,{price},CABLE\n"


def test_each_row_of_a_file_is_answered(shop: Shop) -> None:
    bad = ["2026-11-20,A,1.999,EUR,,\n", "2026-13-01,,x,EUR,,\n", "2027-01-01,A,1,EUR,,\n", "A\n"]
    answer = send(shop, HEADER + GOOD + "".join(bad) + GOOD, query={"redeem_by": "2026-12-24"})
    document = answer.json()
    assert (answer.status_code, document["rejected"], document["skipped"]) == (200, 4, [])
    assert [row["row"] for row in document["rows"]] == [2, 3, 4, 5, 6, 7]
    problems = [row["problem"] for row in document["rows"][1:5]]
    assert [problem["field"] for problem in problems] == ["price", "date", "date", "all"]
    assert [problem["title"] for problem in problems][2] == "Future date"
    assert problems[1]["detail"].count(";") == 2
    first, last = (document["rows"][place]["slip"] for place in (0, 5))
    assert (first["index"], last["index"]) == (0, 1)
    request = new_request(last["code"], new_keys()).document()
    receipt = shop.post("redemptions", {"code": last["code"], "request": request}).json()
    assert (receipt["sale"]["price"], receipt["sale"]["unit"]) == (24_900, "SN-1")


def test_an_order_export_has_a_row_for_each_unit(shop: Shop) -> None:
    text = (
        SHOPIFY + order("#1", quantity=3) + order("#2", status="refunded") + order("#3", price="x")
    )
    document = send(shop, text).json()
    assert [(row["row"], row["status"]) for row in document["rows"]] == [
        *[(2, "accepted")] * 3,
        (4, "rejected"),
    ]
    assert document["skipped"] == [{"order": "#2", "reason": "refunded"}]


def test_a_file_that_is_sent_again_is_recorded_once_also_on_another_day(shop: Shop) -> None:
    tomorrow = f"2026-11-23,{KETTLE},1.00,EUR,,\n"
    first = send(shop, HEADER + tomorrow + GOOD, "name")
    assert first.json()["rejected"] == 1
    shop.clock.advance(hours=23)  # now the day has come
    before = shop.state()
    assert send(shop, HEADER + tomorrow + GOOD, "name").content == first.content
    for changed in (
        send(shop, HEADER + GOOD, "name"),
        send(shop, HEADER + tomorrow + GOOD, "name", query={"redeem_by": "2026-12-24"}),
    ):
        assert changed.json()["type"] == "urn:kvitto:problem:idempotency-key-reused"
    assert shop.state() == before


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "malformed"),
        (b"\xff", "malformed"),
        (b"\0", "malformed"),
        (HEADER + '"', "malformed"),
        (HEADER.replace("unit", "batch"), "malformed"),
        (HEADER.replace("unit", "vat"), "malformed"),
        (SHOPIFY.replace("Name,", "", 1), "malformed"),
        (HEADER + '"' + "x" * 200_000 + '"', "malformed"),
        (HEADER + "\n" * 8_000_000, "too-many"),
        (HEADER + GOOD * 1001, "too-many"),
        ("a," * 4_000_000, "malformed"),
        (SHOPIFY + order("#1", quantity=1001), "too-many"),
        (SHOPIFY + "".join(order(f"#{n}", quantity=10_000) for n in range(900)), "too-many"),
        (HEADER + GOOD * 200_000, "too-large"),
    ],
    ids=str,
)
def test_a_file_that_is_made_to_hurt(shop: Shop, content: str | bytes, code: str) -> None:
    before, start = shop.state(), time.process_time()
    answer = send(shop, content)
    assert answer.json()["type"] == f"urn:kvitto:problem:{code}"
    assert time.process_time() - start < 3
    assert shop.state() == before


def test_a_cell_that_a_spreadsheet_would_run(shop: Shop) -> None:
    """The file of codes that the command line writes repeats these cells."""
    cells = ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)")
    rows = [f"2026-11-20,{cell},1.00,EUR,,\n" for cell in cells]
    rows += [f"2026-11-20,A,1.00,EUR,{cell},\n2026-11-20,A,1.00,EUR,,{cell}\n" for cell in cells]
    document = send(shop, HEADER + "".join(rows)).json()
    assert document["rejected"] == len(document["rows"]) == 12
    assert {row["problem"]["detail"].partition(": ")[2] for row in document["rows"]} == {
        "begins as a formula does"
    }


def test_an_import_needs_a_key_for_sales(shop: Shop) -> None:
    policies = shop.write("keys", {"label": "a", "scopes": ["policies"]}).json()["api_key"]
    before = shop.state()
    for key, status in ((None, 401), (shop.enter("other")["api_key"], 403), (policies, 403)):
        answer = shop.client.send("POST", "/v1/merchants/acme/sales/import", content=b"", key=key)
        assert answer.status_code == status
    assert shop.state()["slips"] == before["slips"]


@pytest.mark.parametrize(
    "query", ["redeem_by=soon", "redeem_by=", "redeem_by=2026-11-19", "until=1"]
)
def test_a_last_day_is_a_day_to_come(shop: Shop, query: str) -> None:
    answer = shop.client.send(
        *("POST", "/v1/merchants/acme/sales/import"),
        content=(HEADER + GOOD).encode(),
        key=shop.key,
        query=query,
    )
    assert answer.status_code in (400, 422)
    assert shop.sizes()[0] == 0
