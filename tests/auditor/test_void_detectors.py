"""What voids say: when they come, which cells they hit, and how many they are."""

from collections.abc import Sequence
from random import Random

import pytest

from auditor.detectors import void_rings, void_share, void_timing
from auditor.findings import ALARM, NOTICE, WARNING, Entry, Finding
from auditor.times import later
from ledger.events import MANUAL
from ledger.voided import REASONS
from tests.aftersales.cases import PLAIN
from tests.auditor.book import Book

LATE = "2031-01-01T00:00:00Z"


def after_claims(count: int, minutes: int, *, sides: Sequence[str] = ("claim", "void")) -> Book:
    """A claim and a void each day, with so many minutes between."""
    book = Book()
    policy = book.publish(PLAIN)
    for target in book.day(count):
        book.now = book.at(12)
        for side in sides:
            book.claim(policy) if side == "claim" else book.void(target)
            book.wait(minutes=minutes)
        book.close()
    return book


def times(book: Book) -> list[Finding]:
    return list(void_timing.find(book.record, LATE))


def test_voids_that_follow_claims_are_found() -> None:
    assert times(after_claims(24, 5)) == []
    [found] = times(after_claims(25, 5))
    assert (found.severity, found.facts) == (
        WARNING,
        {"claims": "before", "hits": 25, "moments": 25},
    )
    voids = [void.event for void in after_claims(25, 5).record.voids]
    assert [entry.index for entry in found.entries] == voids
    assert "a claim had just been made" in found.text


def test_voids_that_come_before_claims_are_found() -> None:
    [found] = times(after_claims(25, 5, sides=("void", "claim")))
    assert found.facts["claims"] == "after"


def test_voids_are_near_a_claim_within_the_hour_only() -> None:
    assert times(after_claims(25, 60)) != []
    assert times(after_claims(50, 61)) == []


def test_claims_on_both_sides_say_nothing() -> None:
    assert times(after_claims(50, 5, sides=("claim", "void", "claim"))) == []


def test_voids_within_an_hour_are_one_moment() -> None:
    book = Book()
    policy = book.publish(PLAIN)
    bought = book.day(100)
    book.claim(policy)
    for target in bought:
        book.void(target)
    assert times(book) == []


def test_the_hour_after_a_void_is_waited_for() -> None:
    book = after_claims(25, 5)
    last = book.record.voids[-1].time
    assert last is not None
    assert list(void_timing.find(book.record, later(last, void_timing.WITHIN))) != []
    shortly = later(last, void_timing.WITHIN - void_timing.WITHIN / 60)
    assert list(void_timing.find(book.record, shortly)) == []


# ---- rings


def in_cells(hits: int, misses: int, *, before: bool = False, explained: bool = True) -> Book:
    """A log of four cells, and voids that hit the one of a claim, or others."""
    book = Book()
    policy = book.publish(PLAIN)
    bought = book.day(190)  # 4 * 190 <= 3 * 64 * 4
    cell = book.record.partition.cell(0, 190, 1)
    others = [index for index in bought if index not in cell]
    targets = [*others[:misses], *cell[:hits]]
    if not before:
        book.claim(policy, lane=1)
    for target in targets:
        book.void(target, "returned" if explained else None)
    book.close()
    if before:
        book.claim(policy, lane=1, size=190)
    return book


def rings(book: Book) -> list[Finding]:
    return list(void_rings.find(book.record, LATE))


@pytest.mark.parametrize("before", [False, True])
def test_voids_that_gather_in_the_ring_of_a_claim_are_found(before: bool) -> None:  # noqa: FBT001
    assert rings(in_cells(15, 0, before=before)) == []  # 2.5 ** 15 is below a million
    book = in_cells(16, 0, before=before)
    [found] = rings(book)
    claim = next(iter(book.record.histories.claims.values()))
    assert found.severity == ALARM
    assert (found.facts["hits"], found.facts["voids"], found.facts["cells"]) == (16, 16, 4)
    assert found.facts["side"] == ("before" if before else "after")
    assert found.entries[0] == Entry("events", claim.index)
    assert [entry.index for entry in found.entries[1:]] == [v.position for v in book.record.voids]


def test_voids_elsewhere_speak_against_it() -> None:
    assert rings(in_cells(16, 2)) == []
    assert rings(in_cells(17, 2)) != []


def test_a_ring_is_found_once_for_all_its_claims() -> None:
    book = in_cells(16, 0)
    policy = next(iter(book.record.histories.claims.values())).version.policy.document()
    book.claim(policy, lane=1, size=190)
    again = next(reversed(book.record.histories.claims.values()))
    assert again.case.body.voided_at != 190  # the ring of another day, before which the voids are
    assert [found.facts["side"] for found in rings(book)] == ["after", "before"]
    book.claim(policy, lane=1, size=190)
    assert len(rings(book)) == 2


def test_voids_count_for_fourteen_closes() -> None:
    for days, expected in ((13, 1), (14, 0)):
        book = Book(void_window=100)
        policy = book.publish(PLAIN)
        book.day(190)
        book.claim(policy, lane=1)
        for _ in range(days):
            book.close()
        for target in book.record.partition.cell(0, 190, 1)[:16]:
            book.void(target)
        book.close()
        assert len(rings(book)) == expected, days


def test_voids_that_do_not_count_are_not_counted() -> None:
    book = Book()
    policy = book.publish(PLAIN)
    book.day(190)
    book.claim(policy, lane=1)
    cell = book.record.partition.cell(0, 190, 1)
    for _ in range(16):
        book.void(cell[0])  # again
    for target in book.buy(16, 0x04):
        book.void(target)  # a sale without a buyer
    book.close()
    assert rings(book) == []


def test_a_log_of_one_cell_says_nothing() -> None:
    book = Book()
    policy = book.publish(PLAIN)
    bought = book.day(48)
    book.claim(policy)
    for target in bought:
        book.void(target)
    book.close()
    assert rings(book) == []


def test_unexplained_voids_have_the_time_of_their_close() -> None:
    book = in_cells(16, 0, explained=False)
    assert rings(book)[0].time == book.record.closes[-1].time
    waiting = in_cells(16, 0, explained=False)
    waiting.record.closes.pop()
    assert rings(waiting) == []


def test_claims_that_make_no_sense_are_passed_over() -> None:
    book = in_cells(0, 0)
    policy = next(iter(book.record.histories.claims.values())).version.policy.document()
    for size, first in ((10_000, 0), (7, 9), (190, 5)):
        book.claim(policy, size=size, first=first, lane=99)
    assert rings(book) == []
    assert rings(Book()) == []


# ---- how many


def months(shares: Sequence[int], purchases: int = 10, *, period: str = "P1D") -> Book:
    """Half a year and more: each day so many purchases, of which a month's share (%) is void."""
    book, random = Book(period=period), Random(3)
    while int(book.now[5:7]) <= len(shares) and book.now < "2026-12-01":
        share = shares[int(book.now[5:7]) - 1]
        for target in book.buy(purchases):
            if random.random() < share / 100:
                book.void(target, "returned" if target % 3 else "suspected_fraud")
        book.close()
    for _ in range(15):
        book.close()
    return book


def shares(book: Book) -> list[Finding]:
    return list(void_share.find(book.record, LATE))


def test_a_share_of_voids_that_rises_is_found() -> None:
    assert shares(months([5] * 8)) == []
    found = shares(months([5] * 7 + [20]))
    assert {each.facts["month"] for each in found} == {"2026-08"}
    [returned] = [each for each in found if each.facts["reason"] == "returned"]
    assert returned.severity == NOTICE
    assert len(returned.entries) == returned.facts["voids"] > 30
    assert returned.time == "2026-09-15T00:00:00Z"


def test_a_month_is_looked_at_when_its_window_has_passed() -> None:
    book = months([5] * 7 + [20])
    while book.record.closes[-1].time > "2026-09-15":
        book.record.closes.pop()
    assert shares(book) == []


def test_reasons_are_looked_at_together_where_none_stands_out() -> None:
    book = Book()
    for month in range(8):
        for day in range(30):
            for number, target in enumerate(book.buy(10)):
                if number == 0 and (day % 6 == 0 or month == 7):
                    book.void(target, REASONS[len(book.record.voids) % len(REASONS)])
            book.close()
    for _ in range(30):
        book.close()
    assert {each.facts["reason"] for each in shares(book)} == {"any"}


def test_fewer_than_a_hundred_purchases_before_say_nothing() -> None:
    for before, expected in ((99, 0), (100, 1)):
        book = Book()
        book.day(before)
        while book.now < "2026-02-02":
            book.close()
        for target in book.day(50):
            book.void(target)
        for _ in range(60):
            book.close()
        assert len(shares(book)) == expected


def test_logs_whose_periods_are_not_days_are_not_looked_at() -> None:
    assert shares(months([5] * 7 + [20], period=MANUAL)) == []
    assert shares(Book()) == []
