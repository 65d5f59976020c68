"""What people have in hand leads to entries of the logs."""

from typing import Any

import pytest

from tests.api.shop import Shop
from tests.handover import hand_over, settle


def _search(shop: Shop, sought: str) -> list[tuple[Any, ...]]:
    answer = shop.get("search", {"q": sought})
    assert answer.status_code == 200, answer.text
    return [tuple(result.values()) for result in answer.json()["results"]]


def test_an_index_is_one_of_both_logs(shop: Shop) -> None:
    shop.open_for_claims()
    purchases, events = shop.sizes()
    assert purchases < events
    assert _search(shop, " 1 ") == [
        ("purchase", "purchases", 1, "purchase"),
        ("event", "events", 1, "log.closed, 2026-11-21T12:00:00Z"),
    ]
    assert [result[0] for result in _search(shop, str(purchases))] == ["event"]
    assert _search(shop, str(events)) == _search(shop, "9" * 16) == []


def test_a_claim_is_found_by_its_id_or_the_beginning(shop: Shop) -> None:
    bought = shop.open_for_claims()
    claims = [shop.claim(buyer) for buyer in bought]
    ((index, _), *_) = shop.events("claim.decided")
    identifier = claims[0].claim_id
    expected = ("claim", "events", index, f"{identifier}, approved")
    assert _search(shop, identifier) == _search(shop, identifier[:8].upper()) == [expected]
    assert _search(shop, "f" * 64) == _search(shop, identifier[:7]) == []


def test_a_tag_leads_to_who_showed_it(shop: Shop) -> None:
    bought = shop.open_for_claims()
    shop.claim(bought[0])
    ((index, event),) = shop.events("claim.decided")
    for tag in event["tags"]:
        assert _search(shop, tag) == [("tag", "events", index, f"claim {event['claim_id']}")]
    settle(shop)
    approved = shop.post("transfers", hand_over(shop, bought[1]).document()).json()
    ((index, event),) = shop.events("transfer.approved")
    name = f"transfer {approved['transfer_id']}"
    assert _search(shop, event["tag"]) == [("tag", "events", index, name)]
    assert _search(shop, "02" + "00" * 32) == []


def test_policies_are_found_by_how_they_begin(shop: Shop) -> None:
    shop.open_for_claims()
    ((index, _), *_) = shop.events("policy.published")
    assert _search(shop, "warr") == [("policy", "events", index, "warranty-2y 1")]
    assert _search(shop, "2y") == _search(shop, "%") == []


@pytest.mark.parametrize("sought", ["", "x" * 201])
def test_what_nobody_would_look_for_is_refused(shop: Shop, sought: str) -> None:
    assert shop.get("search", {"q": sought}).status_code == 400


def test_only_the_logs_of_this_merchant_are_searched(shop: Shop) -> None:
    claim = shop.claim(shop.open_for_claims()[0])
    shop.enter("other")
    other = shop.get("/v1/merchants/other/search", {"q": claim.claim_id})
    assert other.json() == {"results": []}
