"""What the logs themselves say: bursts, closes, cosignatures, keys; and that it is a sandbox's."""

from datetime import timedelta
from itertools import pairwise

import pytest

from auditor.detectors import bursts, cosignatures, key_changes, late_closes, sandbox
from auditor.findings import ALARM, NOTICE, WARNING, Entry, Finding
from auditor.record import Sighting
from auditor.times import later
from ledger.events import MANUAL
from tests.auditor.book import Book
from tests.world import ORIGIN

LATE = "2031-01-01T00:00:00Z"


def days(*counts: int, period: str = "P1D") -> Book:
    book = Book(period=period)
    for count in counts:
        book.day(count)
    return book


def burst(*counts: int) -> list[Finding]:
    return list(bursts.find(days(*counts).record, LATE))


USUAL = [9, 10, 11, 10] * 7


def test_a_burst_is_far_above_what_is_usual() -> None:
    assert burst(*USUAL, 49) == []
    [found] = burst(*USUAL, 50)
    assert (found.severity, found.time) == (NOTICE, "2026-01-30T00:00:10Z")
    assert found.facts == {"kind": "burst", "purchases": 50, "usual": 10, "before": 280}


def test_a_burst_is_several_times_what_is_usual_and_beyond_its_spread() -> None:
    assert burst(*[20, 21] * 14, 99) == []
    assert burst(*[20, 21] * 14, 100) != []
    wide = [5, 25, 15, 35] * 7  # median 15, deviation 10
    assert burst(*wide, 114) == []
    assert burst(*wide, 115) != []


def test_more_than_all_before_is_a_warning() -> None:
    assert burst(*USUAL, 280)[0].severity == NOTICE
    assert burst(*USUAL, 281)[0].severity == WARNING


def test_a_young_log_has_no_usual() -> None:
    assert burst(*USUAL[1:], 1000) == []


def test_the_days_without_a_close_share_what_the_next_one_adds() -> None:
    book = days(*USUAL)
    book.buy(99)
    book.close(days=1)
    assert list(bursts.find(book.record, LATE)) == []
    book = days(*USUAL)
    book.buy(100)
    book.close(days=1)
    assert len(list(bursts.find(book.record, LATE))) == 1


def test_only_purchases_are_counted() -> None:
    book = days(*USUAL)
    book.buy(500, 0x04)
    book.close()
    assert list(bursts.find(book.record, LATE)) == []


def test_the_same_number_day_after_day_is_a_rhythm() -> None:
    assert burst(3, *[20] * 5, 21, *[19] * 8, *[20] * 5) == []
    [found] = burst(3, *[20] * 8, 4)
    assert found.facts == {"kind": "rhythm", "purchases": 20, "closes": 6}
    assert len(found.entries) == 6
    manual = days(*[20] * 6, 5000, period=MANUAL)
    assert [each.facts["kind"] for each in bursts.find(manual.record, LATE)] == ["rhythm"]


# ---- closes


def late(book: Book, now: str) -> list[tuple[str, str]]:
    return [(found.severity, found.time) for found in late_closes.find(book.record, now)]


def test_a_close_is_late_after_hours_and_stale_after_days() -> None:
    book = days(1)  # closed on the 2nd; that of the 2nd is expected when the 3rd begins
    assert late(book, "2026-01-03T06:00:00Z") == []
    notice = (NOTICE, "2026-01-03T06:00:00Z")
    assert late(book, "2026-01-03T06:00:01Z") == [notice]
    warning = (WARNING, "2026-01-04T00:00:00Z")
    assert late(book, "2026-01-04T00:00:00Z") == [notice]
    assert late(book, "2026-01-04T00:00:01Z") == [notice, warning]
    alarm = (ALARM, "2026-01-10T00:00:00Z")
    assert late(book, "2026-01-10T00:00:01Z") == [notice, warning, alarm]


def test_what_was_late_stays_late_when_the_close_comes() -> None:
    book = days(1)
    book.close(hours=7)
    assert late(book, book.now) == [(NOTICE, "2026-01-03T06:00:00Z")]
    in_time = days(1)
    in_time.close(hours=5)
    assert late(in_time, in_time.now) == []
    book.close(days=2)
    assert [severity for severity, _ in late(book, book.now)] == [NOTICE, NOTICE, WARNING]


def test_days_that_are_left_out_again_and_again_are_found() -> None:
    book = days(1)
    for _ in range(2):
        book.day(1)
        book.close(days=1)
    assert [f for f in late_closes.find(book.record, book.now) if f.facts["kind"] != "late"] == []
    book.close(days=1)
    left_out = [f for f in late_closes.find(book.record, book.now) if f.facts["kind"] != "late"]
    assert [(each.severity, each.time) for each in left_out] == [(WARNING, book.now)]
    rare = days(1)
    for _ in range(9):
        for _ in range(14):
            rare.close()
        rare.close(days=1)
    assert {f.facts["kind"] for f in late_closes.find(rare.record, rare.now)} == {"late"}


def test_manual_logs_are_stale_after_a_month() -> None:
    book = days(1, period=MANUAL)
    month = later(book.now, timedelta(days=31))
    assert late(book, month) == []
    assert late(book, later(month, timedelta(seconds=1))) == [(WARNING, month)]
    assert late(Book(), LATE) == []  # nothing has been closed yet


# ---- cosignatures


def sighted(book: Book, hours: float, *names: str, log: str = "purchases", size: int = 1) -> None:
    seen = later("2026-01-02T00:00:10Z", timedelta(hours=hours))
    book.record.sightings.append(Sighting(log, size, seen, dict.fromkeys(names, seen)))


def cosigned(book: Book) -> list[tuple[str, str, str]]:
    found = cosignatures.find(book.record, LATE)
    return [(each.severity, each.facts["kind"], each.facts["witnesses"]) for each in found]


def test_a_log_that_nobody_cosigns_is_found() -> None:
    book = days(1)
    assert cosigned(book) == []
    sighted(book, 1)
    sighted(book, 2, "one.example")
    assert cosigned(book) == [(NOTICE, "unsigned", "")]
    other = Book(origin="ledger.example/test/acme")
    sighted(other, 1)
    assert cosigned(other) == []


def test_a_witness_that_is_missing_for_a_day_is_found() -> None:
    book = days(1)
    sighted(book, 0, "one.example", "two.example")
    sighted(book, 1, "one.example")
    sighted(book, 24.9, "one.example")
    assert cosigned(book) == []
    sighted(book, 25, "one.example")
    sighted(book, 60, "one.example")
    assert cosigned(book) == [(WARNING, "missing", "two.example")]
    [found] = cosignatures.find(book.record, LATE)
    assert found.entries == (Entry("purchases", 0),)


def test_a_witness_that_came_back_is_not_missing() -> None:
    book = days(1)
    for hours in (0, 20, 40, 60):
        sighted(book, hours, "one.example", "two.example")
        sighted(book, hours + 10, "one.example")
    assert cosigned(book) == []


def test_cosignatures_over_events_are_late_after_an_hour() -> None:
    book = days(1)  # two events, the last at 00:00:10
    sighted(book, 1, "one.example", log="events", size=2)
    assert cosigned(book) == []
    sighted(book, 1.01, "two.example", "one.example", log="events", size=2)
    sighted(book, 1.02, "two.example", "one.example", log="events", size=2)
    assert cosigned(book) == [(NOTICE, "late", "one.example, two.example")]
    sighted(book, 9, "one.example", log="purchases", size=2)
    sighted(book, 9, "one.example", log="events", size=3)  # an event that has not been read yet
    assert len(cosigned(book)) == 1


# ---- keys, sandboxes


@pytest.mark.parametrize(("apart", "expected"), [(15, 1), (16, 0)])
def test_keys_that_change_often_are_found(apart: int, expected: int) -> None:
    book = Book()
    rotated = {"type": "log.key_rotated", "next_vkey": "ledger.example/acme+12345678+AA"}
    retired = {"type": "log.key_retired", "vkey": "ledger.example/acme+12345678+AA"}
    for _ in range(3):
        book.record.key_events += [
            (book.event(), {**rotated, "time": book.now}),
            (book.event(), {**retired, "time": book.now}),
        ]
        book.wait(days=apart)
    other = {**rotated, "next_vkey": "witness.example+12345678+AA", "time": book.now}
    book.record.key_events.append((book.event(), other))
    book.record.key_events.append((book.event(), {"type": "log.key_rotated", "time": book.now}))
    found = list(key_changes.find(book.record, LATE))
    assert len(found) == expected
    assert all(len(each.entries) == 3 for each in found)


def test_a_sandbox_is_said_to_be_one() -> None:
    assert list(sandbox.find(Book().record, LATE)) == []
    [found] = sandbox.find(Book(origin="ledger.example/test/acme").record, LATE)
    assert (found.severity, found.entries) == (NOTICE, (Entry("events", 0),))
    assert "/test/" not in ORIGIN


def test_the_times_of_findings_are_those_of_the_log() -> None:
    book = days(*USUAL, 60, *[25] * 7)
    found = [each.time for each in bursts.find(book.record, LATE)]
    assert len(found) == 2
    assert all(one < other for one, other in pairwise(found))
