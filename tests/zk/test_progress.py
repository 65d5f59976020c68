"""What a caller sees of a proof while it is made."""

import pytest

from commitments.errors import VerificationError
from commitments.group import Group, IdentityPoint
from commitments.p256 import P256
from tests.zk.claims import EVERY_KIND, WARRANTY, opening, statement
from tests.zk.tiny_group import TOY, CountingGroup
from zk.prove import prove
from zk.range_proof import rounds
from zk.statement import Predicate, Range, Statement
from zk.verify import verify

ROUNDS = rounds([p for p in WARRANTY if isinstance(p, Range)])


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


def trace(group: CountingGroup, claim: Statement, number: int) -> tuple[tuple[int, int, int], ...]:
    """What is told of a proof, and the terms that were multiplied before it is."""
    mine = opening(group, number)
    prove(claim, mine)  # generators and bases are made once
    group.sums.clear()
    told: list[tuple[int, int, int]] = []
    prove(claim, mine, progress=lambda done, steps: told.append((done, steps, sum(group.sums))))
    return tuple(told)


@pytest.mark.parametrize("size", [4, 7])
def test_steps_and_their_work_are_the_same_for_every_member(size: int) -> None:
    group = CountingGroup()
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
