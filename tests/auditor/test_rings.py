"""All rings of a log at once: the same as one by one."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.rings import BuiltRing, Rings, copy_log
from commitments.errors import VerificationError
from commitments.p256 import P256
from ledger.entries import Purchase, Sale, Transferred, Void
from ledger.partition import Partition
from ledger.purchases import Purchases
from ledger.rings import RingName, build_ring
from tests.ledger.memory_log import MemoryLog

POINTS = [P256.encode(P256.multiply(n, P256.generator)) for n in range(1, 40)]
NO_POINT = b"\x02" + b"\xff" * 32

commitments = st.sampled_from([*POINTS, NO_POINT])
entry_lists = st.lists(
    st.one_of(
        commitments.map(lambda c: Purchase(c).encode()),
        commitments.map(lambda c: Purchase(c).encode()),
        commitments.map(lambda c: Transferred(c).encode()),
        commitments.map(lambda c: Sale(c).encode()),
        st.integers(0, 200).map(lambda index: Void(index).encode()),
        st.sampled_from([b"", b"\x01junk", b"\x07" * 34]),
    ),
    min_size=1,
    max_size=70,
)


T = TypeVar("T")


def outcome(make: Callable[[], T]) -> T | str:
    try:
        return make()
    except VerificationError as error:
        return str(error)


@given(st.lists(entry_lists, min_size=1, max_size=4), st.integers(0, 2), st.data())
def test_the_same_rings_as_one_by_one(
    parts: list[list[bytes]], void_window: int, data: st.DataObject
) -> None:
    log = MemoryLog()
    for part in parts:
        for entry in part:
            log.append(entry)
        log.close()
    log.append(Void(0).encode())  # above the last close, where nothing counts yet
    closes = Partition(64, void_window, log.closes)
    rings = Rings(P256, copy_log(log, closes))
    horizons = st.sampled_from([0, *(close.size for close in log.closes), log.size])
    for _ in range(4):
        first, size, voided_at = (data.draw(horizons) for _ in range(3))
        name = RingName(first, size, voided_at, data.draw(st.integers(0, 3)))
        wanted = outcome(partial(build_ring, log, closes, name, P256.decode))
        built = outcome(partial(rings.build, name))
        if isinstance(wanted, str):
            assert built in (wanted, None)
            assert (built is None) == (wanted == "ring: it has no member")
        else:
            assert isinstance(built, BuiltRing)
            assert built.ring.members == wanted.members
            assert built.ring.digest == wanted.digest()
            assert tuple(built.indices) == wanted.indices
            assert built.root == wanted.root
            assert list(map(P256.encode, built.ring.points)) == list(wanted.members)


def test_a_commitment_is_one_point_object_in_all_rings() -> None:
    log = MemoryLog(Purchase(point).encode() for point in POINTS)
    log.close()
    for point in POINTS[:3]:
        log.append(Void(POINTS.index(point)).encode())
    log.close()
    rings = Rings(P256, copy_log(log, Partition(64, 1, log.closes)))
    size, voided_at = log.closes[0].size, log.closes[1].size
    one, two = (rings.build(RingName(0, size, v, 0)) for v in (size, voided_at))
    assert one is not None
    assert two is not None
    assert len(one.ring) == len(two.ring) + 3 == len(POINTS)
    assert {id(point) for point in two.ring.points} < {id(point) for point in one.ring.points}


def test_a_log_that_was_never_closed_has_no_rings() -> None:
    rings = Rings(P256, copy_log(Purchases([Purchase(POINTS[0]).encode()]), Partition(64, 1)))
    assert rings.points == []
    with pytest.raises(VerificationError, match="not a close"):
        rings.build(RingName(0, 1, 1, 0))
