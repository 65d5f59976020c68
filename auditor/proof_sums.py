"""Many proofs as one sum: what one process does with its share of them (docs/protocol.md 7).

Nearly each claim of a log hides in a ring of its own, but all rings are made of the same purchases:
the coefficients of a purchase are added up over all rings, and it is multiplied once.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from auditor.proof_task import ProofTask
from auditor.rings import BuiltRing, Rings
from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from ledger.rings import RingName
from policies.claim import claim_statement
from policies.transfer import TransferBody, transfer_statement
from zk.accumulator import Accumulator, Terms, offset_sum
from zk.statement import Statement
from zk.verify import accumulate

__all__ = ["PROOF_INVALID", "Fault", "ProofSums", "Proven"]

PROOF_INVALID = "proof-invalid"
_AT_ONCE = 64  # proofs whose own points are in memory, and in one multiplication
_PIECE = 4096  # purchases that are multiplied at a time: each number is one more in OpenSSL
_INVALID = "the proof does not prove what the event says"

Proven = tuple[ProofTask, bytes]
"""A task and the proof."""


class Fault(NamedTuple):
    """What is wrong with the proof in an event: its index, the rule that is broken, and why."""

    event: int
    rule: str
    why: str


class ProofSums:
    """Adds up the equations of proofs, and says whether they hold: together, or each by itself."""

    def __init__(self, group: Group, rings: Rings) -> None:
        self._group = group
        self._rings = rings
        self._last: tuple[RingName, BuiltRing] | None = None
        self._begin()

    def _begin(self) -> None:
        self._batch, self._in_batch = Accumulator(self._group), 0
        self._indices: dict[int, Sequence[int]] = {}  # of the batch's rings, by id of their points
        self._coefficients = [0] * len(self._rings.points)
        # The base point must come out: a library that fails silently leaves the identity.
        self._total = self._group.generator

    def add(self, proofs: Sequence[Proven]) -> list[Fault]:
        """Add the equations of these; what can be said against them without multiplying.

        Quick where proofs over one ring come one after the other.
        """
        faults: list[Fault] = []
        for task, proof in proofs:
            equations = self._read(task, proof, faults)
            if equations is not None:
                self._batch.merge(equations)
                self._in_batch += 1
            if self._in_batch == _AT_ONCE:
                self._multiply_batch()
        return faults

    def hold(self) -> bool:
        """Whether all equations that were added since the last call hold."""
        self._multiply_batch()
        known = zip(self._coefficients, self._rings.points, strict=True)
        terms = ((coefficient, point) for coefficient, point in known if coefficient)
        while piece := list(islice(terms, _PIECE)):
            self._add([([c for c, _ in piece], [p for _, p in piece])])
        total = self._total
        self._begin()
        return self._group.equal(total, self._group.generator)

    def single_out(self, proofs: Sequence[Proven]) -> list[Fault]:
        """All that can be said against these, each by itself: slow, and no slower for many."""
        faults: list[Fault] = []
        for task, proof in proofs:
            equations = self._read(task, proof, faults)
            if equations is not None:
                try:
                    equations.verify()
                except VerificationError:
                    faults.append(Fault(task.index, PROOF_INVALID, _INVALID))
        self._indices.clear()
        return faults

    # ---- one proof

    def _read(self, task: ProofTask, proof: bytes, faults: list[Fault]) -> Accumulator | None:
        """The equations of a proof; nothing, and a fault, where there can be none."""
        try:
            statement = self._statement(task, faults)
            if statement is None:
                return None
            return accumulate(statement, proof)
        except (FormatError, VerificationError) as error:
            faults.append(Fault(task.index, PROOF_INVALID, f"{_INVALID}: {error}"))
            return None

    def _statement(self, task: ProofTask, faults: list[Fault]) -> Statement | None:
        """What the proof must prove, from the public logs alone."""
        body = task.body
        built = self._ring(RingName(body.first, body.size, body.voided_at, body.lane))
        members = 0 if built is None else len(built.ring)
        smallest = 1 if task.version is None else task.version.policy.smallest_ring
        if members < smallest:
            why = f"the ring has {members} members and needs {smallest}"
            faults.append(Fault(task.index, "ring-too-small", why))
        if built is None:
            return None
        if isinstance(body, TransferBody):
            return transfer_statement(self._group, body, built.root, built.ring)
        if task.version is None:
            raise FormatError("names a policy that is not published", "claim.policy")
        return claim_statement(self._group, task.version, body, built.root, built.ring)

    def _ring(self, name: RingName) -> BuiltRing | None:
        """Nothing for a ring without members; ``VerificationError`` where there is no such ring."""
        if self._last is None or self._last[0] != name:
            built = self._rings.build(name)
            if built is None:
                return None
            self._last = name, built
        built = self._last[1]
        self._indices[id(built.ring.points)] = built.indices
        return built

    # ---- the sum

    def _multiply_batch(self) -> None:
        """Leave of the batch only the coefficients of purchases."""
        for coefficients, points in self._batch.take_tensors():
            totals = self._coefficients
            for index, coefficient in zip(self._indices[id(points)], coefficients, strict=True):
                totals[index] += coefficient
        self._add(self._batch.terms())
        self._batch, self._in_batch, self._last = Accumulator(self._group), 0, None
        self._indices.clear()

    def _add(self, terms: Iterable[Terms]) -> None:
        group = self._group
        sum_ = group.subtract(offset_sum(group, terms), group.generator)
        self._total = group.add(self._total, sum_)
