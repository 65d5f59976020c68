"""The detectors look at whatever a replay has made of a log, also of one that lies."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.detecting import find_all
from commitments.wire import canonical_json
from tests.auditor.lies import LIES
from tests.auditor.logs import Logs
from tests.auditor.told import Told

LATE = "2031-01-01T00:00:00Z"
JUNK: tuple[Any, ...] = (None, "", "x", -1, 2**52, [], [1], {}, {"a": "b"}, True, "2026-11-22")


def found(logs: Logs) -> list[str]:
    record = logs.replay().record
    return [] if record is None else [each.detector for each in find_all(record, LATE)]


def test_the_story_of_an_honest_shop_is_found_to_be_late_by_now(told: Told) -> None:
    assert set(found(told.logs)) <= {"late-closes", "missed-deadlines", "sandbox"}


def test_a_day_that_has_no_name_stops_no_detector(told: Told) -> None:
    closed = LIES["close-early"]["at the end of all days"](told.logs, told.secrets)
    assert found(closed) == []


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_no_lie_stops_the_detectors(told: Told, seed: int) -> None:
    """Members of events are left out or say something else, and entries are exchanged."""
    random, logs = Random(seed), told.logs
    events = list(logs.events)
    for _ in range(random.randint(1, 4)):
        index = random.randrange(1, len(events))
        event = logs.event(index)
        part = event
        while True:
            name = random.choice(sorted(part))
            if not (isinstance(part[name], dict) and part[name] and random.random() < 0.7):
                break
            part = part[name]
        if random.random() < 0.3:
            del part[name]
        else:
            part[name] = random.choice(JUNK)
        events[index] = canonical_json(event)
    if random.random() < 0.3:
        one, other = random.sample(range(1, len(events)), 2)
        events[one], events[other] = events[other], events[one]
    found(logs.with_events(events))
