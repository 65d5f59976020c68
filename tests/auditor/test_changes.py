"""A merchant changes its logs and signs them anew: which changes are seen from the logs alone.

The events of the story are ten minutes apart, or numbered. What is not seen is stated here, as
small as it is: docs/auditors.md explains it (*What no auditor can see*).
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.judging import judge, proof_in, verify_proofs
from auditor.replay import Replay
from commitments.p256 import P256
from commitments.wire import canonical_json
from ledger.events import TRANSFER_APPROVED
from policies.claim import REMEDIES
from tests.auditor.changes import Path, changed_leaf, differences, leaves
from tests.auditor.lies import claimed
from tests.auditor.logs import Event, Logs
from tests.world import ORIGIN

NUMBER = st.integers(0, 10_000)
"""Chooses one of whatever there is."""

MOST_SAID = 5
"""Disagreements about one change: what follows from it is not counted up."""

ONLY_THE_MERCHANT_SAYS: dict[str, tuple[Path, ...]] = {
    "log.declared": (("void_window",),),
    "policy.published": (("policy",),),
    "policy.withdrawn": (("from",),),
    "recall.published": (("notice",),),
    "purchase.voided": (("reason",),),
    "claim.step": (("share",), ("reason",), ("resolution",), ("wants",), ("attachments",)),
}
"""Members that nothing else in the logs depends on, beside times."""


def is_only_said(event: Event, path: Path) -> bool:
    """Whether only the merchant's word stands for the member at ``path``."""
    if path[0] == "time":
        return True
    is_buyers = event["type"] == "claim.step" and event["by"] == "buyer"
    said = () if is_buyers else ONLY_THE_MERCHANT_SAYS.get(event["type"], ())
    return any(path[: len(prefix)] == prefix for prefix in said)


def chain(event: Event) -> str:
    """What an event is one of: those of one case or transfer, or those with one count."""
    for name in ("claim_id", "transfer_id"):
        if name in event:
            return str(event[name])
    family, _, _ = event["type"].partition(".")
    return "closes" if event["type"] == "log.closed" else family


def is_last_of_its_chain(logs: Logs, index: int) -> bool:
    named = chain(logs.event(index))
    return all(chain(json.loads(later)) != named for later in logs.events[index + 1 :])


@given(NUMBER)
def test_an_event_is_dropped(honest: Logs, which: int) -> None:
    """Seen, unless it is the last of its case or of its count."""
    index = which % len(honest.events)
    broken = honest.without(index).broken()
    assert broken or is_last_of_its_chain(honest, index)
    assert len(broken) <= MOST_SAID


@given(NUMBER, NUMBER)
def test_an_event_is_there_twice(honest: Logs, which: int, where: int) -> None:
    index = which % len(honest.events)
    place = index + 1 + where % (len(honest.events) - index)
    again = honest.with_events(
        [*honest.events[:place], honest.events[index], *honest.events[place:]]
    )
    assert 0 < len(again.broken()) <= MOST_SAID


@given(NUMBER, NUMBER)
def test_an_event_stands_in_another_place(honest: Logs, which: int, where: int) -> None:
    index = which % len(honest.events)
    others = honest.without(index).events
    place = where % len(honest.events)
    if place != index:
        moved = honest.with_events([*others[:place], honest.events[index], *others[place:]])
        assert moved.broken()


@given(NUMBER, NUMBER)
def test_an_event_is_replaced_by_another(honest: Logs, which: int, by: int) -> None:
    index, other = which % len(honest.events), by % len(honest.events)
    if other != index:
        events = list(honest.events)
        events[index] = honest.events[other]
        assert honest.with_events(events).broken()


@given(NUMBER, NUMBER, NUMBER)
def test_a_member_of_an_event_is_another(honest: Logs, which: int, member: int, by: int) -> None:
    """Seen, unless it is one for which there is only the merchant's word."""
    index = which % len(honest.events)
    event = honest.event(index)
    paths = list(leaves(event))
    path = paths[member % len(paths)]
    changed = changed_leaf(honest.events[index], path, by)
    broken = replaced(honest, index, changed).broken()
    assert broken or is_only_said(event, path)
    assert len(broken) <= MOST_SAID


@given(NUMBER, st.integers(0, 1 << 20))
def test_a_bit_of_an_event_is_another(honest: Logs, which: int, bit: int) -> None:
    index = which % len(honest.events)
    data = bytearray(honest.events[index])
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    if not replaced(honest, index, bytes(data)).broken():
        event, changed = honest.event(index), json.loads(data)
        assert all(is_only_said(event, path) for path in differences(event, changed))


@given(NUMBER, st.integers(0, 1 << 20), st.sampled_from(["flip", "drop", "twice", "move"]))
def test_an_entry_of_the_purchase_log_is_another(
    honest: Logs, which: int, how_far: int, change: str
) -> None:
    """What is below the last close stands under its root; behind it the log may yet grow."""
    closed = honest.event(honest.find("log.closed", -1))["size"]
    purchases, index = list(honest.purchases), which % closed
    if change == "flip":
        data = bytearray(purchases[index])
        data[how_far // 8 % len(data)] ^= 1 << how_far % 8
        purchases[index] = bytes(data)
    elif change == "drop":
        del purchases[index]
    elif change == "twice":
        purchases.insert(how_far % closed, purchases[index])
    else:
        place = how_far % (closed - 1)
        purchases.insert(place + (place >= index), purchases.pop(index))
    if purchases != list(honest.purchases):
        assert honest.with_purchases(purchases).broken()


@pytest.mark.parametrize(
    "demands",
    [
        {"price": {"currency": "EUR", "min": 0, "max": 50_000}},
        {"price": {"currency": "USD", "min": 1000, "max": 50_000}},
        {"products": ["96385074"]},
    ],
)
def test_a_policy_demands_something_else_afterwards(honest: Logs, demands: dict[str, Any]) -> None:
    """The rules allow it. The proofs of its claims show that it was another."""

    def change(event: Event) -> None:
        event["policy"] |= demands

    logs = honest.changed(honest.find("policy.published"), change)
    judged = judge(ORIGIN, P256, logs.root_at, enumerate(logs.purchases), logs.size, logs.events)
    assert judged.disagreements == []
    found = verify_proofs(
        judged, judged.proofs, lambda index: proof_in(logs.events[index]), logs, group=P256
    )
    assert {each.rule for each in found} == {"proof-invalid"}


def replaced(logs: Logs, index: int, data: bytes) -> Logs:
    return logs.with_events([*logs.events[:index], data, *logs.events[index + 1 :]])


# ---- what is not seen from the logs alone, said once more


def test_a_claim_that_nothing_came_of_can_be_left_out(honest: Logs) -> None:
    """Its buyer has the receipt of the decision; and the log of before is somebody's."""
    index = honest.find("claim.decided", -1)
    assert is_last_of_its_chain(honest, index)
    assert honest.without(index).broken() == []


def test_the_end_of_the_log_can_be_left_out(honest: Logs) -> None:
    assert all(honest.with_events(honest.events[:n]).broken() == [] for n in (9, 20, 30, 45))


def test_a_transfer_cannot_be_left_out_once_its_entry_is_closed(honest: Logs) -> None:
    index = honest.find(TRANSFER_APPROVED)
    named = honest.event(index)["transfer_id"]
    ended = honest.find("ownership.retired", transfer_id=named)
    assert honest.without(index, ended).broken() == ["transfer-entry"]


# ---- whatever it is given


PLAIN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8)
LISTS = st.lists(PLAIN, max_size=3)
JSON = PLAIN | LISTS | st.dictionaries(st.text(max_size=3), PLAIN | LISTS, max_size=3)


@given(NUMBER, NUMBER, JSON)
def test_any_member_of_any_event_can_be_anything(
    honest: Logs, which: int, member: int, value: Any
) -> None:
    index = which % len(honest.events)
    event: Any = honest.event(index)
    paths = list(leaves(event))
    *steps, last = paths[member % len(paths)]
    cut = member // len(paths) % (len(steps) + 1)
    *steps, last = [*steps, last][: cut + 1]
    owner = event
    for step in steps:
        owner = owner[step]
    owner[last] = value
    try:
        data = canonical_json(event)
    except Exception:  # noqa: BLE001 - no such text can be in a log as JSON
        data = json.dumps(event).encode()
    replaced(honest, index, data).broken()


DAYS = ["0001-01-01", "1969-12-31", "2026-11-20", "2026-11-21", "9999-12-31"]
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "date": st.sampled_from(DAYS),
        "remedy": st.sampled_from(REMEDIES),
        **{
            name: st.sampled_from([0, 2, 12, 13, 2**53 - 1])
            for name in ("version", "number", "first", "size", "voided_at", "lane")
        },
    },
)


@given(BODIES)
def test_a_claim_can_say_anything(honest: Logs, body: dict[str, Any]) -> None:
    """The last claim once more, under its own name: the slot is taken, whatever else it says."""
    again = claimed(honest, honest.find("claim.decided", -1), **body)
    assert honest.and_then(again).broken()


@given(st.lists(st.binary(max_size=40)), st.lists(st.binary(max_size=40)))
def test_logs_of_any_bytes(honest: Logs, purchases: list[bytes], events: list[bytes]) -> None:
    replay = Replay(ORIGIN, P256, lambda _size: None)
    for index, data in enumerate(purchases):
        replay.purchase(index, data)
    for index, data in enumerate([*honest.events[:1], *events]):
        replay.event(index, data)
    replay.settle()
    assert len(replay.disagreements) >= len(events)


def test_portions_make_no_difference(honest: Logs) -> None:
    """Whoever reads on as the log grows has found the same at each close."""
    logs = honest.changed(honest.find("claim.step"), lambda event: {**event, "number": 9})
    whole, parts = logs.replay(), Replay(ORIGIN, P256, logs.root_at)
    for size, stop in ((10, 31), (12, 57), (13, 62), (14, 63)):
        for index in range(parts_of(parts), size):
            parts.purchase(index, logs.purchases[index])
        start = len(parts.record.times) if parts.record else 0
        for index in range(start, stop):
            parts.event(index, logs.events[index])
        parts.settle()
    assert parts.disagreements == whole.disagreements
    assert [task.index for task in parts.take_proofs()] == [
        task.index for task in whole.take_proofs()
    ]
    assert parts.take_proofs() == []


def parts_of(replay: Replay) -> int:
    return len(replay.record.kinds) if replay.record else 0
