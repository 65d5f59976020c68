"""Versions of policies are folded from events, and no event takes anything back."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.versions import VersionFold, publication
from commitments.attributes import EPOCH, day_number
from commitments.errors import FormatError, VerificationError
from commitments.p256 import P256
from policies.claim import policy_predicates
from tests.world import ORIGIN, policy, published
from zk.statement import Range

TIME = "2026-11-21T23:59:59Z"
FREE = {"products": None, "purchased": None, "price": None}
OLD, FIRST, LAST = "2026-11-20T08:00:00Z", date(2026, 11, 22), date(2026, 11, 21)


def publish(version: int, number: int, **changes: Any) -> dict[str, Any]:
    document = policy(**{"version": version, **changes}).document()
    return {"type": "policy.published", "time": OLD, "number": number, "policy": document}


def supersede(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "type": "policy.superseded",
        "time": TIME,
        "number": number,
        "policy": "warranty-2y",
        "version": 1,
        "by": 2,
        "from": "2026-11-22",
        **changes,
    }


def withdraw(number: int, **changes: Any) -> dict[str, Any]:
    event = {**supersede(number), "type": "policy.withdrawn", **changes}
    del event["by"]
    return event


def closed(time: str) -> dict[str, Any]:
    return {"type": "log.closed", "time": time}


def folded(*events: Mapping[str, Any]) -> VersionFold:
    fold = VersionFold(ORIGIN)
    for event in events:
        fold.read(event)
    return fold


def end_of(*events: Mapping[str, Any]) -> date | None:
    return folded(*events).versions["warranty-2y", 1].end


# ---- which days of purchase


@pytest.mark.parametrize(
    ("changes", "end", "claimed", "days"),
    [
        ({}, None, "2026-11-21", ("2024-11-21", "2026-11-21")),
        ({}, "2026-11-22", "2026-11-21", ("2024-11-21", "2026-11-21")),  # not yet
        ({}, "2026-11-22", "2026-11-22", ("2024-11-22", "2026-11-21")),
        ({}, "2026-11-22", "2028-11-21", ("2026-11-21", "2026-11-21")),
        (FREE, None, "2026-11-21", None),
        (FREE, "2026-11-22", "2026-11-21", None),
        (FREE, "2026-11-22", "2026-11-22", ("1970-01-01", "2026-11-21")),
        ({"covers_from": "2026-01-01"}, None, "2026-11-21", ("2026-01-01", "2026-11-21")),
        ({"covers_from": "2024-01-01"}, None, "2026-11-21", ("2024-11-21", "2026-11-21")),
        ({**FREE, "covers_from": "2026-01-01"}, None, "2026-11-21", ("2026-01-01", "9999-12-31")),
        (
            {**FREE, "covers_from": "2026-01-01"},
            "2026-11-21",
            "2026-11-21",
            ("2026-01-01", "2026-11-20"),
        ),
        (
            {"purchased": {"from": "2026-01-01", "to": "2026-02-01"}, "covers_from": "2026-01-05"},
            "2026-01-20",
            "2026-11-21",
            ("2026-01-05", "2026-01-19"),
        ),
    ],
)
def test_the_days_that_a_claim_shows(
    changes: dict[str, Any], end: str | None, claimed: str, days: tuple[str, str] | None
) -> None:
    version = published(date.fromisoformat(end) if end else None, **changes)
    day = date.fromisoformat(claimed)
    expected = days and (date.fromisoformat(days[0]), date.fromisoformat(days[1]))
    assert version.days(day) == expected
    shown = [p for p in policy_predicates(P256, version, day) if p.attribute == "date"]
    assert shown == ([Range("date", *map(day_number, expected))] if expected else [])
    assert version.is_open_on(day)


@pytest.mark.parametrize(
    ("end", "claimed", "changes", "is_open"),
    [
        ("2026-11-22", "2028-11-22", {}, False),  # its last purchases are two years old
        ("2026-11-22", "2028-11-21", {}, True),
        ("2026-01-01", "2026-11-21", {"covers_from": "2026-01-01"}, False),
        (None, "2025-12-31", {"covers_from": "2026-01-01"}, False),
        (None, "2026-01-01", {"covers_from": "2026-01-01"}, True),
        (None, "2031-01-01", {}, False),
    ],
)
def test_when_nothing_is_left_to_claim_for(
    end: str | None, claimed: str, changes: dict[str, Any], is_open: object
) -> None:
    version = published(date.fromisoformat(end) if end else None, **changes)
    assert version.is_open_on(date.fromisoformat(claimed)) is is_open


@given(
    st.dates(date(2026, 11, 23), date(2030, 1, 1)),
    st.integers(1, 2000),
    st.integers(0, 2000),
    st.sampled_from([{}, FREE, {"covers_from": "2026-06-01"}]),
)
def test_an_end_takes_nothing_from_purchases_before_it(
    end: date, before: int, later: int, changes: dict[str, Any]
) -> None:
    """Whatever the day of the claim: what was bought before the end is covered as without it."""
    bought, claimed = end - timedelta(days=before), end + timedelta(days=later)
    for day in (claimed, end - timedelta(days=1)):
        free, ended = published(None, **changes).days(day), published(end, **changes).days(day)
        always = EPOCH, date.max
        first, last = ended or always
        assert (first <= bought <= last) == ((free or always)[0] <= bought <= (free or always)[1])
    assert published(end, **changes).days(claimed) != always


# ---- what ends a version


def test_versions_are_folded_in_the_order_of_the_log() -> None:
    fold = folded(
        publish(1, 0), publish(2, 1, title="Better"), supersede(2), withdraw(3, version=2)
    )
    first, second = fold.versions.values()
    assert (first.policy.title, second.policy.title) == ("Two-year guarantee", "Better")
    assert [(e.first, e.by) for v in (first, second) for e in v.endings] == [
        (FIRST, 2),
        (FIRST, None),
    ]
    assert (first.end, first.end_on(LAST), first.end_on(FIRST)) == (FIRST, None, FIRST)


def test_the_earliest_end_counts() -> None:
    late, early = withdraw(1, **{"from": "2027-01-01"}), withdraw(2, **{"from": "2026-12-01"})
    assert end_of(publish(1, 0), late) == date(2027, 1, 1)
    assert end_of(publish(1, 0), late, early) == date(2026, 12, 1)
    assert end_of(publish(1, 0), {**early, "number": 1}, {**late, "number": 2}) == date(2026, 12, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"from": "2026-11-21"},  # the day of the event
        {"from": "2026-11-01"},
        {"from": "2026-11-31"},
        {"from": "20261201"},
        {"from": None},
        {"time": "2026-11-22T00:00:00Z"},
        {"policy": "other"},
        {"policy": ["warranty-2y"]},
        {"version": 3},
        {"version": True},
        {"version": "1"},
        {"by": 3},
        {"by": 1},
        {"by": None},
        {"by": True},
    ],
)
def test_an_end_that_breaks_the_rules_has_no_effect(changes: dict[str, Any]) -> None:
    assert end_of(publish(1, 0), publish(2, 1), supersede(2)) == FIRST
    assert end_of(publish(1, 0), publish(2, 1), {**supersede(2), **changes}) is None


def test_an_end_cannot_be_dated_before_what_stands_before_it() -> None:
    """A service writes today that a version had ended months ago."""
    versions = publish(1, 0), publish(2, 1)
    past = supersede(2, time="2026-06-01T08:00:00Z", **{"from": "2026-06-02"})
    assert end_of(*versions, past) is None  # it stands behind events of November
    early = [{**event, "time": "2026-05-01T08:00:00Z"} for event in versions]
    assert end_of(*early, past) == date(2026, 6, 2)
    assert end_of(*early, closed("2026-06-02T00:00:09Z"), past) is None
    assert end_of(*early, closed("2026-06-01T00:00:09Z"), past) == date(2026, 6, 2)
    assert end_of(*early, past, closed("2026-06-02T00:00:09Z")) == date(2026, 6, 2)


def test_an_end_before_its_policy_has_no_effect() -> None:
    assert end_of(supersede(0), publish(1, 1), publish(2, 2)) is None
    assert end_of(publish(1, 0), supersede(1), publish(2, 2)) is None  # by one that was not there


def test_of_two_publications_of_a_version_the_first_counts() -> None:
    fold = folded(publish(1, 0), publish(2, 1), publish(2, 2, smallest_ring=4096))
    assert fold.versions["warranty-2y", 2].policy.smallest_ring == 2
    assert fold.count == 3


@pytest.mark.parametrize("number", [0, 1, 3, True, "2", None])
def test_numbers_have_no_gaps_whatever_the_type(number: object) -> None:
    before = publish(1, 0), publish(2, 1)
    for event in (publish(3, 2), supersede(2), withdraw(2)):
        folded(*before, event)
        with pytest.raises(VerificationError, match="a policy is hidden"):
            folded(*before, {**event, "number": number})


def test_a_policy_event_has_exactly_its_members() -> None:
    for event in (publish(1, 0), supersede(0), withdraw(0)):
        folded(event)
        with pytest.raises(FormatError):
            folded({**event, "more": 1})
        for name in event.keys() - {"type", "time"}:
            with pytest.raises(FormatError):
                folded({k: v for k, v in event.items() if k != name})


def test_a_time_at_the_end_of_the_calendar_harms_nobody() -> None:
    assert end_of(closed("9999-12-31T23:59:59Z"), publish(1, 0), withdraw(1)) is None


def test_a_merchant_ends_a_version_without_end() -> None:
    """As many events as a wallet reads: each takes as long as the first."""
    fold = folded(publish(1, 0))
    event = withdraw(1)
    for number in range(1, 20_001):
        fold.read({**event, "number": number})
    assert len(fold.versions["warranty-2y", 1].endings) == 20_000


# ---- publishing


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({}, "2026-11-22"),
        ({"covers_from": "2026-01-01"}, "2026-11-22"),
        ({"covers_from": "2026-12-24"}, "2026-12-24"),
        ({"valid_from": "2027-01-01"}, "2027-01-01"),
        ({"valid_from": "2027-01-01", "covers_from": "2026-12-24"}, "2027-01-01"),
        ({"valid_from": "2026-12-24", "covers_from": "2027-01-01"}, "2027-01-01"),
    ],
)
def test_a_new_version_supersedes_for_purchases_that_are_still_to_come(
    changes: dict[str, Any], first: str
) -> None:
    fold = folded(publish(1, 0), {**publish(1, 1, id="other")})
    events = publication(fold, policy(version=2, **changes), TIME)
    assert [event["type"] for event in events] == ["policy.published", "policy.superseded"]
    assert events[1] == supersede(3, **{"from": first})
    for event in events:
        fold.read(event)
    assert fold.versions["warranty-2y", 1].end == date.fromisoformat(first)
    assert fold.versions["other", 1].end is None


def test_what_has_ended_before_is_not_ended_again_but_sooner() -> None:
    later = publish(2, 1, covers_from="2027-06-01")
    fold = folded(publish(1, 0), later, supersede(2, **{"from": "2027-06-01"}))
    _, first, second = publication(fold, policy(version=3), TIME)
    assert [(e["version"], e["by"], e["number"]) for e in (first, second)] == [(1, 3, 4), (2, 3, 5)]
    for event in publication(fold, policy(version=3), TIME):
        fold.read(event)
    assert fold.versions["warranty-2y", 1].end == FIRST
    (again, third) = publication(fold, policy(version=4), TIME)
    assert (again["type"], third["version"]) == ("policy.published", 3)


def test_a_version_that_takes_no_more_claims_needs_no_end() -> None:
    fold = folded(publish(1, 0, valid_to="2026-11-21"))
    assert len(publication(fold, policy(version=2), TIME)) == 1
    assert len(publication(folded(publish(1, 0)), policy(version=2), TIME)) == 2


def test_logs_of_before_have_no_ends() -> None:
    fold = folded(publish(1, 0), publish(3, 1), publish(2, 2))
    assert [version.end for version in fold.versions.values()] == [None] * 3
    assert fold.newest("warranty-2y") == 3
