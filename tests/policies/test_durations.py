from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from policies.durations import Duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P2Y", Duration(24, 0)),
        ("P14D", Duration(0, 14)),
        ("P1Y6M", Duration(18, 0)),
        ("P2W", Duration(0, 14)),
        ("P0D", Duration(0, 0)),
        ("P1Y2M3W4D", Duration(14, 25)),
    ],
)
def test_reads_calendar_durations(text: str, expected: Duration) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "P", "2Y", "P-1D", "P1.5Y", "PT1H", "P1D1Y", "p1d", "P1Y ", "P\u0661Y", "P99999999D"],
)
def test_refuses_other_spellings(text: str) -> None:
    with pytest.raises(FormatError):
        parse_duration(text, "oldest")


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("P2Y", date(2026, 11, 21), date(2024, 11, 21)),
        ("P1Y", date(2024, 2, 29), date(2023, 2, 28)),
        ("P1M", date(2026, 3, 31), date(2026, 2, 28)),
        ("P1M", date(2024, 3, 31), date(2024, 2, 29)),
        ("P14D", date(2026, 1, 3), date(2025, 12, 20)),
        ("P1M1D", date(2026, 3, 31), date(2026, 2, 27)),
    ],
)
def test_counts_back_by_the_calendar(text: str, day: date, expected: date) -> None:
    assert parse_duration(text).before(day) == expected


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("P1Y", date(2024, 2, 29), date(2025, 2, 28)),
        ("P1M", date(2026, 1, 31), date(2026, 2, 28)),
        ("P1M", date(2026, 12, 21), date(2027, 1, 21)),
        ("P7D", date(2026, 12, 28), date(2027, 1, 4)),
    ],
)
def test_counts_forward_by_the_calendar(text: str, day: date, expected: date) -> None:
    assert parse_duration(text).after(day) == expected
    with pytest.raises(FormatError):
        parse_duration(text).after(date.max)


def test_refuses_to_reach_before_the_calendar() -> None:
    assert parse_duration("P999Y").before(date(2026, 1, 1)) == date(1027, 1, 1)
    with pytest.raises(FormatError):
        parse_duration("P999Y").before(date(900, 1, 1))


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.integers(0, 400), st.integers(0, 400))
def test_a_longer_duration_never_ends_later(day: date, months: int, days: int) -> None:
    reached = Duration(months, days).before(day)
    assert reached <= day
    assert Duration(months + 1, days).before(day) < reached or months == 0
    assert Duration(months, days + 1).before(day) < reached
