"""Proofs that a merchant's log gets wrong, in each place: each is found and named, and no other."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import active_children
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.findings import Disagreement, Entry
from auditor.proof_sums import ProofSums
from auditor.proofs import WorkerDied, check_proofs
from commitments.group import Point
from commitments.p256 import P256
from ledger.purchases import PurchaseLog, Purchases
from policies.claim import ClaimBody
from policies.versions import Version
from tests.auditor.proven_log import (
    FIRST,
    SECOND,
    WARRANTY,
    Proven,
    claim,
    claims,
    entries,
    log,
    partition,
    policy,
)
from tests.zk.dishonest import Lie, Shift, forge

PLACES = range(len(claims()))
EVENTS = [one.task.index for one in claims()]


def check(
    proven: Sequence[Proven], purchases: PurchaseLog | None = None, jobs: int = 1
) -> list[Disagreement]:
    proofs = {one.task.index: one.proof for one in proven}
    tasks = [one.task for one in proven]
    return check_proofs(
        tasks, proofs.__getitem__, purchases or log(), partition(), group=P256, jobs=jobs
    )


def named(found: Sequence[Disagreement]) -> list[tuple[str, int]]:
    """Rules with the events at fault."""
    assert all(one.why and one.entries[0].log == "events" for one in found)
    return [(one.rule, one.entries[0].index) for one in found]


def changed(place: int, change: Callable[[Proven], Proven]) -> list[Proven]:
    return [change(one) if i == place else one for i, one in enumerate(claims())]


def with_proof(change: Callable[[bytes], bytes]) -> Callable[[Proven], Proven]:
    return lambda one: replace(one, proof=change(one.proof))


def with_task(one: Proven, **members: Any) -> Proven:
    return replace(one, task=replace(one.task, **members))


def with_body(one: Proven, **members: Any) -> Proven:
    return with_task(one, body=replace(one.task.body, **members))


def forged(one: Proven, shift: int = 1, equation: int = 0) -> Proven:
    lie = Lie(nonces={equation: Shift(shift)})
    assert isinstance(one.task.body, ClaimBody)
    return replace(one, proof=forge(one.statement, one.opening, lie))


def flipped(proof: bytes) -> bytes:
    """One bit of the last scalar."""
    return proof[:-1] + bytes([proof[-1] ^ 1])


def test_true_proofs_are_true() -> None:
    told: list[int] = []
    proofs = {one.task.index: one.proof for one in claims()}
    tasks = [one.task for one in claims()]
    found = check_proofs(
        tasks, proofs.__getitem__, log(), partition(), group=P256, progress=told.append
    )
    assert found == []
    assert told == sorted(told)
    assert told[-1] == len(tasks)
    assert check([]) == []


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the last scalar": flipped,
    "a bit of the first point": lambda proof: proof[:1] + bytes([proof[1] ^ 1]) + proof[2:],
    "too short": lambda proof: proof[:-1],
    "too long": lambda proof: proof + b"\0",
    "another version": lambda proof: b"\2" + proof[1:],
    "nothing": lambda _proof: b"",
    "a point that is none": lambda proof: proof[:1] + b"\x02" + b"\xff" * 32 + proof[34:],
    "a scalar that is none": lambda proof: proof[:-32] + b"\xff" * 32,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_false_proof_is_named_wherever_it_stands(place: int) -> None:
    found = check(changed(place, with_proof(flipped)))
    assert named(found) == [("proof-invalid", EVENTS[place])]
    assert found[0].entries == (Entry("events", EVENTS[place]),)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_proof_is_named(damage: Callable[[bytes], bytes]) -> None:
    assert ("proof-invalid", EVENTS[1]) in named(check(changed(1, with_proof(damage))))
    assert {event for _, event in named(check(changed(1, with_proof(damage))))} == {EVENTS[1]}


def test_two_whose_errors_would_cancel_are_both_named() -> None:
    """A sum without a weight for each equation would be the identity."""
    proven = [*claims()]
    proven[1], proven[3] = forged(proven[1], 1), forged(proven[3], -1)
    assert named(check(proven)) == [("proof-invalid", EVENTS[1]), ("proof-invalid", EVENTS[3])]


def test_one_whose_own_errors_would_cancel_is_named() -> None:
    lie = Lie(nonces={0: Shift(1), 1: Shift(-1)})
    one = claims()[1]
    proven = changed(1, lambda _: replace(one, proof=forge(one.statement, one.opening, lie)))
    assert named(check(proven)) == [("proof-invalid", EVENTS[1])]


def test_swapped_proofs_are_both_named() -> None:
    proven = [*claims()]
    one, two = proven[1], proven[3]
    proven[1], proven[3] = replace(one, proof=two.proof), replace(two, proof=one.proof)
    found = named(check(proven))
    assert {event for _, event in found} == {EVENTS[1], EVENTS[3]}
    assert [event for rule, event in found if rule == "proof-invalid"] == [EVENTS[1], EVENTS[3]]


OTHER_STATEMENTS: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "ff" * 16},
    "date": {"date": "2026-11-20"},
    "remedy": {"remedy": "refund"},
    "ring of the other lane": {"lane": 1 - claims()[1].task.body.lane},
    "ring before voids": {"size": FIRST, "voided_at": FIRST, "lane": 0},
    "voids of a later close": {},
    "slot that the policy has not": {"number": 1},
    "remedy that the policy has not": {"remedy": "replacement"},
    "no close": {"size": SECOND - 1},
    "no such lane": {"lane": 2},
    "horizons out of order": {"first": SECOND, "size": FIRST},
}


@pytest.mark.parametrize("members", OTHER_STATEMENTS.values(), ids=OTHER_STATEMENTS.keys())
def test_a_proof_of_another_statement_is_named(members: dict[str, Any]) -> None:
    place = 0 if not members else 1
    wrong = members or {"voided_at": SECOND}
    found = check(changed(place, lambda one: with_body(one, **wrong)))
    assert named(found) == [("proof-invalid", EVENTS[place])]


def test_a_proof_under_another_policy_is_named() -> None:
    version = Version(policy(most=230), WARRANTY.published)
    found = check(changed(1, lambda one: with_task(one, version=version)))
    assert named(found) == [("proof-invalid", EVENTS[1])]
    found = check(changed(1, lambda one: with_task(one, version=None)))
    assert named(found) == [("proof-invalid", EVENTS[1])]


def test_a_transfer_of_another_purchase_is_named() -> None:
    blinded = P256.encode(P256.generator)
    found = check(changed(2, lambda one: with_body(one, blinded=blinded)))
    assert named(found) == [("proof-invalid", EVENTS[2])]


def test_a_claim_over_a_ring_that_is_not_the_logs_is_named() -> None:
    """One member is another: all who hid in that ring are named, and no others."""
    other = entries()
    other[1] = other[2]  # which repeats it: not a member, nor the one that was there
    shown = Purchases(other)
    lane = partition().lane_of(1, 0, SECOND)
    expected = [
        one.task.index
        for one in claims()
        if (one.task.body.size, one.task.body.lane) in ((FIRST, 0), (SECOND, lane))
    ]
    assert named(check(claims(), shown)) == [("proof-invalid", event) for event in expected]
    assert 0 < len(expected) < len(claims())


def test_a_ring_below_the_promised_size_is_named_though_the_proof_is_true() -> None:
    lane = claims()[0].task.body
    members = len(claims()[0].statement.ring)
    for smallest, rules in ((members, []), (members + 1, [("ring-too-small", 3)])):
        version = Version(policy(smallest_ring=smallest), WARRANTY.published)
        assert named(check([claim(3, 0, lane.first, lane.size, version)])) == rules


def test_a_ring_without_members_proves_nothing() -> None:
    shown = Purchases([b"no entry"] * SECOND)
    found = named(check(claims(), shown))
    assert found == [("ring-too-small", event) for event in EVENTS]


# ---- where a sum does not hold


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of the search is taken."""
    for name, value in (("_PORTION", 2), ("_FEW", 1), ("_PARTS", 2), ("_WORTH", 2)):
        monkeypatch.setattr(f"auditor.proofs.{name}", value)
    monkeypatch.setattr("auditor.proof_sums._AT_ONCE", 3)


@pytest.mark.usefixtures("in_small_pieces")
@settings(max_examples=8)
@given(st.sets(st.sampled_from(PLACES)))
def test_exactly_the_false_ones_are_named(false: set[int]) -> None:
    proven = [
        replace(one, proof=flipped(one.proof)) if place in false else one
        for place, one in enumerate(claims())
    ]
    assert named(check(proven)) == [("proof-invalid", EVENTS[place]) for place in sorted(false)]


def test_a_sum_that_does_not_hold_though_no_proof_is_false_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine computes wrongly: nobody knows what holds."""
    monkeypatch.setattr(ProofSums, "hold", lambda _self: False)
    with pytest.raises(RuntimeError, match="no proof is false"):
        check(claims())


@pytest.mark.parametrize("silent", ["sum_of_parts", "add"])
def test_a_library_that_fails_silently_verifies_nothing(
    monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    nothing: Point = P256.subtract(P256.generator, P256.generator)
    check(claims()[:1])  # the generators are known
    monkeypatch.setattr(type(P256), silent, lambda *_: nothing)
    assert {event for _, event in named(check(claims()))} == set(EVENTS)


# ---- several processes


@pytest.mark.usefixtures("in_small_pieces")
def test_processes_find_the_same() -> None:
    proven = changed(3, with_proof(flipped))
    proven[6] = with_proof(lambda _proof: b"")(proven[6])
    expected = [("proof-invalid", EVENTS[3]), ("proof-invalid", EVENTS[6])]
    assert named(check(proven, jobs=2)) == named(check(proven)) == expected
    assert active_children() == []


@pytest.mark.usefixtures("in_small_pieces")
def test_a_process_that_is_killed_is_an_error() -> None:
    proofs = {one.task.index: one.proof for one in claims()}
    asked: list[int] = []

    def proof_of(event: int) -> bytes:
        asked.append(event)
        if len(asked) == len(EVENTS):  # both have begun
            os.kill(active_children()[0].pid or 0, signal.SIGKILL)
        return proofs[event]

    tasks = [one.task for one in claims()]
    with pytest.raises(WorkerDied):
        check_proofs(tasks, proof_of, log(), partition(), group=P256, jobs=2)
    assert active_children() == []
