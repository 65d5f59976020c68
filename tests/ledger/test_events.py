from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from ledger.events import (
    LogDeclaration,
    check_event,
    encode_event,
    event_time,
    events_origin,
    is_events_origin,
    parse_event,
)
from ledger.note import Signer
from tests.ledger.memory_log import ORIGIN, SECOND_WITNESS, TIME, WITNESS, declaration

EVENT = {"type": "claim.decided", "time": TIME, "count": 3, "list": [None, True, "ö"]}
DECLARED = declaration(WITNESS, SECOND_WITNESS)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text("abcÅ€"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("klm", min_size=1), values, max_size=4))
def test_events_are_read_as_written(members: dict[str, Any]) -> None:
    event = {**members, "type": "x", "time": TIME}
    assert parse_event(encode_event(event)) == event


@given(st.binary(max_size=80) | st.text('{}":,type time0[]').map(str.encode))
def test_an_event_that_is_read_is_the_one_that_is_written(data: bytes) -> None:
    try:
        event = parse_event(data)
    except FormatError:
        return
    assert encode_event(event) == data


def test_the_canonical_bytes() -> None:
    data = encode_event({"type": "x", "time": TIME, "b": 1, "a": "ö"})
    assert data.decode() == f'{{"a":"ö","b":1,"time":"{TIME}","type":"x"}}'


@pytest.mark.parametrize(
    "data",
    [
        '{"type":"x","time":"2026-11-21T08:00:00Z"}',  # not in order
        '{"time": "2026-11-21T08:00:00Z","type":"x"}',
        '{"time":"2026-11-21T08:00:00Z","type":"x"}\n',
        '{"time":"2026-11-21T08:00:00Z","type":"x","type":"x"}',
        '{"n":1.0,"time":"2026-11-21T08:00:00Z","type":"x"}',
        '{"n":NaN,"time":"2026-11-21T08:00:00Z","type":"x"}',
        '{"n":9007199254740993,"time":"2026-11-21T08:00:00Z","type":"x"}',
        '{"n":"\\u00f6","time":"2026-11-21T08:00:00Z","type":"x"}',
        '{"n":"o\u0308","time":"2026-11-21T08:00:00Z","type":"x"}',
        '["time","type"]',
        '"type"',
        "",
        "[" * 60_000,
        '{"a":' * 10_000,
    ],
)
def test_other_bytes_are_no_event(data: str) -> None:
    assert parse_event(b'{"time":"2026-11-21T08:00:00Z","type":"x"}')
    with pytest.raises(FormatError):
        parse_event(data.encode())


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21T08:00:00",
        "2026-11-21T08:00:00+00:00",
        "2026-11-21T08:00:00.0Z",
        "2026-11-21t08:00:00z",
        "2026-11-21 08:00:00Z",
        "2026-02-30T08:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T08:00:60Z",
        "2026-1-21T08:00:00Z",
        "\u0662\u0660\u0662\u0666-11-21T08:00:00Z",
        "2026-11-21T08:00:00Z\n",
        1_795_000_000,
        None,
    ],
)
def test_only_one_spelling_of_a_time(time: object) -> None:
    assert encode_event(EVENT)
    with pytest.raises(FormatError) as caught:
        encode_event({**EVENT, "time": time})
    assert caught.value.field == "time"


@pytest.mark.parametrize("kind", ["", None, 1, ["x"]])
def test_an_event_has_a_type(kind: object) -> None:
    assert encode_event(EVENT)
    with pytest.raises(FormatError) as caught:
        encode_event({**EVENT, "type": kind})
    assert caught.value.field == "type"


def test_the_longest_event() -> None:
    room = 65_535 - len(encode_event({"type": "x", "time": TIME, "text": ""}))
    longest = {"type": "x", "time": TIME, "text": "a" * room}
    assert parse_event(encode_event(longest)) == longest
    too_long = encode_event(longest).replace(b"aa", b"aaa", 1)
    with pytest.raises(FormatError, match="too long"):
        parse_event(too_long)
    with pytest.raises(FormatError, match="too long"):
        encode_event({**longest, "text": "a" * (room + 1)})


def test_times_are_written_in_utc() -> None:
    moment = datetime(2026, 11, 21, 10, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert event_time(moment) == TIME == event_time(datetime(2026, 11, 21, 8, tzinfo=UTC))


def test_the_fields_of_an_event_are_exactly_those() -> None:
    check_event({"type": "x", "time": TIME, "a": 1}, "x", ["a"])
    for event in ({"type": "x", "time": TIME}, {"type": "x", "time": TIME, "a": 1, "b": 2}):
        with pytest.raises(FormatError, match="fields"):
            check_event(event, "x", ["a"])
    with pytest.raises(FormatError, match="not a y"):
        check_event({"type": "x", "time": TIME, "a": 1}, "y", ["a"])


def test_an_event_log_is_told_by_its_origin() -> None:
    assert events_origin(ORIGIN) == "ledger.example/acme/events"
    assert is_events_origin(events_origin(ORIGIN))
    assert not is_events_origin(ORIGIN)


# ---- the declaration


def test_a_declaration_is_read_as_written() -> None:
    event = DECLARED.to_event(TIME)
    assert LogDeclaration.from_event(parse_event(encode_event(event))) == DECLARED
    alone = replace(DECLARED, seed_witnesses=())
    assert LogDeclaration.from_event(alone.to_event(TIME)) == alone


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "log.closed"),
        ("origin", "ledger.example/acme 2"),
        ("origin", "ledger.example/other"),  # the keys are not of that log
        ("origin", events_origin(ORIGIN)),
        ("origin", 7),
        ("suite", ""),
        ("suite", None),
        ("capacity", 1_000),
        ("capacity", "1024"),
        ("capacity", True),
        ("period", "PT1H"),
        ("period", ["P1D"]),
        ("void_window", -1),
        ("void_window", True),
        ("void_window", "1"),
        ("void_window", 2**40),
        ("seed_witnesses", WITNESS.verifier.vkey),
        ("seed_witnesses", [WITNESS.verifier.vkey] * 2),
        ("seed_witnesses", [1]),
        ("seed_witnesses", ["junk"]),
        ("seed_witnesses", None),
        ("purchases_vkey", WITNESS.verifier.vkey),
        ("events_vkey", DECLARED.purchases.vkey),
        ("events_vkey", None),
    ],
)
def test_what_a_log_cannot_declare(field: str, value: object) -> None:
    event = DECLARED.to_event(TIME)
    assert LogDeclaration.from_event(event) == DECLARED
    with pytest.raises(FormatError):
        LogDeclaration.from_event({**event, field: value})


def test_a_declaration_has_no_other_fields() -> None:
    event = DECLARED.to_event(TIME)
    with pytest.raises(FormatError, match="fields"):
        LogDeclaration.from_event({**event, "note": "x"})
    del event["capacity"]
    with pytest.raises(FormatError, match="fields"):
        LogDeclaration.from_event(event)


def test_two_logs_of_a_merchant_may_not_share_a_name() -> None:
    with pytest.raises(FormatError):
        replace(DECLARED, events=Signer(ORIGIN, b"e" * 32).verifier)
