"""The queue by itself, with a judge and a recorder that do as they are told."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event
from typing import Any, cast

import pytest

from aftersales.claims import APPROVED
from commitments.errors import Overloaded, Refused
from verifier import claim_queue
from verifier.claim_queue import ClaimQueue
from verifier.decision import Decision
from verifier.judging import Judge
from verifier.pending import Pending
from verifier.recording import Recorder

ACME, OTHER = "ledger.example/acme", "ledger.example/other"


def claim(name: str, origin: str = ACME) -> Pending:
    return Pending(origin, cast("Any", None), b"", name)


class Held:
    """A step that waits until it is let go, for claims of the merchants it is told."""

    def __init__(self) -> None:
        self.begun = Event()
        self.go = Event()
        self.batches: list[list[str]] = []
        self.failure: BaseException | None = None

    def __call__(self, claims: Sequence[Pending]) -> None:
        self.batches.append([claim.identifier for claim in claims])
        self.begun.set()
        assert self.go.wait(60)
        if self.failure is not None:
            raise self.failure

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


class Rooms:
    """A judge who leaves all claims open, and a recorder who approves them all."""

    def __init__(self) -> None:
        self.unprepared: set[str] = set()
        self.judged = Held()
        self.prepared = Held()
        self.recorded = {ACME: Held(), OTHER: Held()}
        self.refuse: Callable[[Pending], Exception | None] = lambda _: None
        self.queue = ClaimQueue(cast("Judge", self), cast("Recorder", self))

    @property
    def steps(self) -> list[Held]:
        return [self.judged, self.prepared, *self.recorded.values()]

    def is_prepared(self, claim: Pending) -> bool:
        return claim.identifier not in self.unprepared

    def prepare(self, claim: Pending) -> None:
        self.prepared([claim])
        if error := self.refuse(claim):
            raise error

    def judge(self, claims: Sequence[Pending]) -> None:
        self.judged(claims)

    def record(self, claims: Sequence[Pending]) -> None:
        self.recorded[claims[0].origin](claims)
        for each in claims:
            each.decision = Decision(each.identifier, APPROVED, new=True)
        if error := self.refuse(claims[0]):
            raise error


@contextmanager
def rooms(*held: str) -> Iterator[Rooms]:
    made = Rooms()
    for name, step in (("judge", made.judged), ("prepare", made.prepared)):
        if name not in held:
            step.go.set()
    for origin, step in made.recorded.items():
        if origin not in held:
            step.go.set()
    try:
        yield made
    finally:
        for step in made.steps:
            step.go.set()
        made.queue.close()


def ids(answers: Sequence["Future[Decision]"]) -> list[str]:
    return [answer.result(60).claim_id for answer in answers]


def until(condition: Callable[[], bool]) -> None:
    waited = Event()
    for _ in range(6000):
        if condition():
            return
        waited.wait(0.01)
    pytest.fail("it never comes to that")


def test_an_idle_queue_serves_at_once_and_alone() -> None:
    with rooms() as made:
        for name in ("a", "b", "c"):
            assert made.queue.put(claim(name)).result(60).claim_id == name
        assert made.judged.sizes == [1, 1, 1]


def test_who_comes_meanwhile_goes_into_the_next_batch() -> None:
    with rooms("judge") as made:
        answers = [made.queue.put(claim("first"))]
        assert made.judged.begun.wait(60)
        answers += [made.queue.put(claim(str(n))) for n in range(10)]
        made.judged.go.set()
        assert ids(answers) == ["first", *map(str, range(10))]
        assert made.judged.sizes == [1, 10]


def test_no_batch_is_larger_than_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_queue, "_LARGEST_BATCH", 4)
    with rooms("judge") as made:
        answers = [made.queue.put(claim("first"))]
        assert made.judged.begun.wait(60)
        answers += [made.queue.put(claim(str(n))) for n in range(10)]
        made.judged.go.set()
        assert ids(answers)[1:] == list(map(str, range(10)))
        assert made.judged.sizes == [1, 4, 4, 2]


def test_a_full_queue_is_said_at_once_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_queue, "_MOST_UNDER_WAY", 5)
    with rooms("judge") as made:
        answers = [made.queue.put(claim(str(n))) for n in range(5)]
        with pytest.raises(Overloaded):
            made.queue.put(claim("too many"))
        made.judged.go.set()
        assert ids(answers) == list("01234")
        assert made.queue.put(claim("later")).result(60).approved
        assert "too many" not in str(made.judged.batches)


def test_proofs_are_checked_while_a_disk_is_waited_for() -> None:
    with rooms(ACME) as made:
        answers = [made.queue.put(claim("a"))]
        assert made.recorded[ACME].begun.wait(60)
        answers += [made.queue.put(claim(name)) for name in "bcd"]
        until(lambda: sum(made.judged.sizes) == 4)
        assert made.recorded[ACME].batches == [["a"]]
        made.recorded[ACME].go.set()
        assert ids(answers) == list("abcd")


def test_a_merchant_that_cannot_be_written_to_holds_up_no_other() -> None:
    with rooms(ACME) as made:
        stuck = made.queue.put(claim("stuck"))
        assert made.recorded[ACME].begun.wait(60)
        assert made.queue.put(claim("free", OTHER)).result(60).approved
        assert not stuck.done()
        made.recorded[ACME].go.set()
        assert stuck.result(60).approved


def test_a_merchant_that_is_always_busy_lets_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claim_queue, "_RECORDING_THREADS", 1)
    monkeypatch.setattr(claim_queue, "_LARGEST_BATCH", 1)
    with rooms(ACME) as made:
        busy = [made.queue.put(claim(str(n))) for n in range(4)]
        assert made.recorded[ACME].begun.wait(60)
        other = made.queue.put(claim("other", OTHER))
        until(lambda: sum(made.judged.sizes) == 5)
        order: list[str] = []
        for answer in (*busy, other):
            answer.add_done_callback(lambda done: order.append(done.result().claim_id))
        made.recorded[ACME].go.set()
        assert other.result(60).approved
        assert ids(busy) == list("0123")
        until(lambda: len(order) == 5)
        assert order.index("other") == 1


def test_a_ring_that_is_being_made_holds_up_nobody() -> None:
    with rooms("prepare") as made:
        made.unprepared = {"cold"}
        cold = made.queue.put(claim("cold"))
        assert made.prepared.begun.wait(60)
        assert made.queue.put(claim("warm")).result(60).approved
        made.prepared.go.set()
        assert cold.result(60).approved


def test_who_is_refused_while_its_ring_is_made_is_not_judged() -> None:
    with rooms() as made:
        made.unprepared = {"cold"}
        made.refuse = lambda _: Refused("unknown-horizon", "not a close of the log")
        with pytest.raises(Refused):
            made.queue.put(claim("cold")).result(60)
        assert made.judged.batches == []


def test_what_was_not_confirmed_is_no_decision() -> None:
    with rooms() as made:
        made.refuse = lambda _: Overloaded("the commit was not confirmed")
        with pytest.raises(Overloaded):
            made.queue.put(claim("a")).result(60)
        made.refuse = lambda _: None
        assert made.queue.put(claim("b")).result(60).approved


class Panic(BaseException):
    """What a library in Rust raises when it finds itself broken is no Exception either."""


@pytest.mark.parametrize("step", ["prepare", "judge", "record"])
def test_a_step_that_panics_answers_its_claims_and_goes_on(step: str) -> None:
    with rooms() as made:
        made.unprepared = {"a", "b"}
        room = {"prepare": made.prepared, "judge": made.judged, "record": made.recorded[ACME]}[step]
        room.failure = Panic()
        with pytest.raises(RuntimeError) as caught:
            made.queue.put(claim("a")).result(5)
        assert caught.value.__cause__ is room.failure
        room.failure = None
        assert made.queue.put(claim("b")).result(5).approved


def test_claims_whose_rings_are_not_made_leave_room_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claim_queue, "_MOST_UNDER_WAY", 5)
    monkeypatch.setattr(claim_queue, "_MOST_UNPREPARED", 3)
    with rooms("prepare") as made:
        made.unprepared = {"0", "1", "2", "too many"}
        cold = [made.queue.put(claim(str(n))) for n in range(3)]
        with pytest.raises(Overloaded):
            made.queue.put(claim("too many"))
        assert made.queue.put(claim("warm")).result(60).approved
        made.prepared.go.set()
        assert ids(cold) == list("012")
        made.unprepared = {"later"}
        assert made.queue.put(claim("later")).result(60).approved


def test_closing_waits_for_what_is_under_way() -> None:
    with rooms("judge") as made:
        answer = made.queue.put(claim("a"))
        assert made.judged.begun.wait(60)
        made.judged.go.set()
        made.queue.close()
        assert answer.result(0).approved
