"""Verifying the proofs of a log again, in several processes (docs/adr/0031-proofs-again.md).

Each process adds up the equations of what it is given to one sum. Where a sum does not hold, its
proofs are looked at in ever fewer until each false one is named. What is not answered for is an
error: nothing counts as verified because somebody has died.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Self

from auditor.findings import Disagreement
from auditor.proof_sums import PROOF_INVALID, Fault, ProofSums, Proven
from auditor.proof_task import ProofTask
from auditor.rings import LogCopy, Rings, copy_log
from auditor.rules import broken
from commitments.errors import KvittoError
from commitments.group import Group
from ledger.partition import Partition
from ledger.purchases import PurchaseLog

__all__ = ["WorkerDied", "check_proofs"]

_PORTION = 32  # proofs that are handed over at a time, a tenth of a second's work
_FEW = 16  # proofs that are verified one by one when there is a false one among them
_PARTS = 8  # of proofs whose sum does not hold
_WORTH = 256  # proofs for which another process is worth its start

_Question = tuple[str, Sequence[Proven]]
_Conversation = Generator[_Question, Any, None]


class WorkerDied(KvittoError):  # noqa: N818 - the name is what has happened
    """A process that verifies proofs has ended before it had answered."""


def check_proofs(
    tasks: Sequence[ProofTask],
    proof_of: Callable[[int], bytes],
    purchases: PurchaseLog,
    partition: Partition,
    *,
    group: Group,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Disagreement]:
    """What is wrong with the proofs of these tasks, in the order of the event log.

    Parameters
    ----------
    proof_of
        the proof in the event at an index.
    purchases, partition
        one's own copy of the purchase log, and what its accepted closes make of it.
    jobs
        how many processes may be started; 1 for none.
    progress
        is told how many proofs have been looked at so far.

    Rules: ``proof-invalid``, ``ring-too-small``. :class:`WorkerDied` where a process ends early;
    nothing is known then.
    """
    if not tasks:
        return []
    copy = copy_log(purchases, partition)
    workers = min(jobs, -(-len(tasks) // _WORTH))
    work = _Work(tasks, workers, proof_of, progress)
    if workers > 1:
        _in_processes(work, group, copy, workers)
    else:
        _here(work, ProofSums(group, Rings(group, copy)))
    work.require_done()
    return [broken(fault.rule, fault.why, fault.event) for fault in sorted(work.faults)]


def _by_ring(task: ProofTask) -> tuple[int, ...]:
    body = task.body
    return body.first, body.size, body.voided_at, body.lane, task.index


class _Work:
    """What is still to be looked at, and what has been found; many can take from it."""

    def __init__(
        self,
        tasks: Sequence[ProofTask],
        workers: int,
        proof_of: Callable[[int], bytes],
        progress: Callable[[int], None],
    ) -> None:
        self.faults: set[Fault] = set()
        # An entry is in the odd lane of one span and not in an even one of another: who looks at
        # some of the lanes decodes and multiplies some of the purchases.
        shares: list[list[ProofTask]] = [[] for _ in range(workers)]
        for task in sorted(tasks, key=_by_ring):
            shares[task.body.lane % workers].append(task)
        self._new = [deque(_portions(share, _PORTION)) for share in shares]
        self._suspects: deque[Sequence[ProofTask]] = deque()
        self._proof_of, self._progress = proof_of, progress
        self._count, self._looked_at, self._summed = len(tasks), 0, 0
        self._broken: list[set[int]] = []  # events among which there is a false proof

    def conversation(self, worker: int) -> _Conversation:
        """Questions to one of the workers; ends when there is none more for the moment."""
        share: list[ProofTask] = []
        while portions := self._new[worker] or max(self._new, key=len):  # or it helps another
            portion = portions.popleft()
            self.faults.update((yield "add", self._load(portion)))
            share += portion
            self._looked_at += len(portion)
            self._progress(self._looked_at)
        if share:
            yield from self._ask_for_sum(share)
            self._summed += len(share)
        while self._suspects:
            suspects = self._suspects.popleft()
            if len(suspects) <= _FEW:
                self.faults.update((yield "single out", self._load(suspects)))
            else:
                for portion in _portions(suspects, _PORTION):
                    yield "add", self._load(portion)
                yield from self._ask_for_sum(suspects)

    def require_done(self) -> None:
        """That nothing was forgotten is not left to be seen from the code."""
        if self._summed != self._count or self._suspects:
            raise RuntimeError("not all proofs have been looked at")
        false = {fault.event for fault in self.faults if fault.rule == PROOF_INVALID}
        if any(false.isdisjoint(events) for events in self._broken):
            raise RuntimeError("a sum does not hold, and no proof is false")

    def _ask_for_sum(self, share: Sequence[ProofTask]) -> _Conversation:
        if (yield "hold", ()) is not True:
            self._broken.append({task.index for task in share})
            self._suspects.extend(_portions(share, max(_FEW, -(-len(share) // _PARTS))))

    def _load(self, tasks: Sequence[ProofTask]) -> list[Proven]:
        return [(task, self._proof_of(task.index)) for task in tasks]


def _portions(tasks: Sequence[ProofTask], size: int) -> Iterator[list[ProofTask]]:
    remaining = iter(tasks)
    while portion := list(islice(remaining, size)):
        yield portion


def _answer(sums: ProofSums, question: _Question) -> Any:
    what, proofs = question
    if what == "hold":
        return sums.hold()
    return sums.add(proofs) if what == "add" else sums.single_out(proofs)


def _here(work: _Work, sums: ProofSums) -> None:
    conversation = work.conversation(0)
    try:
        question = next(conversation)
        while True:
            question = conversation.send(_answer(sums, question))
    except StopIteration:
        return


# ---- in processes


def _in_processes(work: _Work, group: Group, copy: LogCopy, count: int) -> None:
    """Processes are spawned, not forked: whoever audits may have threads."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker(group, copy)) for _ in range(count)]
        busy: dict[Any, _Worker] = {}
        while True:
            for number, worker in enumerate(workers):
                # What one has found out gives the others something to do.
                if worker.connection not in busy and worker.begin(work.conversation(number)):
                    busy[worker.connection] = worker
            if not busy:
                return
            for connection in wait(busy):
                if not busy[connection].go_on():
                    del busy[connection]


class _Worker:
    """A process that answers, and what it is being asked."""

    def __init__(self, group: Group, copy: LogCopy) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, group, copy), daemon=True)
        self._process.start()
        theirs.close()  # so that its end can be heard
        self._conversation: _Conversation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join()

    def begin(self, conversation: _Conversation) -> bool:
        """Ask the first question; whether there is one."""
        self._conversation = conversation
        return self._ask(lambda: next(conversation))

    def go_on(self) -> bool:
        """Take the answer that has come, and ask the next question; whether there is one."""
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            raise WorkerDied("a process that verifies proofs has died") from None
        return self._ask(lambda: self._conversation.send(answer))

    def _ask(self, question: Callable[[], _Question]) -> bool:
        try:
            asked = question()
        except StopIteration:
            return False
        try:
            self.connection.send(asked)
        except OSError:
            raise WorkerDied("a process that verifies proofs has died") from None
        return True


def _serve(connection: "Connection[Any, Any]", group: Group, copy: LogCopy) -> None:
    """The life of such a process; its error is shown where it is, and ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it hears that, and ends it
    sums = ProofSums(group, Rings(group, copy))
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return
        connection.send(_answer(sums, question))
