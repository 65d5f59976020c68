from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, KvittoError, Overloaded, VerificationError
from tests.zk.claims import opening, statement
from tests.zk.tiny_group import TOY
from verifier import batching
from verifier.batching import BatchVerifier
from zk.accumulator import Accumulator
from zk.prove import prove
from zk.verify import find_false, verify

CLAIM = statement(TOY, 5)
GOOD = prove(CLAIM, opening(TOY, 2))


class Held:
    """A multiplication that waits until it is let go, and what came together."""

    def __init__(self) -> None:
        self.begun = Event()
        self.go = Event()
        self.batches: list[int] = []

    def find_false(self, accumulators: list[Accumulator]) -> list[int]:
        self.batches.append(len(accumulators))
        self.begun.set()
        assert self.go.wait(60)
        return find_false(accumulators)


@contextmanager
def holding(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    monkeypatch.setattr(batching, "find_false", held.find_false)
    try:
        yield held
    finally:
        held.go.set()


def outcome(verifier: BatchVerifier, proof: bytes) -> type[KvittoError] | None:
    try:
        verifier.verify(CLAIM, proof)
    except KvittoError as error:
        return type(error)
    return None


def test_an_idle_service_verifies_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with holding(monkeypatch) as held:
        held.go.set()
        verifier = BatchVerifier()
        for _ in range(3):
            verifier.verify(CLAIM, GOOD)
        assert held.batches == [1, 1, 1]


def test_who_comes_meanwhile_goes_into_the_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = bytearray(GOOD)
    bad[-1] = (bad[-1] + 1) % TOY.order
    with holding(monkeypatch) as held, ThreadPoolExecutor(12) as pool:
        verifier = BatchVerifier()
        first = pool.submit(outcome, verifier, GOOD)
        assert held.begun.wait(60)
        others = [pool.submit(outcome, verifier, p) for p in [GOOD] * 5 + [bytes(bad)] + [GOOD] * 4]
        _until(lambda: len(verifier._rounds._queue) == 10)
        held.go.set()
        assert first.result() is None
        results = [other.result() for other in others]
    assert results == [None] * 5 + [VerificationError] + [None] * 4
    assert held.batches == [1, 10]


def test_a_full_queue_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    most = batching._MOST_WAITING
    with holding(monkeypatch) as held, ThreadPoolExecutor(most + 1) as pool:
        verifier = BatchVerifier()
        waiting = [pool.submit(outcome, verifier, GOOD)]
        assert held.begun.wait(60)
        waiting += [pool.submit(outcome, verifier, GOOD) for _ in range(most)]
        _until(lambda: len(verifier._rounds._queue) == most)
        assert outcome(verifier, GOOD) is Overloaded
        held.go.set()
        assert [each.result() for each in waiting] == [None] * (most + 1)


def test_what_cannot_be_read_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with holding(monkeypatch) as held:
        assert outcome(BatchVerifier(), GOOD[:-1]) is FormatError
        assert not held.begun.is_set()


mutations = st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255))


@given(st.lists(st.none() | mutations, min_size=1, max_size=8))
def test_together_is_decided_as_alone(changes: list[Any]) -> None:
    proofs = []
    for change in changes:
        proof = bytearray(GOOD)
        if change is not None:
            proof[change[0]] = change[1]
        proofs.append(bytes(proof))
    verifier = BatchVerifier()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda proof: outcome(verifier, proof), proofs))
    assert together == [_alone(proof) for proof in proofs]


def _alone(proof: bytes) -> type[KvittoError] | None:
    try:
        verify(CLAIM, proof)
    except KvittoError as error:
        return type(error)
    return None


def _until(condition: Any) -> None:
    waited = Event()
    for _ in range(6000):
        if condition():
            return
        waited.wait(0.01)
    pytest.fail("it never comes to that")
