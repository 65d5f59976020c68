from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest

from commitments.errors import FormatError, KvittoError, VerificationError
from ledger.closes import Close, CloseFold, accept_closes, day_period, seed, seed_message
from ledger.events import encode_event, parse_event
from ledger.handover import Handover
from ledger.note import Signer
from tests.ledger.memory_log import (
    ORIGIN,
    SECOND_WITNESS,
    TIME,
    WITNESS,
    MemoryLog,
    declaration,
    purchase,
)

DECLARED = replace(declaration(WITNESS, SECOND_WITNESS), period="P1D")
ALONE = replace(declaration(), period="P1D")
LOG = MemoryLog(purchase(n) for n in range(10))


def root_at(size: int) -> bytes | None:
    return LOG.root(size) if size <= LOG.size else None


def close(number: int, period: int, size: int, root: bytes | None = None) -> Close:
    root = LOG.root(size) if root is None else root
    message = seed_message(ORIGIN, period, size, root)
    return Close(number, period, size, root, (WITNESS.sign(message), SECOND_WITNESS.sign(message)))


def accept(*closes: Close) -> list[Close]:
    events = [close.to_event(ORIGIN, TIME) for close in closes]
    return accept_closes(events, DECLARED, root_at)


FIRST = close(0, 100, 4)
SECOND = close(1, 101, 7)


def test_a_close_is_read_as_written() -> None:
    event = parse_event(encode_event(FIRST.to_event(ORIGIN, TIME)))
    assert Close.from_event(event, ORIGIN) == FIRST


def test_the_bytes_a_witness_signs_stay_as_they_are() -> None:
    message = seed_message("a/b", 1, 2, b"r" * 32)
    assert message == (
        b"kvitto-seed/v1" + b"\x03\0\0\0a/b" + b"\x01" + bytes(7) + b"\x02" + bytes(7) + b"r" * 32
    )
    assert seed(FIRST) == sha256(FIRST.root + FIRST.signatures[0] + FIRST.signatures[1]).digest()
    assert seed(FIRST).hex() == "b35c1bea3d0113ed3a342bb7f889d6a0d63aa59b3a2241fca822599fb73ef45d"


def test_closes_in_order_count() -> None:
    unchanged = close(2, 102, 7)  # nothing was sold that day
    last = close(3, 110, 10)  # a week without closes
    assert accept(FIRST, SECOND, unchanged, last) == [FIRST, SECOND, unchanged, last]
    assert accept() == []


def test_other_events_are_passed_over() -> None:
    other = {"type": "claim.decided", "time": TIME}
    events = [other, FIRST.to_event(ORIGIN, TIME), other]
    assert accept_closes(events, DECLARED, root_at) == [FIRST]


def with_signatures(*signatures: bytes) -> Close:
    return replace(SECOND, signatures=signatures)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (close(1, 100, 7), "the period has one already"),
        (close(1, 99, 7), "or has passed"),
        (close(1, 101, 3), "decreases"),
        (close(2, 101, 7), "number"),
        (close(0, 101, 7), "number"),
        (close(1, 101, 7, b"x" * 32), "not the root"),
        (close(1, 101, 11, b"x" * 32), "not the root"),  # larger than the log is
        (with_signatures(), "not one signature"),
        (with_signatures(SECOND.signatures[0]), "not one signature"),
        (with_signatures(*SECOND.signatures, SECOND.signatures[0]), "not one signature"),
        (with_signatures(*reversed(SECOND.signatures)), "does not hold"),
        (with_signatures(SECOND.signatures[0], bytes(64)), "does not hold"),
        (with_signatures(*FIRST.signatures), "does not hold"),
        (replace(SECOND, period=102), "does not hold"),
        (replace(SECOND, size=8, root=LOG.root(8)), "does not hold"),
    ],
)
def test_a_close_that_breaks_a_rule_has_no_effect(bad: Close, why: str) -> None:
    fold = CloseFold(DECLARED, root_at)
    assert fold.accept(FIRST.to_event(ORIGIN, TIME)) == FIRST
    with pytest.raises(VerificationError, match=why):
        fold.accept(bad.to_event(ORIGIN, TIME))
    assert fold.closes == [FIRST]
    assert fold.accept(SECOND.to_event(ORIGIN, TIME)) == SECOND
    assert accept(FIRST, bad, SECOND) == [FIRST, SECOND]


def test_a_merchant_cannot_close_a_period_again_for_another_seed() -> None:
    again = close(1, FIRST.period, 5)
    assert accept(FIRST) == [FIRST]
    assert accept(FIRST, again) == [FIRST]


def test_a_merchant_who_closes_by_calls_cannot_pass_over_a_seed_it_does_not_like() -> None:
    manual = replace(DECLARED, period="manual")

    def accepted(*closes: Close) -> list[Close]:
        events = [close.to_event(ORIGIN, TIME) for close in closes]
        return accept_closes(events, manual, root_at)

    first, disliked, skipping = close(0, 0, 4), close(1, 1, 7), close(1, 2, 8)
    assert accepted(first, disliked) == [first, disliked]
    assert accepted(first, skipping) == [first]
    assert accepted(close(0, 1, 4)) == []


def test_a_close_of_another_log_has_no_effect() -> None:
    message = seed_message("ledger.example/other", 101, 7, LOG.root(7))
    signatures = (WITNESS.sign(message), SECOND_WITNESS.sign(message))
    foreign = replace(SECOND, signatures=signatures)
    events = [FIRST.to_event(ORIGIN, TIME), foreign.to_event("ledger.example/other", TIME)]
    assert accept_closes(events, DECLARED, root_at) == [FIRST]
    assert accept(FIRST, foreign) == [FIRST]


def test_without_witnesses_the_origin_still_tells_logs_apart() -> None:
    bare = replace(FIRST, signatures=())
    event = bare.to_event("ledger.example/other", TIME)
    assert accept_closes([bare.to_event(ORIGIN, TIME)], ALONE, root_at) == [bare]
    assert accept_closes([event], ALONE, root_at) == []


def test_without_witnesses_a_close_has_no_signatures() -> None:
    bare = replace(FIRST, signatures=())
    assert accept_closes([bare.to_event(ORIGIN, TIME)], ALONE, root_at) == [bare]
    assert accept_closes([FIRST.to_event(ORIGIN, TIME)], ALONE, root_at) == []


Mutation = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "mutate",
    [
        lambda event: event.update(extra=1),
        lambda event: event.pop("root"),
        lambda event: event.update(number=-1),
        lambda event: event.update(number="0"),
        lambda event: event.update(number=False),
        lambda event: event.update(period=None),
        lambda event: event.update(size="4"),
        lambda event: event.update(root=event["root"].upper()),
        lambda event: event.update(root=event["root"][:-2]),
        lambda event: event.update(root=7),
        lambda event: event.update(signatures=event["signatures"][0]),
        lambda event: event.update(signatures=[1]),
        lambda event: event.update(signatures=[event["signatures"][0][:-2]]),
        lambda event: event.update(signatures=None),
    ],
)
def test_what_is_not_quite_a_close(mutate: Mutation) -> None:
    event = FIRST.to_event(ORIGIN, TIME)
    assert Close.from_event(event, ORIGIN) == FIRST
    mutate(event)
    with pytest.raises(FormatError):
        Close.from_event(event, ORIGIN)
    assert accept_closes([event], DECLARED, root_at) == []


def test_the_order_of_errors_leaves_the_fold_as_it_was() -> None:
    fold = CloseFold(DECLARED, root_at)
    for junk in ({}, {"type": "log.closed"}, {"type": "other", "time": TIME}):
        with pytest.raises(KvittoError):
            fold.accept(junk)
    assert fold.accept(FIRST.to_event(ORIGIN, TIME)) == FIRST


def test_days_are_counted_in_utc() -> None:
    assert day_period(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert day_period(datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)) == 20_778
    east = timezone(timedelta(hours=9))
    assert day_period(datetime(2026, 11, 22, 8, 0, tzinfo=east)) == 20_778


# ---- a seed witness changes its key

NEW, NEWER, THIEF = (Signer(WITNESS.name, letter * 32) for letter in (b"n", b"o", b"t"))


def handed_over(old: Signer, new: Signer) -> dict[str, Any]:
    members = Handover.sign(old, new).members()
    return {"type": "log.witness_key_rotated", "time": TIME, **members}


def by(signer: Signer, number: int, size: int, other: Signer = SECOND_WITNESS) -> dict[str, Any]:
    """A close by this key of the first witness, and this one of the second."""
    made = close(number, 100 + number, size)
    message = seed_message(ORIGIN, made.period, size, made.root)
    return replace(made, signatures=(signer.sign(message), other.sign(message))).to_event(
        ORIGIN, TIME
    )


def count(*events: dict[str, Any]) -> int:
    return len(accept_closes(events, DECLARED, root_at))


def test_after_its_handover_a_new_key_signs_closes() -> None:
    story = [by(WITNESS, 0, 4), handed_over(WITNESS, NEW), by(NEW, 1, 5)]
    assert count(*story, handed_over(NEW, NEWER), by(NEWER, 2, 6)) == 3
    assert count(handed_over(WITNESS, NEW), handed_over(NEW, NEWER), by(NEWER, 0, 4)) == 1


def test_a_stolen_old_key_signs_no_close_after_its_handover() -> None:
    """A merchant who has it could choose seeds for ever, and never use the new key."""
    assert count(handed_over(WITNESS, NEW), by(NEW, 0, 4)) == 1
    assert count(handed_over(WITNESS, NEW), by(WITNESS, 0, 4)) == 0
    assert count(by(WITNESS, 0, 4), handed_over(WITNESS, NEW), by(WITNESS, 1, 5)) == 1


def test_closes_do_not_go_back_to_a_key_that_may_be_stolen() -> None:
    story = [handed_over(WITNESS, NEW), by(NEW, 0, 4)]
    assert count(*story, by(NEW, 1, 5)) == 2
    assert count(*story, by(WITNESS, 1, 5)) == 1
    assert count(*story, handed_over(NEW, NEWER), by(WITNESS, 1, 5)) == 1


def test_a_merchant_that_logs_a_handover_late_or_never() -> None:
    assert count(by(WITNESS, 0, 4), handed_over(WITNESS, NEW), by(NEW, 1, 5)) == 2
    assert count(by(WITNESS, 0, 4), by(NEW, 1, 5), handed_over(WITNESS, NEW)) == 1
    assert count(by(WITNESS, 0, 4), by(NEW, 1, 5)) == 1


@pytest.mark.parametrize(
    "forged",
    [
        {**handed_over(THIEF, NEW), "vkey": WITNESS.verifier.vkey},
        {**handed_over(WITNESS, NEW), "next_vkey": THIEF.verifier.vkey},
        {**handed_over(WITNESS, NEW), "signature": "A" * 86 + "=="},
    ],
)
def test_a_forged_handover_stops_every_reader(forged: dict[str, Any]) -> None:
    assert count(by(WITNESS, 0, 4), handed_over(WITNESS, NEW)) == 1
    with pytest.raises(KvittoError):
        count(by(WITNESS, 0, 4), forged)


def test_a_second_successor_stops_every_reader() -> None:
    with pytest.raises(VerificationError, match="two successors"):
        count(handed_over(WITNESS, NEW), handed_over(WITNESS, THIEF), by(THIEF, 0, 4))


def test_the_handover_of_another_witness_changes_nothing() -> None:
    """Not even that of the other one which signs these closes."""
    other = Signer(SECOND_WITNESS.name, b"2" * 32)
    assert count(handed_over(SECOND_WITNESS, other), by(WITNESS, 0, 4, other)) == 1
    assert count(handed_over(SECOND_WITNESS, other), by(other, 0, 4, other)) == 0
    strange, stranger = (Signer("stranger.example/w", letter * 32) for letter in (b"x", b"y"))
    assert count(handed_over(strange, stranger), by(WITNESS, 0, 4)) == 1
    assert count(handed_over(strange, stranger), by(stranger, 0, 4)) == 0
