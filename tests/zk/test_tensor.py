from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.p256 import P256
from tests.zk.tiny_group import TOY
from zk.tensor import Tensor, expand, fold, sum_tensors


def entry(tensor: Tensor, digits: tuple[int, ...]) -> int:
    factors = (row[i] for row, i in zip(tensor.rows, digits, strict=True))
    return tensor.scale * prod(factors)


def plain(tensors: list[Tensor], q: int) -> list[int]:
    """From the definition; the last digit of ``product`` runs fastest, and ours slowest."""
    count = len(tensors[0].rows)
    digits = [each[::-1] for each in product(range(4), repeat=count)]
    return [sum(entry(tensor, each) for tensor in tensors) % q for each in digits]


def tensors(q: int) -> st.SearchStrategy[list[Tensor]]:
    values = st.integers(0, q - 1) | st.just(q - 1)
    row = st.tuples(*[values] * 4)

    def lists(digits: int) -> st.SearchStrategy[list[Tensor]]:
        rows = st.tuples(*[row] * digits)
        tensor = st.builds(Tensor, st.integers(0, (1 << 128) - 1), rows)
        return st.lists(tensor, min_size=1, max_size=5)

    return st.integers(1, 4).flatmap(lists)


@pytest.mark.parametrize("q", [TOY.order, P256.order], ids=["toy", "p256"])
@given(data=st.data())
def test_sums_are_those_of_the_definition(q: int, data: st.DataObject) -> None:
    several = data.draw(tensors(q))
    assert sum_tensors(several, q) == plain(several, q)
    assert expand(several[0], q) == plain(several[:1], q)


def test_the_largest_sum_stays_in_its_slot() -> None:
    q = P256.order
    largest = Tensor((1 << 128) - 1, tuple((q - 1,) * 4 for _ in range(5)))
    several = [largest] * 255
    assert sum_tensors(several, q) == plain(several, q)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=20), st.integers(1, 20))
def test_folding_adds_what_stands_for_one_member(entries: list[int], size: int) -> None:
    size = min(size, len(entries))
    expected = [sum(entries[i::size]) for i in range(size)]
    assert fold(entries, size) == expected
