import json
from dataclasses import replace
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import VerificationError
from ledger.closes import Close, seed
from ledger.partition import (
    Partition,
    cell,
    lane_of,
    lanes,
    shuffle_key,
    void_counts,
    voids_are_settled,
)

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "kvitto-v01.json"


def closes_at(*sizes: int, periods: list[int] | None = None) -> list[Close]:
    periods = list(range(len(sizes))) if periods is None else periods
    return [
        Close(number, period, size, bytes([number]) * 32, (bytes([number]) * 64,))
        for number, (size, period) in enumerate(zip(sizes, periods, strict=True))
    ]


CLOSES = closes_at(0, 1, 40, 40, 300, 1_000)

# ---- values made by others


def vectors() -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip("the shared vectors are not here")
    loaded: dict[str, Any] = json.loads(VECTORS.read_text())
    return loaded


@pytest.fixture(scope="module")
def shared() -> dict[str, Any]:
    return vectors()


def shared_closes(shared: dict[str, Any]) -> list[Close]:
    return [
        Close(
            number,
            number,
            close["size"],
            bytes.fromhex(close["root"]),
            tuple(bytes.fromhex(signature) for signature in close["seed_signatures"]),
        )
        for number, close in enumerate(shared["closes"])
    ]


def test_shared_closes(shared: dict[str, Any]) -> None:
    for close, expected in zip(shared_closes(shared), shared["closes"], strict=True):
        assert seed(close).hex() == expected["seed"]


def test_shared_shuffle_keys(shared: dict[str, Any]) -> None:
    closes = shared_closes(shared)
    for expected in shared["shuffle_keys"]:
        entry = expected["entry"]
        close = next(close for close in closes if close.size > entry)
        assert str(shuffle_key(seed(close), entry)) == expected["key"]


def test_shared_rings(shared: dict[str, Any]) -> None:
    closes = shared_closes(shared)
    partitions = {n: Partition(n, 1, closes) for n in (64, 256, 1024, 4096)}
    for ring in shared["rings"]:
        first, size, capacity, lane = (ring[k] for k in ("first", "size", "capacity", "lane"))
        partition = partitions[capacity]
        assert lanes(first, size, capacity) == partition.lanes(first, size) == ring["lanes"]
        assert partition.lane_of(ring["entry"], first, size) == lane
        assert lane_of(ring["entry"], first, size, closes, capacity) == lane
        indices = partition.cell(first, size, lane)
        members = [index for index in indices if index not in ring["void"]]
        assert len(members) == ring["members"]
        assert members[:3] == ring["start"]
        assert members[-1] == ring["end"]
        joined = ",".join(str(member) for member in members).encode()
        assert sha256(joined).hexdigest() == ring["sha256_of_decimals_joined_by_commas"]
        if size <= 2_500:
            assert cell(first, size, lane, closes, capacity) == indices


# ---- values of our own, that mean something where the shared ones are not


def test_frozen_values() -> None:
    assert shuffle_key(seed(CLOSES[2]), 7) == 17_305_978_332_740_144_863
    assert lanes(0, 1_000, 64) == 32
    assert lane_of(999, 0, 1_000, CLOSES, 64) == 10
    assert cell(40, 300, 3, CLOSES, 64) == [
        41,
        44,
        53,
        60,
        81,
        105,
        114,
        115,
        116,
        127,
        128,
        149,
        151,
        163,
        164,
        166,
        168,
        173,
        176,
        190,
        203,
        214,
        222,
        227,
        234,
        236,
        241,
        250,
        254,
        256,
        262,
        266,
        278,
        286,
        287,
        297,
    ]


# ---- what the rules say


@pytest.mark.parametrize(
    ("span", "capacity", "expected"),
    [(1, 64, 1), (48, 64, 1), (49, 64, 2), (96, 64, 2), (97, 64, 4), (768, 1024, 1)],
)
def test_a_cell_has_three_quarters_of_the_capacity_on_average(
    span: int, capacity: int, expected: int
) -> None:
    assert lanes(5, 5 + span, capacity) == expected


@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=6).map(sorted),
    st.sampled_from([64, 256]),
    st.data(),
)
def test_cells_share_out_the_span(sizes: list[int], capacity: int, data: st.DataObject) -> None:
    sizes[-1] += 1
    closes = closes_at(*sizes)
    first = data.draw(st.sampled_from([0, *sizes[:-1]]))
    size = data.draw(st.sampled_from([n for n in sizes if n > first]))
    partition = Partition(capacity, 1, closes)
    cells = [partition.cell(first, size, n) for n in range(partition.lanes(first, size))]
    assert sorted(index for indices in cells for index in indices) == list(range(first, size))
    for lane, indices in enumerate(cells):
        assert indices == cell(first, size, lane, closes, capacity)
        for index in indices:
            assert partition.lane_of(index, first, size) == lane
            assert lane_of(index, first, size, closes, capacity) == lane


def test_cells_of_a_longer_span_nest() -> None:
    partition = Partition(64, 1, CLOSES)
    coarse, fine = partition.lanes(0, 300), partition.lanes(0, 1_000)
    assert fine > coarse
    for index in range(300):
        finer = partition.cell(0, 1_000, partition.lane_of(index, 0, 1_000))
        coarser = partition.cell(0, 300, partition.lane_of(index, 0, 300))
        assert index in {j for j in finer if j < 300} <= set(coarser)


def test_closes_come_one_by_one_or_together() -> None:
    step_by_step = Partition(64, 1)
    for close in CLOSES:
        step_by_step.extend([close])
        together = Partition(64, 1, CLOSES[: close.number + 1])
        assert step_by_step.closes == together.closes
        for lane in range(together.lanes(0, close.size)):
            assert step_by_step.cell(0, close.size, lane) == together.cell(0, close.size, lane)


def test_the_first_close_above_an_entry_decides_and_later_ones_change_nothing() -> None:
    other = [*CLOSES[:5], replace(CLOSES[5], root=b"x" * 32)]
    for lane in range(lanes(0, 300, 64)):
        assert cell(0, 300, lane, other, 64) == cell(0, 300, lane, CLOSES, 64)
    moved = [cell(0, 1_000, lane, other, 64) for lane in range(32)]
    assert moved != [cell(0, 1_000, lane, CLOSES, 64) for lane in range(32)]


def test_an_entry_that_is_not_closed_has_no_lane() -> None:
    partition = Partition(64, 1, CLOSES)
    assert partition.lane_of(999, 0, 1_000) == lane_of(999, 0, 1_000, CLOSES, 64)
    with pytest.raises(VerificationError, match="not been closed"):
        partition.lane_of(1_000, 0, 1_000)
    with pytest.raises(VerificationError, match="not been closed"):
        lane_of(1_000, 0, 1_000, CLOSES, 64)


def test_a_horizon_is_a_close() -> None:
    partition = Partition(64, 1, CLOSES)
    assert partition.close_at(40) == CLOSES[2]  # the first of the two at that size
    assert partition.close_at(0) == CLOSES[0]
    for size in (2, 39, 41, 999, 1_001):
        with pytest.raises(VerificationError, match="not a close"):
            partition.close_at(size)


def test_a_close_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="without gaps"):
        Partition(64, 1, [CLOSES[0], CLOSES[2]])


# ---- voids


@pytest.mark.parametrize(
    ("void_window", "entry", "void", "counts"),
    [
        (1, 5, 6, True),
        (1, 5, 29, True),  # below the close at 30, one period after entry 5's first close
        (1, 5, 30, False),
        (0, 5, 9, True),  # below its own first close
        (0, 5, 10, False),
        (2, 5, 30, True),  # two periods later there is no close yet
        (2, 5, 10**9, True),
        (1, 5, 5, False),  # an entry does not void itself
        (1, 5, 4, False),  # nor one that comes later
        (1, 29, 10**9, True),
        (1, 50, 51, True),  # not closed yet
        (1, 50, 49, False),
    ],
)
def test_until_when_a_void_counts(void_window: int, entry: int, void: int, *, counts: bool) -> None:
    closes = closes_at(10, 30)
    assert void_counts(void, entry, closes, void_window) is counts
    assert Partition(64, void_window, closes).void_counts(void, entry) is counts


def test_a_period_without_a_close_is_decided_by_the_next_one() -> None:
    closes = closes_at(10, 20, 30, periods=[100, 101, 105])
    for void, counts in ((19, True), (29, True), (30, False)):
        assert void_counts(void, 5, closes, 3) is counts


@given(
    growth=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=8),
    void_window=st.integers(0, 4),
    places=st.tuples(st.integers(0, 7), st.integers(0, 7)),
)
def test_voids_are_settled_when_none_can_come_any_more(
    growth: list[tuple[int, int]], void_window: int, places: tuple[int, int]
) -> None:
    """Whatever is appended and closed later, a void from ``voided_at`` on counts for no entry."""
    sizes = list(accumulate(more for more, _ in growth))
    periods = list(accumulate(later for _, later in growth))
    closes = closes_at(*sizes, periods=periods)
    size, voided_at = sorted(sizes[place % len(sizes)] for place in places)
    may_come = any(
        void_counts(void, entry, closes, void_window)
        for entry in range(size)
        for void in range(voided_at, voided_at + 5)
    )
    if size > 0:
        assert voids_are_settled(size, voided_at, closes, void_window) is not may_come
        partition = Partition(64, void_window, closes)
        assert partition.voids_are_settled(size, voided_at) is not may_come
