from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread, get_ident

import pytest

from commitments.errors import Overloaded
from ledger.group_commit import CommitFailed, GroupCommit, Ticket

WAIT_SECONDS = 30  # a limit for a test that hangs, never waited for


class Recorder:
    """Commits by running the work with its own list of everything done so far."""

    def __init__(self, longest: int = 100) -> None:
        self.done: list[str] = []
        self.batches: list[int] = []
        self.threads: list[int] = []
        self.gate = Event()
        self.entered = Event()
        self.gate.set()
        self.failure: BaseException | None = None
        self.commits = GroupCommit(self.commit, longest)

    def commit(self, tickets: Sequence[Ticket[list[str]]]) -> None:
        self.entered.set()
        assert self.gate.wait(WAIT_SECONDS)
        self.batches.append(len(tickets))
        self.threads.append(get_ident())
        for ticket in tickets:
            try:
                ticket.result = ticket.work(self.done)
            except ValueError as error:
                ticket.error = error
        if self.failure is not None:
            raise self.failure


def start(*targets: Callable[[], object]) -> list[Thread]:
    threads = [Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def join(threads: list[Thread]) -> None:
    for thread in threads:
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


def say(word: str) -> Callable[[list[str]], int]:
    def work(done: list[str]) -> int:
        done.append(word)
        return len(done)

    return work


def refuse(_done: list[str]) -> int:
    raise ValueError("no")


def wait_for_queue(commits: GroupCommit[list[str]], length: int) -> None:
    tick = Event()
    for _ in range(3_000):
        if len(commits._queue) == length:
            return
        tick.wait(0.01)
    pytest.fail("nobody queued")


def test_a_single_caller_commits_at_once() -> None:
    recorder = Recorder()
    assert recorder.commits.submit(say("a")) == 1
    assert recorder.commits.submit(say("b")) == 2
    assert recorder.batches == [1, 1]
    assert set(recorder.threads) == {get_ident()}


def test_all_that_arrive_during_a_commit_go_into_the_next_one() -> None:
    recorder = Recorder()
    results: dict[str, int] = {}

    def caller(word: str) -> Callable[[], None]:
        return lambda: results.__setitem__(word, recorder.commits.submit(say(word)))

    recorder.gate.clear()
    threads = start(caller("first"))
    assert recorder.entered.wait(WAIT_SECONDS)
    threads += start(*(caller(f"later {n}") for n in range(15)))
    wait_for_queue(recorder.commits, 15)
    recorder.gate.set()
    join(threads)
    assert recorder.batches == [1, 15]
    assert results == {word: place for place, word in enumerate(recorder.done, 1)}


def test_work_that_raises_fails_its_own_caller() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError, match="no"):
        recorder.commits.submit(refuse)
    assert recorder.commits.submit(say("next")) == 1


def test_a_failed_commit_fails_all_and_the_next_one_works() -> None:
    recorder = Recorder()
    errors: list[Exception] = []
    lock = Lock()

    def caller(work: Callable[[list[str]], int]) -> Callable[[], None]:
        def run() -> None:
            try:
                recorder.commits.submit(work)
            except (CommitFailed, ValueError) as error:
                with lock:
                    errors.append(error)

        return run

    recorder.gate.clear()
    recorder.failure = OSError("disk")
    threads = start(caller(say("a")))
    assert recorder.entered.wait(WAIT_SECONDS)
    threads += start(caller(say("b")), caller(refuse), caller(say("c")))
    wait_for_queue(recorder.commits, 3)
    recorder.gate.set()
    join(threads)
    assert sorted(type(error).__name__ for error in errors) == ["CommitFailed"] * 4
    failed = [error for error in errors if isinstance(error, CommitFailed)]
    assert all(error.__cause__ is recorder.failure for error in failed)
    assert len({id(error) for error in failed}) == 4
    recorder.failure = None
    assert recorder.commits.submit(say("d")) == len(recorder.done)


def test_an_interrupted_leader_hands_over() -> None:
    recorder = Recorder()
    recorder.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        recorder.commits.submit(say("a"))
    recorder.failure = None
    assert recorder.commits.submit(say("b")) == 2


@pytest.mark.parametrize("others", [0, 2])
def test_an_interrupted_caller_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """Its work is dropped when no commit has it yet, and someone else leads in its place."""
    recorder = Recorder()
    results: list[int] = []
    recorder.gate.clear()
    threads = start(lambda: results.append(recorder.commits.submit(say("first"))))
    assert recorder.entered.wait(WAIT_SECONDS)

    def interrupt(_ticket: Ticket[list[str]]) -> bool:
        monkeypatch.undo()
        threads.extend(
            start(
                *(lambda: results.append(recorder.commits.submit(say("o"))) for _ in range(others))
            )
        )
        wait_for_queue(recorder.commits, 1 + others)
        raise KeyboardInterrupt

    monkeypatch.setattr(Ticket, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        recorder.commits.submit(say("interrupted"))
    recorder.gate.set()
    join(threads)
    assert len(results) == 1 + others
    assert "interrupted" not in recorder.done
    assert recorder.commits.submit(say("next")) == 2 + others


def test_a_caller_interrupted_when_called_to_lead_appoints_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder()
    results: list[int] = []
    recorder.gate.clear()
    threads = start(lambda: results.append(recorder.commits.submit(say("first"))))
    assert recorder.entered.wait(WAIT_SECONDS)
    wait = Ticket.wait

    def interrupt(ticket: Ticket[list[str]]) -> bool:
        monkeypatch.undo()
        threads.extend(start(lambda: results.append(recorder.commits.submit(say("other")))))
        wait_for_queue(recorder.commits, 2)
        recorder.gate.set()
        wait(ticket)  # it leads now, and does not get to it
        raise KeyboardInterrupt

    monkeypatch.setattr(Ticket, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        recorder.commits.submit(say("interrupted"))
    join(threads)
    assert recorder.done == ["first", "other"]
    assert results == [1, 2]


def test_work_may_not_wait_for_another_commit() -> None:
    recorder = Recorder()

    def nested(_done: list[str]) -> int:
        with pytest.raises(RuntimeError, match="must not wait"):
            recorder.commits.submit(say("inner"))
        return 7

    assert recorder.commits.submit(nested) == 7
    assert recorder.done == []


def test_many_threads_lose_nothing() -> None:
    recorder = Recorder()
    results: list[int] = []

    def caller() -> None:
        results.extend([recorder.commits.submit(say("x")) for _ in range(50)])

    join(start(*[caller] * 16))
    assert sorted(results) == list(range(1, 801))
    assert sum(recorder.batches) == 800


def test_a_full_queue_refuses_at_once_and_loses_nothing() -> None:
    recorder = Recorder(longest=3)
    results: list[int] = []
    recorder.gate.clear()
    threads = start(lambda: results.append(recorder.commits.submit(say("first"))))
    assert recorder.entered.wait(WAIT_SECONDS)
    threads += start(*[lambda: results.append(recorder.commits.submit(say("later")))] * 3)
    wait_for_queue(recorder.commits, 3)
    for _ in range(5):
        with pytest.raises(Overloaded, match="waiting") as refused:
            recorder.commits.submit(say("refused"))
        assert not isinstance(refused.value, CommitFailed)
    recorder.gate.set()
    join(threads)
    assert recorder.batches == [1, 3]
    assert recorder.done == ["first", *["later"] * 3]
    assert sorted(results) == [1, 2, 3, 4]
    assert recorder.commits.submit(say("room again")) == 5


def test_many_threads_at_a_short_queue_lose_nothing() -> None:
    """What was refused is sent again until it is accepted: each once, and the queue stays short."""
    recorder = Recorder(longest=4)
    results: list[int] = []
    refusals: list[str] = []

    def caller() -> None:
        for _ in range(50):
            while True:
                try:
                    results.append(recorder.commits.submit(say("x")))
                    break
                except Overloaded as error:
                    refusals.append(str(error))
                    Event().wait(0.0001)

    recorder.gate.clear()
    threads = start(*[caller] * 32)
    while len(refusals) < 27:  # one leads, four wait, and all others have been refused
        threads[0].join(0.001)
    recorder.gate.set()
    join(threads)
    assert sorted(results) == list(range(1, 1601))
    assert len(recorder.done) == 1600
    assert max(recorder.batches) <= 4
