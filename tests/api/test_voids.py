"""Purchases that are void, for a reason that everybody sees, and how often that happens."""

from typing import Any

import pytest
from sqlalchemy import delete, update

from ledger.entries import Void
from ledger.fsck import Damaged, check_all
from ledger.schema import voids
from ledger.statistics import month_counts
from ledger.void_events import void_reasons
from ledger.voided import VOIDED
from tests.api.shop import SALE, Shop, values
from tests.handover import hand_over, settle
from tests.world import ORIGIN
from verifier.rebuild import rebuild


def void(index: object, reason: object = "returned") -> dict[str, object]:
    return {"index": index, "reason": reason}


def _damage(shop: Shop, *statements: Any) -> None:
    with shop.store._writer.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_purchase_is_voided_once_and_the_log_says_why(shop: Shop) -> None:
    shop.buy(*[shop.sale()] * 2)
    answer = shop.write("voids", void(0))
    assert (answer.status_code, answer.json()) == (
        201,
        {"index": 2, "voided": 0, "reason": "returned"},
    )
    before = shop.state()
    assert shop.write("voids", void(0)).json() == answer.json()
    refused = shop.write("voids", void(0, "duplicate")).json()
    assert refused["type"] == "urn:kvitto:problem:not-voidable"
    assert shop.state() == before
    with shop.store.log(ORIGIN) as log:
        assert log.entry(2) == Void(0).encode()
    shop.write("voids", void(1, "suspected_fraud"))
    told = [event for _, event in shop.events(VOIDED)]
    assert [event["number"] for event in told] == [0, 1]
    assert told[1] == {
        "type": "purchase.voided",
        "time": "2026-11-21T12:00:00Z",
        "number": 1,
        "index": 3,
        "voided": 1,
        "reason": "suspected_fraud",
    }


def test_many_voids_are_each_for_themselves(shop: Shop) -> None:
    shop.buy(*[shop.sale()] * 3)
    (slip,) = values(shop.write("sales", {"sales": [SALE]}), "slip")
    shop.write("voids", void(0))
    bodies = [
        *(void(0), void(0, "duplicate"), void(1, "entry_error"), void(1, "entry_error"), void(1)),
        *(void(slip["index"]), void(99), void(4), void("2"), void(2, "because"), void(2)),
    ]
    answer = shop.write("voids/bulk", {"voids": bodies}).json()
    outcomes = [row.get("problem", row).get("title", row["status"]) for row in answer["rows"]]
    assert outcomes == [
        *("duplicate", "Not voidable", "accepted", "duplicate", "Not voidable"),
        *("Not voidable", "Unknown entry", "Not voidable", "Malformed", "Malformed", "accepted"),
    ]
    assert answer["rejected"] == 7
    assert [answer["rows"][place]["void"]["index"] for place in (0, 2, 3, 10)] == [4, 5, 5, 6]
    assert [event["number"] for _, event in shop.events(VOIDED)] == [0, 1, 2]


def test_a_void_from_before_there_were_reasons_stays_without_one(shop: Shop) -> None:
    shop.buy(shop.sale())
    shop.store.write(lambda tx: tx.append(ORIGIN, [Void(0).encode()]), ORIGIN)
    assert shop.write("voids", void(0)).json()["type"] == "urn:kvitto:problem:not-voidable"
    shop.close()
    assert shop.get("statistics").json()["total"]["voids"]["unstated"] == 1


def test_the_statistics_are_those_of_the_closes(shop: Shop) -> None:
    bought = shop.buy(*[shop.sale()] * 5)
    shop.write("sales", {"sales": [SALE]})
    shop.write("voids", void(0))
    assert shop.get("statistics").json()["months"] == []
    shop.close()
    shop.clock.advance(days=20)
    shop.write("voids/bulk", {"voids": [void(1, "duplicate"), void(2)]})
    settle(shop)
    hand_over(shop, bought[4]).complete()
    shop.close()
    shop.write("voids", void(3))  # no close covers it yet
    found = shop.get("statistics").json()
    november, december = found["months"]
    assert november["month"] == "2026-11"
    assert (november["purchases"], november["sales"], november["transfers"]) == (5, 1, 0)
    assert (november["voids"]["returned"], november["voids_per_thousand"]) == (1, 200)
    assert december["month"] == "2026-12"
    assert (december["purchases"], december["transfers"]) == (0, 1)
    assert (december["voids"]["returned"], december["voids"]["duplicate"]) == (1, 1)
    assert december["voids_per_thousand"] is None
    assert found["total"]["voids_per_thousand"] == 600
    assert found["size"] == shop.sizes()[0] - 1


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_day_that_is_closed_in_the_next_month_counts_in_its_own(shop: Shop) -> None:
    key = shop.enter("daily", period="P1D")["api_key"]
    shop.clock.advance(days=9)  # 30 November
    shop.post("/v1/merchants/daily/sales", {"sales": [SALE]}, key)
    shop.clock.advance(days=1)
    assert shop.closer.due() == 1
    (month,) = shop.get("/v1/merchants/daily/statistics").json()["months"]
    assert (month["month"], month["sales"]) == ("2026-11", 1)


def test_the_statistics_are_made_again_from_the_logs(shop: Shop) -> None:
    shop.buy(*[shop.sale()] * 3)
    shop.write("voids", void(0))
    shop.close()
    shop.write("voids", void(1, "payment_failed"))
    shop.close()
    before = shop.get("statistics").json()
    _damage(shop, delete(void_reasons), delete(month_counts))
    assert shop.get("statistics").json() != before
    rebuild(shop.store)
    assert shop.get("statistics").json() == before


@pytest.mark.leaves_damage
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_reason_for_a_void_that_is_not_there_is_found(shop: Shop) -> None:
    shop.buy(*[shop.sale()] * 2)
    shop.write("voids", void(0))
    with shop.store.read() as connection:
        check_all(connection)
    _damage(shop, update(voids).values(voided=1))
    with shop.store.read() as connection, pytest.raises(Damaged) as caught:
        check_all(connection)
    assert "the event log gives reasons for voids that the purchase log has not" in str(
        caught.value.faults
    )
