"""What claims say: policies that end when they come, small rings, declines, deadlines, tags."""

from collections.abc import Sequence
from typing import Any

import pytest

from auditor.detectors import deadlines, declines, policy_changes, repeated_slots, rings
from auditor.findings import ALARM, NOTICE, WARNING, Entry, Finding
from tests.aftersales.cases import ENDING, PLAIN, REVIEWED
from tests.auditor.book import Book

LATE = "2031-01-01T00:00:00Z"


def ended(earlier: int, shortly: int) -> Book:
    """Claims in eight weeks, then in one; then the version is ended."""
    book = Book()
    policy = book.publish(PLAIN)
    claim_evenly(book, policy, earlier, 56)
    claim_evenly(book, policy, shortly, 7)
    book.end(policy, "2027-01-01")
    return book


def claim_evenly(book: Book, policy: dict[str, Any], count: int, days: int) -> None:
    start = book.now
    for _ in range(count):
        book.wait(days=days / (count + 1))
        book.claim(policy)
    book.now = start
    book.wait(days=days)


def changes(book: Book) -> list[Finding]:
    return list(policy_changes.find(book.record, LATE))


def test_an_end_after_a_rise_of_claims_is_found() -> None:
    assert changes(ended(8, 6)) == []
    book = ended(8, 8)
    [found] = changes(book)
    assert (found.severity, found.time) == (WARNING, book.now)
    assert found.facts["claims"] == 8
    assert (found.facts["claims_before"], found.facts["days_before"]) == (8, 56)
    assert found.entries[0] == Entry("events", book.record.policy_events[-1][0])
    assert len(found.entries) == 9


def test_few_claims_or_a_steady_flow_are_no_rise() -> None:
    assert changes(ended(0, 4)) == []
    assert changes(ended(0, 5)) != []
    assert changes(ended(160, 59)) == []  # surely no chance, and yet not three times as many
    assert changes(ended(160, 60)) != []


def test_a_young_version_is_not_judged() -> None:
    for days, expected in ((13, 0), (14, 1)):
        book = Book()
        policy = book.publish(PLAIN)
        book.wait(days=days - 7)
        claim_evenly(book, policy, 50, 7)
        book.end(policy, "2027-01-01")
        assert len(changes(book)) == expected


def test_a_policy_that_is_ended_again_and_again_is_found() -> None:
    for apart, expected in ((10, 1), (11, 0)):
        book = Book()
        for version in range(1, 5):
            policy = book.publish(PLAIN, version=version)
            book.end(policy, "2027-01-01")
            book.wait(days=apart)
        found = changes(book)
        assert [each.facts["kind"] for each in found] == ["churn"] * expected


def test_what_ends_nothing_is_passed_over() -> None:
    """It is a broken rule, and found as such."""
    book = ended(0, 5)
    [found] = changes(book)
    policy = book.record.policy_events[0][1]["policy"]
    for _ in range(5):
        book.end(policy, "2026-01-01")
        book.end({**policy, "version": 9}, "2027-01-01")
        book.end({"id": 1, "version": "x"}, "2027-01-01")
    book.record.policy_events += [(0, {"type": "policy.withdrawn", "time": book.now})]
    assert changes(book) == [found]


# ---- rings


def small(purchases: int, claims: int, **changes: Any) -> list[Finding]:
    book = Book(capacity=1024)
    policy = book.publish(PLAIN, smallest_ring=16, **changes)
    book.day(purchases)
    for _ in range(claims):
        book.claim(policy)
    return list(rings.find(book.record, LATE))


def test_claims_that_are_barely_hidden_are_found_when_there_are_ten() -> None:
    assert small(32, 10) == []
    assert small(31, 9) == []
    [found] = small(31, 30)
    assert (found.severity, len(found.entries)) == (NOTICE, 10)
    assert found.facts["smallest_ring"] == 16


def test_what_is_void_hides_nobody() -> None:
    book = Book(capacity=1024)
    policy = book.publish(PLAIN, smallest_ring=16)
    bought = book.day(32)
    book.claim(policy)
    book.void(bought[3])
    size = book.close()
    assert size == 33
    for _ in range(9):
        book.claim(policy)
    assert list(rings.find(book.record, LATE)) == []
    book.claim(policy)
    assert len(list(rings.find(book.record, LATE))) == 1


def test_thin_rings_are_found_once_a_month() -> None:
    for sales, expected in ((200, 0), (201, 1)):
        book = Book()
        policy = book.publish(PLAIN)
        book.buy(sales, 0x04)
        book.day(100)
        for _ in range(2):
            book.claim(policy)
        found = list(rings.find(book.record, LATE))
        assert [each.severity for each in found] == [WARNING] * expected
        book.wait(days=40)
        book.claim(policy)
        assert len(list(rings.find(book.record, LATE))) == 2 * expected


def test_cells_count_as_they_are_on_average() -> None:
    for smallest, expected in ((23, 0), (24, 1)):
        book = Book()
        policy = book.publish(PLAIN, smallest_ring=smallest)
        book.day(188)  # four cells of 47
        for _ in range(10):
            book.claim(policy)
        assert len(list(rings.find(book.record, LATE))) == expected


def test_claims_that_make_no_sense_have_no_members() -> None:
    book = Book()
    policy = book.publish(PLAIN)
    book.day(5)
    book.claim(policy, size=10_000)
    assert [each.facts["kind"] for each in rings.find(book.record, LATE)] == ["thin"]


# ---- declines


def reviews(shares: Sequence[tuple[int, int]]) -> Book:
    """For each month from January on: so many decisions, so many declined for ``caused_by_use``."""
    book = Book()
    policy = book.publish(REVIEWED)
    for month, (decisions, declined) in enumerate(shares, start=1):
        book.now = f"2026-{month:02}-01T00:00:00Z"
        for number in range(decisions):
            history = book.claim(policy)
            if number < declined:
                book.move(history, "decline", "declined", reason="caused_by_use")
            else:
                book.move(history, "approve", "approved")
    return book


def shifts(book: Book, now: str = LATE) -> list[Finding]:
    return list(declines.find(book.record, now))


STEADY = [(20, 2)] * 6


def test_a_share_of_declines_that_rises_is_found() -> None:
    assert shifts(reviews([*STEADY, (20, 8)])) == []
    assert shifts(reviews([*STEADY, (20, 9)])) == []
    [found] = shifts(reviews([*STEADY, (20, 10)]))
    assert (found.severity, found.time) == (WARNING, "2026-08-01T00:00:00Z")
    assert found.facts["reason"] == "caused_by_use"
    assert (found.facts["declined"], found.facts["decided_before"]) == (10, 120)
    assert len(found.entries) == 10
    [grave] = shifts(reviews([*STEADY, (20, 18)]))
    assert grave.severity == ALARM


def test_a_month_is_looked_at_when_it_is_over() -> None:
    book = reviews([*STEADY, (20, 10)])
    assert shifts(book, "2026-07-31T23:59:59Z") == []
    assert len(shifts(book, "2026-08-01T00:00:00Z")) == 1


def test_large_numbers_are_no_finding_before_they_double() -> None:
    assert shifts(reviews([(200, 20)] * 6 + [(200, 39)])) == []
    assert shifts(reviews([(200, 20)] * 6 + [(200, 40)])) != []


def test_few_decisions_say_nothing() -> None:
    assert shifts(reviews([(10, 0), (10, 0), (4, 4)])) == []
    assert shifts(reviews([(10, 0), (9, 0), (9, 9)])) == []
    assert shifts(reviews([(10, 0), (10, 0), (9, 9)])) != []
    assert shifts(reviews([(20, 0), (3, 3)])) == []


def test_only_the_first_decision_counts_and_only_where_claims_are_reviewed() -> None:
    book = reviews([*STEADY, (20, 2)])
    for history in list(book.record.histories.claims.values())[-18:]:
        book.move(history, "decline", "declined", reason="caused_by_use")
    assert shifts(book) == []
    plain = reviews([*STEADY, (20, 18)])
    for history in plain.record.histories.claims.values():
        history.moves.clear()
    assert shifts(plain) == []


# ---- deadlines


def promised(missed: int, kept: int) -> Book:
    book = Book()
    policy = book.publish(REVIEWED)  # P7D
    claims = [book.claim(policy) for _ in range(missed + kept)]
    for history in claims[missed:]:
        book.move(history, "approve", "approved")
        book.move(history, "complete", "completed")
    return book


def deadlined(book: Book, now: str = LATE) -> list[tuple[str, int, int]]:
    found = deadlines.find(book.record, now)
    return [(each.severity, each.facts["missed"], each.facts["deadlines"]) for each in found]


def test_the_first_missed_deadline_of_a_month_is_a_notice() -> None:
    assert deadlined(promised(0, 9)) == []
    assert deadlined(promised(1, 9)) == [(NOTICE, 1, 1)]
    assert deadlined(promised(1, 0), "2026-01-08T00:00:00Z") == []
    assert deadlined(promised(1, 0), "2026-01-08T00:00:01Z") != []


def test_many_missed_deadlines_are_graver() -> None:
    assert deadlined(promised(2, 0)) == [(NOTICE, 1, 1)]
    assert deadlined(promised(3, 0)) == [(NOTICE, 1, 1), (WARNING, 3, 3)]
    assert [each[0] for each in deadlined(promised(9, 0))] == [NOTICE, WARNING]
    assert [each[0] for each in deadlined(promised(10, 0))] == [NOTICE, WARNING, ALARM]


def test_many_are_few_among_very_many() -> None:
    book = promised(0, 30)  # all are due in the second they were made in, before the others
    book.wait(hours=1)
    for _ in range(3):
        book.claim(REVIEWED)
    assert [each[0] for each in deadlined(book)] == [NOTICE]
    book.claim(REVIEWED)
    assert [each[0] for each in deadlined(book)] == [NOTICE, WARNING]


def test_a_late_answer_does_not_undo_a_missed_deadline() -> None:
    book = promised(1, 0)
    [history] = book.record.histories.claims.values()
    before = list(deadlines.find(book.record, LATE))
    book.wait(days=7, seconds=1)
    book.move(history, "approve", "approved", due="2026-01-15T00:00:01Z")
    book.move(history, "complete", "completed")
    assert list(deadlines.find(book.record, LATE)) == before


def test_who_withdraws_in_time_waits_for_nothing() -> None:
    book = promised(1, 0)
    [history] = book.record.histories.claims.values()
    book.wait(days=7)
    book.move(history, "withdraw", "canceled", by="buyer")
    assert deadlined(book) == []
    late = promised(1, 0)
    [history] = late.record.histories.claims.values()
    late.wait(days=7, seconds=1)
    late.move(history, "withdraw", "canceled", by="buyer")
    assert deadlined(late) == [(NOTICE, 1, 1)]


def test_each_turn_of_the_merchant_has_its_deadline() -> None:
    book = Book()
    policy = book.publish(ENDING)
    history = book.claim(policy)
    assert list(deadlines.deadlines(history)) == []
    book.move(history, "retire", "approved", by="owner", due="2026-01-08T00:00:00Z")
    book.wait(days=1)
    book.move(history, "ask", "needs_information")
    book.move(history, "answer", "approved", by="buyer", due="2026-01-09T00:00:00Z")
    book.move(history, "dispute", "disputed", by="buyer", due="2026-01-10T00:00:00Z")
    assert list(deadlines.deadlines(history)) == [
        ("2026-01-08T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("2026-01-09T00:00:00Z", None),
    ]


# ---- slots


def test_a_slot_that_is_taken_again_and_again_is_found() -> None:
    book = Book()
    policy = book.publish(REVIEWED)
    for number in range(8):
        history = book.claim(policy, tag="02ab")
        book.claim(policy)
        if number % 2:
            book.move(history, "withdraw", "canceled", by="buyer")
        else:
            book.move(history, "decline", "declined", reason="other")
    found = list(repeated_slots.find(book.record, LATE))
    assert [(each.severity, each.facts["claims"]) for each in found] == [(NOTICE, 4), (WARNING, 8)]
    assert (found[0].facts["declined"], found[0].facts["withdrawn"]) == (2, 1)
    assert len(found[0].entries) == 4


@pytest.mark.parametrize(("count", "expected"), [(3, 0), (4, 1), (7, 1), (8, 2)])
def test_a_slot_may_be_taken_again(count: int, expected: int) -> None:
    book = Book()
    policy = book.publish(REVIEWED)
    for _ in range(count):
        book.claim(policy, tag="02ab")
    assert len(list(repeated_slots.find(book.record, LATE))) == expected
