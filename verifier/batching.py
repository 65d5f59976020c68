"""Claims that arrive together are verified together (docs/protocol.md 7).

Whoever comes while nothing is being multiplied out multiplies at once, alone: an idle service adds
no wait. Whoever comes while a sum is being computed goes into the next one. The Python part of a
claim is done by its own thread, before it waits and while others multiply.
"""

from collections.abc import Sequence

from commitments.errors import VerificationError
from ledger.group_commit import GroupCommit, Ticket
from zk.accumulator import Accumulator
from zk.statement import Statement
from zk.verify import accumulate, find_false

__all__ = ["BatchVerifier"]

_MOST_WAITING = 64  # claims; what a batch costs is bounded with it


class BatchVerifier:
    """Verifies proofs; any number of threads may ask."""

    def __init__(self) -> None:
        self._rounds: GroupCommit[None] = GroupCommit(_multiply_out, _MOST_WAITING)

    def verify(self, statement: Statement, proof: bytes) -> None:
        """As :func:`zk.verify.verify`; ``Overloaded`` when too many wait."""
        accumulator = accumulate(statement, proof)
        self._rounds.submit(lambda _: accumulator)


def _multiply_out(tickets: Sequence[Ticket[None]]) -> None:
    accumulators: list[Accumulator] = [ticket.work(None) for ticket in tickets]
    for index in find_false(accumulators):
        tickets[index].error = VerificationError("the proof does not verify")
