"""Requests that are sent again, by whoever has lost the answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from ledger.once import answers, forget_answers
from tests.api.shop import SALE, Shop, values
from tests.databases import files_of
from tests.world import NOTICE, WARRANTY

NAME = "8e03978e-40d5-43dd-bc93-6894a57f9324"
SALES = {"sales": [SALE, {**SALE, "price": 100}]}


def again(shop: Shop, database: str) -> Shop:
    """Another process of the service, or the same one after a restart."""
    other = Shop(database, entered=False)
    other.key, other.merchant, other.clock = shop.key, shop.merchant, shop.clock
    return other


def kept(shop: Shop) -> int:
    with shop.store.read() as connection:
        return connection.execute(select(func.count()).select_from(answers)).scalar_one()


def test_sales_sent_again_are_recorded_once(shop: Shop, database: str) -> None:
    first = shop.write("sales", SALES, NAME)
    before = shop.state()
    assert first.status_code == 200
    assert [shop.write("sales", SALES, NAME).content for _ in range(2)] == [first.content] * 2
    with again(shop, database) as restarted:
        assert restarted.write("sales", SALES, NAME).content == first.content
    assert shop.state() == before
    unnamed = shop.write("sales", SALES)
    assert [slip["index"] for slip in values(unnamed, "slip")] == [2, 3]
    other = shop.write("sales", SALES, "another")
    assert [slip["index"] for slip in values(other, "slip")] == [4, 5]


def test_purchases_sent_again_are_recorded_once(shop: Shop) -> None:
    body = shop.purchase_body()
    first = shop.write("purchases", body, NAME)
    assert shop.write("purchases", body, NAME).content == first.content
    bulk = {"purchases": [shop.purchase_body(), shop.purchase_body()]}
    many = shop.write("purchases/bulk", bulk, "another")
    assert shop.write("purchases/bulk", bulk, "another").content == many.content
    assert shop.sizes()[0] == 3


def test_every_write_of_a_merchant_can_be_named(shop: Shop) -> None:
    writes = [
        (path, operation)
        for path, methods in shop.app.openapi()["paths"].items()
        for method, operation in methods.items()
        # What the operator may do as well, there is one of: the second time it is refused.
        if method == "post" and {*chain(*operation.get("security", ()))} == {"merchantKey"}
        if {} not in operation["security"]  # a step needs no key, and is named by its number
    ]
    assert len(writes) > 8
    for path, operation in writes:
        named = [parameter["name"] for parameter in operation["parameters"]]
        assert "Idempotency-Key" in named, path
        codes = operation["responses"]["422"]["content"]["application/problem+json"]["examples"]
        assert "idempotency-key-reused" in codes, path


def test_each_write_is_done_once(shop: Shop) -> None:
    shop.buy(*[shop.sale()] * 2)
    shop.close()
    made = shop.write("keys", {"label": "a", "scopes": ["sales"]}, "keys").json()
    wanted = {"label": "b", "scopes": ["sales"], "expires": "2026-11-21T12:00:01Z"}
    writes = [
        ("voids", {"index": 0, "reason": "returned"}, {"index": 1, "reason": "returned"}),
        ("voids/bulk", {"voids": [{"index": 1, "reason": "returned"}]}, {"voids": [{}]}),
        ("purchases/bulk", {"purchases": [shop.purchase_body()]}, {"purchases": [{}]}),
        ("closes", None, None),
        ("policies", WARRANTY, {**WARRANTY, "version": 2}),
        ("notices", NOTICE, {**NOTICE, "id": "other"}),
        ("keys", wanted, {**wanted, "label": "c"}),
        (f"keys/{made['id']}/rotation", {"grace_hours": 1}, {"grace_hours": 2}),
        (f"keys/{made['id']}/revocation", None, None),
        ("sales", {**SALES, "redeem_by": "2026-11-21"}, SALES),
    ]
    for path, body, other in writes:
        first = shop.write(path, body, f"{NAME}-{path}")
        assert first.is_success, first.text
        before = shop.state()
        shop.clock.advance(hours=23)  # what has become too late meanwhile is no reason
        again = shop.write(path, body, f"{NAME}-{path}")
        shop.clock.advance(hours=-23)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        if other is not None:
            reused = shop.write(path, other, f"{NAME}-{path}").json()
            assert reused["type"] == "urn:kvitto:problem:idempotency-key-reused"
        assert shop.state() == before


def test_processes_that_are_told_to_close_at_once_close_once(shop: Shop, database: str) -> None:
    with again(shop, database) as other, ThreadPoolExecutor(4) as pool:
        for number in range(3):
            sent = [
                pool.submit(which.write, "closes", None, f"{NAME}-{number}")
                for which in (shop, other) * 2
            ]
            assert {future.result().json()["number"] for future in sent} == {number}


def test_one_name_for_two_requests_at_once_harms_nobody_else(shop: Shop, database: str) -> None:
    """They write to different logs, so neither waits for the other."""
    with again(shop, database) as other, ThreadPoolExecutor(4) as pool:
        for number in range(5):
            name = f"{NAME}-{number}"
            notice = {**NOTICE, "id": f"{number}"}
            sales = pool.submit(shop.write, "sales", SALES, name)
            notices = pool.submit(other.write, "notices", notice, name)
            innocent = pool.submit(shop.write, "sales", SALES)
            codes = {sales.result().status_code, notices.result().status_code}
            assert codes in ({200, 422}, {201, 422})
            assert innocent.result().status_code == 200


def _other_body(shop: Shop) -> Any:
    return shop.write("sales", {"sales": [SALE]}, NAME)


def _other_route(shop: Shop) -> Any:
    return shop.write("purchases", shop.purchase_body(), NAME)


@pytest.mark.parametrize("send", [_other_body, _other_route])
def test_a_name_is_for_one_request(shop: Shop, send: Callable[[Shop], Any]) -> None:
    first = shop.write("sales", SALES, NAME)
    before = shop.state()
    answer = send(shop)
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, "Idempotency-Key")
    assert problem["type"] == "urn:kvitto:problem:idempotency-key-reused"
    assert shop.state() == before
    assert shop.write("sales", SALES, NAME).content == first.content


def test_a_name_is_one_merchants(shop: Shop) -> None:
    shop.write("sales", SALES, NAME)
    key = shop.enter("other")["api_key"]
    answer = shop.client.send(
        "POST", "/v1/merchants/other/sales", body=SALES, key=key, names=[NAME]
    )
    assert values(answer, "slip")[0]["index"] == 0


@pytest.mark.parametrize(
    "names", [[""], ["a b"], ["ä"], ["x" * 256], ["x\ty"], ["a", "a"], ["a", "b"]]
)
def test_a_name_is_spelt_in_one_way(shop: Shop, names: list[str]) -> None:
    before = shop.state()
    answer = shop.write("sales", SALES, *names)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
    assert shop.state() == before
    assert shop.write("sales", SALES, "x" * 255).status_code == 200


def test_what_was_refused_may_be_sent_again(shop: Shop) -> None:
    future = shop.purchase_body(sale={**SALE, "date": "2026-12-24"})
    assert shop.write("purchases", future, NAME).status_code == 422
    shop.clock.advance(days=40)
    assert shop.write("purchases", future, NAME).status_code == 201


def test_rows_that_were_rejected_stay_rejected_in_the_answer_that_comes_again(shop: Shop) -> None:
    sales = {"sales": [{**SALE, "date": "2026-11-23"}, SALE]}
    first = shop.write("sales", sales, NAME)
    assert [row["status"] for row in first.json()["rows"]] == ["rejected", "accepted"]
    shop.clock.advance(hours=23)  # now the day has come
    before = shop.state()
    assert shop.write("sales", sales, NAME).content == first.content
    assert shop.state() == before


def test_a_key_of_another_merchant_is_not_told_what_was_recorded(shop: Shop) -> None:
    shop.write("sales", SALES, NAME)
    for key, status in ((shop.enter("other")["api_key"], 403), (None, 401), ("x", 401)):
        answer = shop.client.send(
            "POST", "/v1/merchants/acme/sales", body=SALES, key=key, names=[NAME]
        )
        assert answer.status_code == status


def test_an_answer_that_was_lost_comes_again(shop: Shop) -> None:
    """The database had done it, and its answer did not come back."""

    def lose(connection: Any) -> None:
        connection.connection.commit()
        raise OperationalError("COMMIT", {}, OSError("gone"))

    event.listen(shop.store._writer, "commit", lose)
    assert shop.write("sales", SALES, NAME).status_code == 503
    event.remove(shop.store._writer, "commit", lose)
    slips = values(shop.write("sales", SALES, NAME), "slip")
    assert [slip["index"] for slip in slips] == [0, 1]
    assert shop.sizes()[0] == 2
    assert slips == values(shop.write("sales", SALES, NAME), "slip")


def test_two_processes_that_get_the_same_request_do_it_once(shop: Shop, database: str) -> None:
    with again(shop, database) as other, ThreadPoolExecutor(8) as pool:
        for number in range(5):
            sent = [
                pool.submit(which.write, "sales", SALES, f"{NAME}-{number}")
                for which in (shop, other) * 4
            ]
            assert len({future.result().content for future in sent}) == 1
            assert shop.sizes()[0] == 2 * (number + 1)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_codes_and_names_are_not_stored(shop: Shop, database: str) -> None:
    slips = values(shop.write("sales", SALES, NAME), "slip")
    shop.write("sales", SALES, NAME)
    stored = b"".join(path.read_bytes() for path in files_of(database))
    assert b"4006381333931" in stored
    for secret in (NAME, *(slip["code"] for slip in slips)):
        assert secret.encode() not in stored


def test_answers_are_forgotten(shop: Shop) -> None:
    shop.write("sales", SALES, NAME)
    shop.clock.advance(hours=24)
    shop.write("sales", SALES, "another")
    for hours, left in ((0, 2), (1, 1), (24, 0)):
        shop.clock.advance(hours=hours)
        forget_answers(shop.store, shop.clock)
        assert kept(shop) == left
    assert values(shop.write("sales", SALES, NAME), "slip")[0]["index"] == 4
