import time
from concurrent.futures import ThreadPoolExecutor

from ledger.gathering import Gathering

FOREVER = 60.0  # seconds that nobody waits in these tests


def waits_for(gathering: Gathering, *counts: int) -> int:
    """How many there are when the wait is over, if they come one after the other."""
    with ThreadPoolExecutor(1) as pool:
        over = pool.submit(gathering.wait)
        for count in counts:
            if over.done():
                break
            gathering.count(count)
            time.sleep(0.05)
        else:
            over.result(FOREVER)
            return counts[-1]
    return count - 1


def test_who_comes_alone_does_not_wait() -> None:
    gathering = Gathering(8, FOREVER)
    for _ in range(3):
        gathering.count(1)
        gathering.wait()
        gathering.end(1, 0)


def test_as_many_as_before_are_waited_for() -> None:
    gathering = Gathering(8, FOREVER)
    gathering.end(3, 1)
    assert waits_for(gathering, 1, 2, 3, 4, 5) == 4
    gathering.end(2, 0)
    assert waits_for(gathering, 1, 2, 3) == 2


def test_who_is_there_already_counts() -> None:
    gathering = Gathering(8, FOREVER)
    gathering.end(0, 5)
    gathering.wait()


def test_no_more_are_waited_for_than_a_round_takes() -> None:
    gathering = Gathering(4, FOREVER)
    gathering.end(4, 9)
    gathering.wait()
    gathering.end(4, 3)
    assert waits_for(gathering, 3, 4, 5) == 4


def test_nobody_is_waited_for_longer_than_that() -> None:
    gathering = Gathering(8, 0.01)
    gathering.end(5, 0)
    gathering.count(1)
    gathering.wait()  # for four who never come
