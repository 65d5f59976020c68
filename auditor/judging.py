"""Judging both logs of a merchant, or what is shown of them: replay, reports, proofs.

The same for who has all entries and for who is shown a few of them as evidence; the others are
passed over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from auditor.findings import Disagreement
from auditor.proof_task import ProofTask
from auditor.proofs import check_proofs
from auditor.record import Record, SeenVoid
from auditor.replay import Replay
from auditor.reporting import report_disagreements
from commitments.group import Group
from commitments.wire import parse_base64
from ledger.events import parse_event

__all__ = ["Judged", "PurchaseEntries", "judge", "proof_in", "verify_proofs"]

Progress = Callable[[int], None]


class PurchaseEntries(Protocol):
    """The entries of a purchase log, and its roots."""

    @property
    def size(self) -> int:
        """How many entries there are."""

    def entries_at(self, indices: Sequence[int]) -> Sequence[bytes]:
        """The entry at each index, in the order asked for."""

    def root_at(self, size: int) -> bytes | None:
        """The root of the first ``size`` entries; ``None`` when the log is not that large."""


class Judged:
    """What reading the logs has led to: facts, disagreements, and the proofs to verify."""

    def __init__(self, replay: Replay) -> None:
        self.record: Record | None = replay.record
        self.disagreements: list[Disagreement] = replay.disagreements
        self.proofs: list[ProofTask] = replay.take_proofs()


def judge(
    origin: str,
    group: Group,
    root_at: Callable[[int], bytes | None],
    purchases: Iterable[tuple[int, bytes]],
    size: int,
    events: Iterable[bytes],
) -> Judged:
    """Read both logs, and compare published reports; proofs are not verified yet.

    ``purchases`` are the entries of the purchase log that are shown, ascending, and ``size`` is how
    many it has; ``events`` those of the event log, numbered anew.
    """
    replay = Replay(origin, group, root_at)
    read = 0
    for index, data in purchases:
        replay.pass_over(index - read)
        replay.purchase(index, data)
        read = index + 1
    replay.pass_over(size - read)
    for index, data in enumerate(events):
        replay.event(index, data)
    replay.settle()
    judged = Judged(replay)
    if judged.record is not None:
        judged.disagreements += report_disagreements(judged.record)
    return judged


def verify_proofs(
    judged: Judged,
    tasks: Sequence[ProofTask],
    proof_of: Callable[[int], bytes],
    purchases: PurchaseEntries,
    *,
    group: Group,
    jobs: int = 1,
    progress: Progress = lambda _done: None,
) -> list[Disagreement]:
    """What is wrong with these proofs, of those that ``judged`` has."""
    record = judged.record
    if record is None:
        return []
    log = _Purchases(purchases, record.voids, judged.disagreements)
    return check_proofs(
        tasks, proof_of, log, record.partition, group=group, jobs=jobs, progress=progress
    )


def proof_in(event: bytes) -> bytes:
    """The proof in an event of which the replay has made a task."""
    return parse_base64(parse_event(event)["proof"], "proof")


class _Purchases:
    """A :class:`ledger.purchases.PurchaseLog`: the entries, and what the replay knows of them."""

    def __init__(
        self,
        log: PurchaseEntries,
        voids: Iterable[SeenVoid],
        disagreements: Iterable[Disagreement],
    ) -> None:
        self.entries_at = log.entries_at
        self._voids: dict[int, list[int]] = {}
        for void in voids:
            self._voids.setdefault(void.target, []).append(void.position)
        self._first: dict[int, int] = {}
        for found in disagreements:
            if found.rule == "commitment-repeated":
                first, index = (entry.index for entry in found.entries)
                self._first[index] = first

    def voids_of(self, indices: Sequence[int]) -> dict[int, list[int]]:
        """For each index that any void entry names, the indices of those, ascending."""
        return {index: self._voids[index] for index in indices if index in self._voids}

    def repeats(self, commitments: Mapping[int, bytes]) -> dict[int, int]:
        """Given commitments by their index: those that occur earlier too, with where first."""
        return {index: self._first[index] for index in commitments if index in self._first}
