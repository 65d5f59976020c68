"""What became of claims: each move is kept, and what no honest service logs is refused."""

from dataclasses import replace
from typing import Any

import pytest

from aftersales.histories import Histories
from commitments.errors import FormatError, Refused, VerificationError
from commitments.wire import encode_base64
from policies.claim import claim_id, parse_claim
from tests.aftersales.cases import REVIEWED, decided
from tests.world import ORIGIN

PROOF = b"a proof that nobody looks at here"


def published(policy: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return {
        "type": "policy.published",
        "time": "2026-11-01T00:00:00Z",
        "number": number,
        "policy": policy,
    }


def opened(policy: dict[str, Any]) -> dict[str, Any]:
    event = {**decided(policy), "proof": encode_base64(PROOF)}
    return {**event, "claim_id": claim_id(parse_claim(event["claim"]), PROOF)}


def step(claim: str, number: int, name: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "claim.step",
        "time": f"2026-11-21T1{3 + number}:00:00Z",
        "claim_id": claim,
        "number": number,
        "by": "merchant",
        "step": name,
        "attachments": [],
        **members,
    }


def test_every_move_is_kept_with_what_it_led_to() -> None:
    histories, claim = Histories(ORIGIN), opened(REVIEWED)
    identifier = claim["claim_id"]
    steps = [
        step(identifier, 0, "approve", resolution="repair", share=100),
        step(identifier, 1, "start"),
        step(identifier, 2, "complete"),
    ]
    for index, event in enumerate([published(REVIEWED), claim, *steps]):
        histories.read(index, event)

    history = histories.claims[identifier]
    assert (history.index, history.first_due) == (1, "2026-11-28T12:00:00Z")
    assert [(move.index, move.step, move.state, move.due) for move in history.moves] == [
        (2, "approve", "approved", "2026-11-28T13:00:00Z"),
        (3, "start", "in_process", "2026-11-28T14:00:00Z"),
        (4, "complete", "completed", None),
    ]
    assert history.case.state == "completed"


def test_a_version_is_that_of_before_the_decision() -> None:
    histories, claim = Histories(ORIGIN), opened(REVIEWED)
    withdrawn = {
        "type": "policy.withdrawn",
        "time": "2026-11-21T13:00:00Z",
        "number": 1,
        "policy": REVIEWED["id"],
        "version": REVIEWED["version"],
        "from": "2026-11-25",
    }
    for index, event in enumerate([published(REVIEWED), claim, withdrawn]):
        histories.read(index, event)
    version = histories.claims[claim["claim_id"]].version
    assert version.endings == ()
    now = histories.versions.version(REVIEWED["id"], REVIEWED["version"])
    assert now is not None
    assert replace(now, endings=()) == version
    assert now.endings != ()


def test_what_no_honest_service_logs_is_refused() -> None:
    histories, claim = Histories(ORIGIN), opened(REVIEWED)
    with pytest.raises(VerificationError, match="not published"):
        histories.read(0, claim)
    histories.read(0, published(REVIEWED))
    with pytest.raises(VerificationError, match="not the id"):
        histories.read(1, {**claim, "claim_id": "ab" * 32})
    for tags in (None, "02", [2]):
        with pytest.raises(FormatError):
            histories.read(1, {**claim, "tags": tags})
    histories.read(1, {**claim, "tags": ["02", "03"]})
    assert histories.claims[claim["claim_id"]].tags == ("02", "03")
    with pytest.raises(VerificationError, match="a second time"):
        histories.read(2, claim)
    with pytest.raises(VerificationError, match="not decided"):
        histories.read(2, step("ab" * 32, 0, "start"))
    with pytest.raises(Refused):
        histories.read(2, step(claim["claim_id"], 0, "complete"))
    assert histories.claims[claim["claim_id"]].moves == []
