from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import events_origin
from ledger.log import Log
from ledger.note import Verifier
from ledger.tlog_proof import TlogProof
from tests.world import ORIGIN, WARRANTY, World


@pytest.fixture
def world(world: World) -> World:
    world.publish(WARRANTY)
    return world


def _receipt(world: World) -> tuple[EventReceipt, Verifier]:
    ((position, event),) = world.events("policy.published")
    with world.store.read() as connection:
        log = Log(connection, events_origin(ORIGIN))
        hashes = tuple(log.inclusion(position, log.size))
        receipt = EventReceipt(event, TlogProof(position, hashes, log.checkpoint()))
        return receipt, log.verifiers[0]


def test_a_receipt_verifies_offline_after_a_journey_as_json(world: World) -> None:
    receipt, key = _receipt(world)
    arrived = EventReceipt.parse(receipt.document())
    assert arrived == receipt
    assert verify_event_receipt(arrived, key).size == 2


def test_a_forged_event_is_noticed(world: World) -> None:
    receipt, key = _receipt(world)
    verify_event_receipt(receipt, key)
    title = {**receipt.event["policy"], "title": "Ten-year guarantee"}
    forged = EventReceipt({**receipt.event, "policy": title}, receipt.proof)
    with pytest.raises(VerificationError):
        verify_event_receipt(forged, key)


def test_a_receipt_of_another_log_is_noticed(world: World) -> None:
    receipt, key = _receipt(world)
    verify_event_receipt(receipt, key)
    with world.store.log(ORIGIN) as purchases, pytest.raises(VerificationError):
        verify_event_receipt(receipt, *purchases.verifiers)


_JSON = st.none() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@given(st.dictionaries(st.sampled_from(["event", "proof", "more"]), _JSON) | _JSON)
def test_anything_else_is_refused(document: Any) -> None:
    with pytest.raises(FormatError):
        EventReceipt.parse(document)
