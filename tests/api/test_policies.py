from policies.policy import json_schema, parse_policy
from tests.api.shop import Shop
from tests.world import WARRANTY


def test_a_policy_is_published_as_an_event(shop: Shop) -> None:
    answer = shop.write("policies", WARRANTY)
    document = parse_policy(WARRANTY).document()
    assert (answer.status_code, answer.json()) == (201, {"index": 1, "policy": document})
    ((index, event),) = shop.events("policy.published")
    assert (index, event["policy"]) == (1, document)


def test_policies_are_listed_and_read_by_version(shop: Shop) -> None:
    versions = [{**WARRANTY, "version": 1}, {**WARRANTY, "version": 2, "title": "Longer"}]
    for version in versions:
        shop.write("policies", version)
    first, second = shop.get("policies").json()["policies"]
    assert [v["policy"]["title"] for v in (first, second)] == ["Two-year guarantee", "Longer"]
    assert shop.get("policies/warranty-2y/2").json() == second
    assert (second["ends"], second["endings"]) == (None, [])
    assert first["ends"] == "2026-11-22"
    assert first["endings"] == [
        {"kind": "superseded", "time": first["published"], "from": "2026-11-22", "by": 2}
    ]


def test_a_version_is_withdrawn(shop: Shop) -> None:
    shop.write("policies", WARRANTY)
    shop.write("policies", {**WARRANTY, "id": "eu/warranty/2y"})
    answer = shop.write("policies/eu/warranty/2y/1/withdrawal", {"from": "2026-12-01"})
    said = {"policy": "eu/warranty/2y", "version": 1, "from": "2026-12-01"}
    assert (answer.status_code, answer.json()) == (201, {"index": 3, **said})
    ended = shop.get("policies/eu/warranty/2y/1").json()
    assert ended["ends"] == "2026-12-01"
    assert [(e["kind"], e["by"]) for e in ended["endings"]] == [("withdrawn", None)]
    assert shop.get("policies/warranty-2y/1").json()["ends"] is None
    ((index, event),) = shop.events("policy.withdrawn")
    assert (index, {name: event[name] for name in said}) == (3, said)


def test_the_id_of_a_policy_may_contain_slashes(shop: Shop) -> None:
    shop.write("policies", {**WARRANTY, "id": "eu/warranty/2y"})
    assert shop.get("policies/eu/warranty/2y/1").json()["policy"]["id"] == "eu/warranty/2y"


def test_a_version_in_plain_words(shop: Shop) -> None:
    shop.write("policies", {**WARRANTY, "id": "eu/warranty"})
    said = shop.get("policies/eu/warranty/1/explanation").json()["sentences"]
    assert "Bought at most 2 years before the day of the claim." in said
    shop.write("policies/eu/warranty/1/withdrawal", {"from": "2026-12-01"})
    ended = shop.get("policies/eu/warranty/1/explanation").json()["sentences"]
    assert any(line.startswith("It was withdrawn: ") for line in ended)


def test_a_published_version_stays_what_it_is(shop: Shop) -> None:
    shop.write("policies", WARRANTY)
    answer = shop.write("policies", {**WARRANTY, "title": "Other words"})
    assert answer.json()["type"] == "urn:kvitto:problem:duplicate-policy"
    assert shop.get("policies/warranty-2y/1").json()["policy"]["title"] == "Two-year guarantee"


def test_the_schema_of_a_policy_is_served(shop: Shop) -> None:
    served = shop.get("/v1/policy.schema.json")
    assert served.headers["content-type"] == "application/schema+json"
    assert served.json() == json_schema()
