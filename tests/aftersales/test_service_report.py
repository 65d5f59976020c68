"""What a report says, what it keeps to itself, and that nothing later changes it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.histories import Move
from aftersales.months import Months, parse_month
from aftersales.report_events import PublishedReport, report_event
from aftersales.report_fold import ReportFold
from aftersales.service_report import ENDS, MOST_POLICIES, service_report
from aftersales.steps import DECLINE_REASONS
from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64
from ledger.events import encode_event
from ledger.tiles import MAX_ENTRY_BYTES
from ledger.voided import REASONS
from policies.claim import claim_id, parse_claim
from tests.aftersales.cases import PLAIN, REVIEWED, decided
from tests.aftersales.reporting import AFTER, MONTH, OPENED, Made, facts
from tests.aftersales.test_suppression import sums
from tests.world import ORIGIN

THREE = {**REVIEWED, "remedies": ["repair", "replacement", "refund"]}


def report(claims: Sequence[Made], promise: dict[str, Any] = THREE, **more: Any) -> Any:
    return service_report(facts(claims, promise, **more), MONTH)


def test_claims_are_counted_by_policy_and_remedy_and_by_how_they_ended() -> None:
    claims = [
        *[Made(outcome="completed")] * 12,
        *[Made(outcome="declined", reason="caused_by_use")] * 6,
        *[Made(outcome="declined", reason="not_covered", remedy="refund")] * 5,
        *[Made("return-14d", outcome="canceled")] * 7,
        *[Made("return-14d", outcome="under_review")] * 8,
    ]
    found = report(claims)
    returns, warranty = found["decided"]["policies"]
    assert (found["decided"]["count"], returns["count"], warranty["count"]) == (38, 15, 23)
    assert warranty["remedies"] == {"repair": 18, "replacement": 0, "refund": 5}

    returns, warranty = found["ended"]["policies"]
    assert (found["ended"]["count"], returns["count"], returns["reasons"]) == (30, 7, None)
    assert returns["outcomes"] == {"completed": 0, "declined": 0, "canceled": 7}
    assert warranty["outcomes"] == {"completed": 12, "declined": 11, "canceled": 0}
    assert {reason: count for reason, count in warranty["reasons"].items() if count} == {
        "caused_by_use": 6,
        "not_covered": 5,
    }


def test_what_a_policy_cannot_lead_to_hides_nothing() -> None:
    """Without a review nobody is declined: that 0 would leave the other count to be seen."""
    plain = report([Made(outcome="canceled")] * 2 + [Made(outcome="completed")] * 8, PLAIN)
    assert plain["ended"]["policies"][0]["outcomes"] == {"completed": None, "canceled": None}


def test_a_claim_counts_in_the_month_of_its_decision_and_in_that_of_its_end() -> None:
    later = Made(outcome="completed", moved="2026-11-04T12:00:00Z")
    both = facts([Made(outcome="completed")] * 10 + [later] * 11)
    october, november = service_report(both, MONTH), service_report(both, "2026-11")
    assert [month["decided"]["count"] for month in (october, november)] == [21, 0]
    (first,), (second,) = october["ended"]["policies"], november["ended"]["policies"]
    assert (first["count"], first["hours"]) == (10, {"median": 24, "p90": 24})
    assert (second["count"], second["hours"]) == (11, {"median": 30 * 24, "p90": 30 * 24})


def test_what_is_disputed_has_not_ended_and_ends_once_more() -> None:
    claims = facts([Made(outcome="completed")] * 6)
    for history in claims.histories.claims.values():
        index = len(claims.months.span(MONTH))
        again = [("dispute", "disputed"), ("note", "disputed"), ("complete", "completed")]
        for at, (step, state) in enumerate([*again, ("note", "completed")], index + 1):
            by = "buyer" if step == "dispute" else "merchant"
            history.moves.append(Move(at, AFTER, by, step, state, None))
    later = replace(claims, months=Months([OPENED] * 18 + [AFTER] * 9))
    assert [service_report(later, m)["ended"]["count"] for m in (MONTH, "2026-11")] == [6, 6]


def test_answers_after_they_were_due_are_late_and_what_waits_too_long_is_overdue() -> None:
    """The response time is a week: a claim of 5 October is due on the 12th."""
    in_time = Made(outcome="declined", reason="other", moved="2026-10-12T12:00:00Z")
    late = replace(in_time, moved="2026-10-12T12:00:01Z")
    waiting = [Made(outcome="under_review")] * 6
    young = [replace(waiting[0], opened="2026-10-25T00:00:00Z")] * 5
    found = report([*[in_time] * 5, *[late] * 6, *waiting, *young])
    assert found["responses"] == {"median": 169, "p90": 169, "late": 55}
    assert found["overdue"] == 55
    assert report([*[in_time] * 4, *[late] * 5, *waiting])["responses"] is None
    assert report([*[in_time] * 9, late])["responses"]["late"] == 10


def test_repeats_are_claims_for_another_failure_of_a_purchase() -> None:
    twice = {**THREE, "claims_per_purchase": 3}
    claims = [Made()] * 8 + [Made(number=1)] * 5 + [Made(number=2)]
    found = [report(claims[:most], twice)["decided"]["policies"][0] for most in (14, 10, 9)]
    assert [each["repeated"] for each in found] == [
        {"least": 6, "most": 6},
        {"least": 0, "most": 4},
        None,
    ]
    assert report([Made()] * 20)["decided"]["policies"][0]["repeated"] is None


def test_voids_are_counted_by_reason() -> None:
    found = report([], voids=["returned"] * 9 + ["duplicate"] * 2)
    assert found["voids"]["count"] == 11
    assert found["voids"]["reasons"]["returned"] == 9
    assert found["voids"]["reasons"]["duplicate"] is None
    assert report([], voids=["returned"])["voids"]["count"] is None


def test_an_empty_month_has_a_report() -> None:
    assert report([]) == {
        "schema": "kvitto-report/v1",
        "decided": {"count": 0, "policies": []},
        "ended": {"count": 0, "policies": []},
        "responses": None,
        "overdue": None,
        "voids": {"count": 0, "reasons": dict.fromkeys(REASONS, 0)},
        "transfers": 0,
    }


def test_a_report_fits_into_an_entry_whatever_the_policies_are_called() -> None:
    claims = [
        replace(claim, policy=f"{name:03}" + "p" * 97)
        for name in range(MOST_POLICIES + 10)
        for claim in [Made(outcome="declined", reason="other")] * (name + 5)
    ]
    found = report(claims)
    for section in ("decided", "ended"):
        counts = [each["count"] for each in found[section]["policies"]]
        assert counts == list(range(15, 15 + MOST_POLICIES))
    event = report_event(PublishedReport(10**9, MONTH, found), AFTER)
    assert len(encode_event(event)) < MAX_ENTRY_BYTES // 2


# ---- from the events of a log


def logged(day: str, **changes: Any) -> dict[str, Any]:
    """The claim of a day, which is nobody else's."""
    event = {**decided(REVIEWED, time=f"{day}T12:00:00Z"), "proof": encode_base64(day.encode())}
    return {**event, "claim_id": claim_id(parse_claim(event["claim"]), day.encode()), **changes}


def declined(claim: dict[str, Any], time: str) -> dict[str, Any]:
    return {
        "type": "claim.step",
        "time": time,
        "claim_id": claim["claim_id"],
        "number": 0,
        "by": "merchant",
        "step": "decline",
        "reason": "other",
        "attachments": [],
    }


def october(claims: int) -> list[dict[str, Any]]:
    """A policy, and a claim on each of so many days."""
    policy = {"number": 0, "policy": REVIEWED}
    published = {"type": "policy.published", "time": "2026-10-01T00:00:00Z", **policy}
    return [published, *(logged(f"2026-10-{day:02}") for day in range(2, 2 + claims))]


def folded(events: Sequence[dict[str, Any]], month: str = MONTH) -> Any:
    fold = ReportFold(ORIGIN)
    for event in events:
        fold.read(event)
    return service_report(fold.facts, month)


def test_events_are_folded_and_those_that_break_rules_count_for_nothing() -> None:
    events = october(12)
    steps = [declined(claim, "2026-10-20T00:00:00Z") for claim in events[1:9]]
    void = {"type": "purchase.voided", "time": "2026-10-21T00:00:00Z", "number": 0, "index": 9}
    voids = [{**void, "voided": place, "reason": "returned"} for place in range(6)]
    retired = {"type": "ownership.retired", "time": void["time"], "secret": "01" * 32}
    transfers = [{**retired, "transfer_id": f"{name:064x}"} for name in range(7)]
    found = folded([*events, *steps, *voids, *transfers])
    assert found["ended"]["policies"][0]["outcomes"]["declined"] == 8
    assert (found["decided"]["count"], found["voids"]["count"], found["transfers"]) == (12, 6, 7)

    broken = [*steps, events[1], {**void, "voided": -1, "reason": "returned"}]
    assert folded([*events, *steps, *voids, *transfers, *broken]) == found


def test_nothing_later_changes_a_month_that_is_over() -> None:
    events = october(12)
    events.append(logged("2026-11-01"))
    before = folded(events)
    backdated = [logged("2026-10-30"), declined(events[1], "2026-10-31T00:00:00Z")]
    assert folded([*events, *backdated]) == before
    assert folded([*events, *backdated], "2026-11")["decided"]["count"] is None  # two of them
    assert folded([*events[:-1], *backdated]) != before


def test_the_months_of_a_log_are_pieces_of_it() -> None:
    times = ["2026-10-31T23:59:59Z", "2026-12-01T00:00:00Z", "2026-11-05T00:00:00Z"]
    months = Months(times)
    assert [months.span(m) for m in ("2026-09", "2026-10", "2026-11", "2026-12", "2027-01")] == [
        range(0),
        range(1),
        range(1, 1),
        range(1, 3),
        range(3, 3),
    ]
    assert (months.is_over("2026-11"), months.is_over("2026-12")) == (True, False)


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "2026-10-01", "0000-01", "9999-12", 202610])
def test_what_is_no_month_is_refused(month: object) -> None:
    assert parse_month("2026-12", "month") == "2026-12"
    with pytest.raises(FormatError, match="month"):
        parse_month(month, "month")


def test_a_published_report_is_of_a_month_that_has_ended() -> None:
    event = report_event(PublishedReport(3, MONTH, {}), AFTER)
    assert PublishedReport.from_event(event) == PublishedReport(3, MONTH, {})
    with pytest.raises(VerificationError, match="not ended"):
        PublishedReport.from_event({**event, "time": "2026-10-31T23:59:59Z"})
    for member, value in (("number", -1), ("number", True), ("month", "2026"), ("report", [])):
        with pytest.raises(FormatError):
            PublishedReport.from_event({**event, member: value})
    with pytest.raises(FormatError):
        PublishedReport.from_event({**event, "more": 1})


# ---- small counts


KINDS = st.lists(
    st.builds(
        lambda policy, remedy, outcome, reason: Made(
            policy, remedy, outcome, reason if outcome == "declined" else None
        ),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["repair", "replacement"]),
        st.sampled_from([*ENDS, "approved"]),
        st.sampled_from(DECLINE_REASONS[:3]),
    ),
    max_size=8,
)
TIMES = st.lists(st.sampled_from([1, 2, 4, 7, 12]), min_size=8, max_size=8)
TWO = {**REVIEWED, "remedies": ["repair", "replacement"]}


def hidden_rows(found: Any) -> Iterator[tuple[str, str, dict[str, int | None], int]]:
    """The policy, the member of a claim that a row counts, the row, and its sum."""
    for each in found["decided"]["policies"]:
        yield each["policy"], "remedy", each["remedies"], each["count"]
    for each in found["ended"]["policies"]:
        yield each["policy"], "outcome", each["outcomes"], each["count"]
        if each["reasons"] is not None:
            yield each["policy"], "reason", each["reasons"], each["outcomes"]["declined"]


def other_rows(row: dict[str, int | None], total: int) -> Iterator[dict[str, int]]:
    """All that the hidden counts of a row could be."""
    shown = {name: count for name, count in row.items() if count is not None}
    hidden = [name for name, count in row.items() if count is None]
    for counts in sums(total - sum(shown.values()), len(hidden)):
        yield {**shown, **dict(zip(hidden, counts, strict=True))}


def relabelled(
    claims: Sequence[Made], policy: str, member: str, counts: dict[str, int]
) -> list[Made]:
    """The same claims but for one member, which has these counts among those of the policy."""
    left = [name for name, count in counts.items() for _ in range(count)]
    kept: list[Made] = []
    changed: list[Made] = []
    for claim in claims:
        mine = claim.policy == policy and getattr(claim, member) in counts
        if mine and getattr(claim, member) in left:  # as many as can stay what they are
            left.remove(getattr(claim, member))
            kept.append(claim)
        else:
            (changed if mine else kept).append(claim)
    names: list[dict[str, Any]] = [{member: name} for name in left]
    return kept + [replace(claim, **name) for claim, name in zip(changed, names, strict=True)]


@settings(max_examples=40, deadline=None)
@given(KINDS, TIMES)
def test_for_every_hidden_count_another_world_has_the_same_claims(
    kinds: list[Made], times: list[int]
) -> None:
    drawn = zip(kinds, times[: len(kinds)], strict=True)
    claims = [claim for kind, count in drawn for claim in [kind] * count]
    found = report(claims, TWO)
    for policy, member, row, total in hidden_rows(found):
        true = Counter(getattr(each, member) for each in claims if each.policy == policy)
        unknown = {name for name, count in row.items() if count is None}
        for counts in other_rows(row, total) if unknown else ():
            lies = {name for name in unknown if counts[name] != true[name]}
            if lies:
                world = report(relabelled(claims, policy, member, counts), TWO)
                if (world["decided"], world["ended"]) == (found["decided"], found["ended"]):
                    unknown -= lies
            if not unknown:
                break
        assert not unknown
