"""Claims that arrive together are decided together (docs/protocol.md 7).

Whoever finds nothing going on is served at once, alone: an idle service adds no wait. Who comes
meanwhile goes into the next batch. Judging and recording are two stages, so that proofs are checked
while a disk or a witness is waited for. A stage is one thread's work: many threads would wait for
one interpreter lock, and the multiplication inside uses all cores by itself.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from commitments.errors import KvittoError, Overloaded
from commitments.sandbox import is_sandbox
from ledger.metrics import CLAIMS_UNDER_WAY, DECISIONS
from verifier.approvals import CLAIM
from verifier.decision import Decision
from verifier.judging import Judge
from verifier.pending import Pending
from verifier.recording import Recorder

__all__ = ["ClaimQueue"]

_LARGEST_BATCH = 64  # what a batch costs, and so how long the next one waits, is bounded with it
_MOST_UNDER_WAY = 256  # claims
_MOST_UNPREPARED = _MOST_UNDER_WAY - _LARGEST_BATCH  # who asks for odd rings leaves others room
_PREPARING_THREADS = 2
_RECORDING_THREADS = 8  # merchants whose logs are written to at once


class ClaimQueue:
    """Takes claims at any time, from any thread, and decides them soon."""

    def __init__(self, judge: Judge, recorder: Recorder) -> None:
        self._judge = judge
        self._recorder = recorder
        self._lock = Lock()
        self._answers: dict[Pending, Future[Decision]] = {}
        self._unprepared = 0
        self._preparing = ThreadPoolExecutor(_PREPARING_THREADS, "preparing")
        self._judging = ThreadPoolExecutor(1, "judging")
        self._recording = ThreadPoolExecutor(_RECORDING_THREADS, "recording")
        self._to_judge = _Stage(self._judging, judge.judge, self._judged)
        # For each merchant: one that cannot be written to, such as a copy, holds up nobody else.
        self._to_record: dict[str, _Stage] = {}

    def close(self) -> None:
        """Wait for what is being decided, and let go of the threads."""
        for threads in (self._preparing, self._judging, self._recording):
            threads.shutdown()

    def put(self, claim: Pending) -> Future[Decision]:
        """The decision, once there is one; ``Overloaded`` when too many claims are under way."""
        answer: Future[Decision] = Future()
        answer.set_running_or_notify_cancel()  # it cannot be cancelled
        is_prepared = self._judge.is_prepared(claim)
        with self._lock:
            is_full = len(self._answers) >= _MOST_UNDER_WAY
            if is_full or (not is_prepared and self._unprepared >= _MOST_UNPREPARED):
                raise Overloaded("too many are waiting already")
            self._answers[claim] = answer
            CLAIMS_UNDER_WAY.inc()
            self._unprepared += not is_prepared
        if is_prepared:
            self._to_judge.put(claim)
        else:  # others need not wait until its ring is made
            self._preparing.submit(self._prepare, claim)
        return answer

    def _prepare(self, claim: Pending) -> None:
        _work([claim], lambda claims: self._judge.prepare(claims[0]))
        with self._lock:
            self._unprepared -= 1
        if claim.is_settled:
            self._answer(claim)
        else:
            self._to_judge.put(claim)

    def _judged(self, claim: Pending) -> None:
        if claim.is_settled:
            self._answer(claim)
            return
        if claim.origin not in self._to_record:
            stage = _Stage(self._recording, self._recorder.record, self._answer)
            self._to_record[claim.origin] = stage
        self._to_record[claim.origin].put(claim)

    def _answer(self, claim: Pending) -> None:
        with self._lock:
            answer = self._answers.pop(claim)
        CLAIMS_UNDER_WAY.dec()
        if not is_sandbox(claim.origin):
            DECISIONS.labels(CLAIM, _outcome(claim)).inc()
        if claim.error is not None:
            answer.set_exception(claim.error)
        elif claim.decision is not None:
            answer.set_result(claim.decision)
        else:
            answer.set_exception(RuntimeError("a claim was neither decided nor refused"))


def _outcome(claim: Pending) -> str:
    """What became of it, in a word of a few; a refusal's code could say which policy it was for."""
    if claim.decision is None:
        return "refused" if isinstance(claim.error, KvittoError) else "failed"
    if claim.decision.approved:
        return "approved" if claim.decision.new else "repeated"
    return claim.decision.reason or "declined"


class _Stage:
    """A step that claims take together: ``work`` with all that wait, then ``done`` with each."""

    def __init__(
        self,
        threads: ThreadPoolExecutor,
        work: Callable[[Sequence[Pending]], None],
        done: Callable[[Pending], None],
    ) -> None:
        self._threads = threads
        self._step = work
        self._done = done
        self._lock = Lock()
        self._waiting: deque[Pending] = deque()
        self._works = False

    def put(self, claim: Pending) -> None:
        with self._lock:
            self._waiting.append(claim)
            begins, self._works = not self._works, True
        if begins:
            self._threads.submit(self._run)

    def _run(self) -> None:
        while batch := self._take():
            _work(batch, self._step)
            for claim in batch:
                self._done(claim)
            with suppress(RuntimeError):  # the threads are closing: nobody else's turn comes
                self._threads.submit(self._run)
                return

    def _take(self) -> list[Pending]:
        with self._lock:
            count = min(len(self._waiting), _LARGEST_BATCH)
            self._works = count > 0
            return [self._waiting.popleft() for _ in range(count)]


def _work(claims: Sequence[Pending], step: Callable[[Sequence[Pending]], None]) -> None:
    """Take a step; when it fails as a whole, so does each of the claims."""
    try:
        step(claims)
    except Exception as error:  # noqa: BLE001 - raised where the answer is waited for
        for claim in claims:
            claim.fail(error)
    except BaseException as error:  # noqa: BLE001 - of a library: nobody else waits for it
        broken = RuntimeError("a step has broken off")
        broken.__cause__ = error
        for claim in claims:
            claim.fail(broken)
