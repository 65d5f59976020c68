"""What a caller sees of a proof while it is made."""

from collections.abc import Sequence

import pytest

from commitments.errors import VerificationError
from commitments.group import Group, IdentityPoint, Point
from commitments.p256 import P256
from tests.zk.claims import EVERY_KIND, WARRANTY, opening, statement
from tests.zk.tiny_group import TOY, ResidueGroup
from zk.prove import prove
from zk.range_proof import rounds
from zk.statement import Predicate, Range, Statement
from zk.verify import verify

ROUNDS = rounds([p for p in WARRANTY if isinstance(p, Range)])


class _Counting(ResidueGroup):
    """Counts the terms that were multiplied."""

    order = TOY.order
    point_size = TOY.point_size
    scalar_size = TOY.scalar_size

    def __init__(self) -> None:
        super().__init__()
        self.terms = 0

    def sum_of_products(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        self.terms += len(points)
        return super().sum_of_products(scalars, points)


@pytest.mark.parametrize(
    ("predicates", "count"),
    [((), 3), (WARRANTY, 3 + 2 + ROUNDS), (EVERY_KIND, 3 + 2 + 2 + 3)],
    ids=["neither sets nor ranges", "ranges", "both"],
)
@pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])
def test_steps_end_when_the_proof_is_made(
    group: Group, predicates: tuple[Predicate, ...], count: int
) -> None:
    claim, seen = statement(group, 5, predicates), []
    proof = prove(claim, opening(group, 2), progress=lambda *step: seen.append(step))
    verify(claim, proof)
    assert seen == [(done, count) for done in range(1, count + 1)]


def trace(group: _Counting, claim: Statement, number: int) -> tuple[tuple[int, int, int], ...]:
    """What is told of a proof, and the terms that were multiplied before it is."""
    mine = opening(group, number)
    prove(claim, mine)  # generators and bases are made once
    group.terms = 0
    told: list[tuple[int, int, int]] = []
    prove(claim, mine, progress=lambda done, steps: told.append((done, steps, group.terms)))
    return tuple(told)


@pytest.mark.parametrize("size", [4, 7])
def test_steps_and_their_work_are_the_same_for_every_member(size: int) -> None:
    group = _Counting()
    claim = statement(group, size, EVERY_KIND)
    traces = {trace(group, claim, number) for number in range(size)}
    assert len(traces) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, VerificationError, IdentityPoint])
def test_an_exception_of_the_caller_ends_the_proof(error: type[BaseException]) -> None:
    """Also one that the prover itself would answer with another try."""
    seen = []

    def stop(done: int, _steps: int) -> None:
        seen.append(done)
        if done == 2:
            raise error("enough")

    with pytest.raises(error, match="enough"):
        prove(statement(TOY, 5), opening(TOY, 2), progress=stop)
    assert seen == [1, 2]
