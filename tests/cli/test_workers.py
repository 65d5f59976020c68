import pytest

from cli.workers import share


@pytest.mark.parametrize(
    ("cores", "workers", "shares"),
    [
        ([0, 1], 2, [[0], [1]]),
        ([0, 1, 2, 3], 2, [[0, 2], [1, 3]]),
        ([4, 7], 3, [[4], [7], [4]]),
        ([5], 2, [[5], [5]]),
    ],
)
def test_cores_are_shared_evenly(cores: list[int], workers: int, shares: list[list[int]]) -> None:
    assert [share(cores, place, workers) for place in range(workers)] == shares
