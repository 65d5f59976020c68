import pytest

from commitments.errors import FormatError, VerificationError
from ledger.closed import ClosedLogs
from ledger.event_log import append_event, events_of, last_events, read_declaration
from ledger.events import event_time, events_origin
from ledger.evidence import EventEvidence, build_event_evidence, verify_event_evidence
from ledger.log import Log, NotInLog
from ledger.note import Signer
from tests.world import ORIGIN, WARRANTY, World


@pytest.fixture
def world(world: World) -> World:
    """Event log: declaration, policy, close, policy with the end of the one before, close."""
    for version in (1, 2):
        world.publish(WARRANTY, version=version)
        world.buy(world.sale(), world.sale())
        world.close()
    return world


def _evidence(world: World, *types: str) -> EventEvidence:
    with world.store.read() as connection:
        events = events_of(connection, ORIGIN, types)
        return build_event_evidence(Log(connection, events_origin(ORIGIN)), events)


def test_events_are_found_by_their_type(world: World) -> None:
    with world.store.read() as connection:
        closes = events_of(connection, ORIGIN, ["log.closed"])
        later = events_of(connection, ORIGIN, ["log.closed"], start=closes[0][0] + 1)
        last = last_events(connection, ORIGIN, "log.closed", 1)
        both = last_events(connection, ORIGIN, "log.closed", 9)
        none = events_of(connection, ORIGIN, ["claim.decided"])
    assert [position for position, _ in closes] == [2, 5]
    assert later == last == closes[1:]
    assert both == closes
    assert none == []


def test_an_event_that_is_rolled_back_is_not_found(world: World) -> None:
    time = event_time(world.clock())

    def unit(transaction: object) -> None:
        append_event(transaction, ORIGIN, {"type": "test.event", "time": time})  # type: ignore[arg-type]
        raise RuntimeError("never mind")

    sizes = world.sizes()
    with pytest.raises(RuntimeError):
        world.store.write(unit)
    assert world.sizes() == sizes
    assert world.events("test.event") == []


def test_evidence_proves_the_events_it_shows(world: World) -> None:
    evidence = _evidence(world, "log.declared", "log.closed")
    parsed = EventEvidence.parse(evidence.document())
    assert parsed == evidence
    with world.store.read() as connection:
        key = read_declaration(connection, ORIGIN).events
    checkpoint = verify_event_evidence(parsed, key)
    assert (checkpoint.origin, checkpoint.size) == (events_origin(ORIGIN), 6)


def test_server_shows_an_event_that_is_not_in_the_log(world: World) -> None:
    with world.store.read() as connection:
        key = read_declaration(connection, ORIGIN).events
    honest = _evidence(world, "log.closed")
    verify_event_evidence(honest, key)
    (first, event), *rest = honest.events
    forgeries = [
        ((first, {**event, "size": event["size"] + 1}), *rest),
        ((first + 1, event), *rest),
        honest.events[:1],
        (*honest.events, (0, event)),
    ]
    for events in forgeries:
        forged = EventEvidence(tuple(events), honest.hashes, honest.checkpoint)
        with pytest.raises((VerificationError, FormatError)):
            verify_event_evidence(forged, key)


def test_server_signs_evidence_with_another_key(world: World) -> None:
    evidence = _evidence(world, "log.closed")
    other = Signer(events_origin(ORIGIN), bytes(32)).verifier
    with pytest.raises(VerificationError):
        verify_event_evidence(evidence, other)
    with world.store.log(ORIGIN) as purchases, pytest.raises(VerificationError):
        verify_event_evidence(evidence, *purchases.verifiers)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"events": [], "hashes": [], "checkpoint": 1},
        {"events": {}, "hashes": [], "checkpoint": ""},
        {"events": [{"index": True, "event": {}}], "hashes": [], "checkpoint": ""},
        {"events": [{"index": 1}], "hashes": [], "checkpoint": ""},
        {"events": [], "hashes": ["AA=="], "checkpoint": ""},
        {"events": [], "hashes": [7], "checkpoint": ""},
        {"events": [], "hashes": [], "checkpoint": "", "more": 1},
    ],
)
def test_what_is_no_evidence_is_refused(document: object) -> None:
    with pytest.raises(FormatError):
        EventEvidence.parse(document)


def test_partitions_grow_with_the_closes(world: World) -> None:
    closed = ClosedLogs()
    with world.store.read() as connection:
        partition = closed.partition(connection, ORIGIN)
        assert [close.size for close in partition.closes] == [2, 4]
    world.buy(world.sale())
    world.close()
    with world.store.read() as connection:
        assert closed.partition(connection, ORIGIN) is partition
        fresh = ClosedLogs().partition(connection, ORIGIN)
        with pytest.raises(NotInLog):
            closed.partition(connection, "ledger.example/nobody")
    assert [close.size for close in partition.closes] == [2, 4, 5]
    assert partition.closes == fresh.closes
    assert [partition.cell(0, 5, lane) for lane in range(partition.lanes(0, 5))] == [
        fresh.cell(0, 5, lane) for lane in range(fresh.lanes(0, 5))
    ]
