from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ledger.closes import Close
from ledger.note import Signer
from ledger.partition import Partition
from ledger.rings import RingName
from sdk import NotEligible, NotProvableYet
from sdk.horizons import choose_ring, ring_like
from sdk.logs import DatedClose, MerchantView
from tests.ledger.memory_log import declaration
from tests.world import published

TODAY = date(2026, 11, 21)


def view(*closes: tuple[datetime, int], capacity: int = 64) -> MerchantView:
    """A merchant whose log was closed at these moments, at these sizes."""
    dated = tuple(
        DatedClose(Close(number, number, size, bytes([number]) * 32, ()), ended, ended)
        for number, (ended, size) in enumerate(closes)
    )
    partition = Partition(capacity, 1, [each.close for each in dated])
    return MerchantView(declaration(Signer("w/1", b"w" * 32)), dated, partition, ())


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def daily(*sizes: int) -> MerchantView:
    """A close at the end of each of the days up to yesterday."""
    days = [midnight(TODAY - timedelta(days=n)) for n in range(len(sizes))]
    return view(*zip(reversed(days), sizes, strict=True))


def chosen(shown: MerchantView, index: int, **policy_changes: Any) -> RingName:
    return choose_ring(shown, published(**policy_changes), TODAY, index)


def test_without_a_window_the_whole_log() -> None:
    assert chosen(daily(3, 5, 9), 4, purchased=None) == RingName(0, 9, 9, 0)


def test_a_window_that_begins_before_the_log() -> None:
    assert chosen(daily(3, 5, 9), 4, purchased={"oldest": "P2Y"}) == RingName(0, 9, 9, 0)


def test_the_span_begins_with_the_last_close_before_the_window() -> None:
    # Ends of days: 18th (3), 19th (5), 20th (9), as moments the midnights after.
    shown = view(
        (midnight(date(2026, 11, 19)), 3),
        (midnight(date(2026, 11, 20)), 5),
        (midnight(date(2026, 11, 21)), 9),
    )
    window = {"from": "2026-11-20", "to": "2026-11-21"}
    # The close of the 19th ends when the 20th begins: too late for a shop east of Greenwich.
    assert chosen(shown, 6, purchased=window).first == 3
    assert chosen(shown, 6, purchased={**window, "from": "2026-11-21"}).first == 5
    assert chosen(shown, 6, purchased={**window, "from": "2026-11-19"}).first == 0


def test_the_moment_of_a_manual_close_decides() -> None:
    window = {"from": "2026-11-20", "to": "2026-11-21"}
    last = (midnight(TODAY), 9)
    in_time = datetime(2026, 11, 19, 10, tzinfo=UTC)  # 14 hours before the 20th
    assert chosen(view((in_time, 4), last), 6, purchased=window).first == 4
    late = in_time + timedelta(seconds=1)
    assert chosen(view((late, 4), last), 6, purchased=window).first == 0


def test_a_purchase_is_provable_from_its_first_close_on() -> None:
    assert chosen(daily(3, 5), 4).size == 5
    with pytest.raises(NotProvableYet):
        chosen(daily(3, 5), 5)
    with pytest.raises(NotProvableYet):
        chosen(view(), 0)


def test_a_purchase_that_was_recorded_before_the_window() -> None:
    window = {"from": "2026-11-21", "to": "2026-11-21"}
    assert chosen(daily(3, 5, 9), 5, purchased=window).first == 5
    with pytest.raises(NotEligible, match="before the policy's window"):
        chosen(daily(3, 5, 9), 4, purchased=window)


def test_the_lane_is_the_entrys() -> None:
    shown = daily(500, 1000)
    name = chosen(shown, 700)
    assert shown.partition.lanes(name.first, name.size) > 1
    assert 700 in shown.partition.cell(name.first, name.size, name.lane)


def test_ending_an_ownership_goes_back_to_the_span_used_before() -> None:
    """The finer cell of today shares fewer members with an earlier ring than that ring itself."""
    shown = daily(100, 1000)
    before = RingName(0, 100, 100, shown.partition.lane_of(7, 0, 100))
    indices = shown.partition.cell(0, 100, before.lane)
    default = chosen(shown, 7)
    assert ring_like(shown, default, [], 7) == default
    again = ring_like(shown, default, [(before, indices)], 7)
    assert again == RingName(0, 100, 1000, before.lane)
    nested = set(shown.partition.cell(default.first, default.size, default.lane))
    assert len(nested & set(indices)) < len(indices)


def test_of_spans_that_share_as_much_today_is_taken() -> None:
    shown = daily(20, 40)
    default = chosen(shown, 7)
    earlier = [(RingName(0, 20, 20, 0), range(20))]
    assert ring_like(shown, default, earlier, 7) == default
