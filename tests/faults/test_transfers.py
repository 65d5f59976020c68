"""Every statement of a retirement fails once, and once is carried out and its answer lost."""

from itertools import count

import pytest

from commitments.errors import Overloaded
from ledger.fsck import check_all
from tests.faults.test_statements import failing
from tests.handover import Handover, hand_over, settle
from tests.world import World
from verifier.service import Verifier
from verifier.transfer import Transfer


@pytest.fixture
def handover(world: World) -> Handover:
    seller, _ = world.buy(world.sale(), world.sale())
    settle(world)
    return hand_over(world, seller)


def _ended(world: World) -> tuple[int, int]:
    """How many ownerships have ended, and how many entries have followed."""
    return len(world.events("ownership.retired")), world.sizes()[0] - 2


@pytest.mark.parametrize("applied", [False, True], ids=["fails", "answer lost"])
def test_an_ownership_ends_with_its_entry_or_not_at_all(
    world: World, handover: Handover, *, applied: bool
) -> None:
    approved = handover.approve()
    done, interrupted = None, 0
    for number in count(1):
        done = _retire(world, handover, approved, number, applied=applied)
        assert _ended(world) in {(0, 0), (1, 1)}
        with world.store.read() as connection:
            check_all(connection)
        if done is not None:
            break
        interrupted += 1
    assert interrupted > 10
    assert done is not None
    assert (done.status, done.index) == ("completed", 2)
    assert _ended(world) == (1, 1)


def _retire(
    world: World, handover: Handover, approved: Transfer, number: int, *, applied: bool
) -> Transfer | None:
    """The answer, unless the statement with this number failed; nothing is kept in memory."""
    world.verifier.close()
    world.verifier = Verifier(world.store, world.verifier._group, world.clock)
    with failing(world.store._writer, number, applied=applied):
        try:
            return handover.retire(approved)
        except Overloaded:
            return None
