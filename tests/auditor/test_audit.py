"""Audits of a merchant who is honest, and of one who lies and signs it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.audit import ENGINES, AuditResult, audit
from auditor.mirror import Mirror, mirror_merchant
from auditor.place import directory_place
from auditor.rules import broken
from commitments.p256 import P256
from commitments.wire import parse_json
from ledger.key_history import parse_shown_keys, read_key_history
from ledger.note import Signature, Verifier
from tests.auditor.lies import LIES
from tests.auditor.logs import Logs
from tests.auditor.more_lies import false_proof
from tests.auditor.shown_logs import NEXT, ShownMerchantLogs
from tests.auditor.shown_logs import mirrored as shown_mirror
from tests.auditor.told import Told

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def mirrored(place: Path, mirror: Path, *pinned: Verifier) -> Mirror:
    opened = directory_place(place)
    return mirror_merchant(
        opened,
        opened.merchant("acme"),
        mirror / "acme",
        clock=lambda: NOW,
        progress=lambda *_: None,
        pinned=pinned,
    )


def audited(
    place: Path, mirror: Path, sample: int | None = None, engine: str = "openssl"
) -> AuditResult:
    """By somebody who reads the file of keys of whoever is honest."""
    keys = parse_shown_keys(parse_json((place / "acme/keys.json").read_bytes()))
    newest = read_key_history(event for _, event in keys[-1].events).events.keys[-1]
    return audit(mirrored(place, mirror, newest), clock=lambda: NOW, sample=sample, engine=engine)


def first(logs: Logs, size: int) -> Logs:
    """The logs when there were so many events, and all purchases of today."""
    return logs.with_events(logs.events[:size])


# ---- honest


def test_an_honest_merchant(told: Told, tmp_path: Path) -> None:
    result = audited(told.exported, tmp_path)
    assert result.disagreements == []
    assert result.checked == {
        "purchases": 14,
        "events": 63,
        "tiles": 2,
        "closes": 19,
        "policies": 6,
        "claims": 9,
        "steps": 16,
        "transfers": 2,
        "voids": 2,
        "reports": 0,
        "proofs": 11,
        "proofs_known": 0,
        "proofs_left_out": 0,
        "cosignatures": 0,
    }
    json.dumps(result.document())


def test_proofs_are_verified_once(told: Told, tmp_path: Path) -> None:
    place = told.write(first(told.logs, 40), tmp_path / "place")
    before = audited(place, tmp_path).checked["proofs"]
    assert 0 < before < 11
    told.write(told.logs, place)
    counts = audited(place, tmp_path).checked
    assert (counts["proofs"], counts["proofs_known"]) == (11 - before, before)
    assert audited(place, tmp_path).checked["proofs"] == 0


def test_a_sample_is_not_remembered(told: Told, tmp_path: Path) -> None:
    for _ in range(2):
        counts = audited(told.exported, tmp_path, sample=3).checked
        assert (counts["proofs"], counts["proofs_left_out"]) == (3, 8)
    assert audited(told.exported, tmp_path, sample=300).checked["proofs"] == 11
    assert audited(told.exported, tmp_path).checked["proofs"] == 11


def test_another_engine_verifies_for_itself(told: Told, tmp_path: Path) -> None:
    assert audited(told.exported, tmp_path).checked["proofs"] == 11
    assert audited(told.exported, tmp_path, 2, "pure").checked["proofs_left_out"] == 9
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENGINES, "pure", P256)  # which is quicker
        assert audited(told.exported, tmp_path, engine="pure").checked["proofs"] == 11
        assert audited(told.exported, tmp_path, engine="pure").checked["proofs"] == 0


def test_the_pure_engine_asks_the_other_for_nothing(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for points of purchases, nor for what next owners have proven, nor for tags."""
    for operation in ("decode", "hash_to_curve", "sum_of_products", "add", "negate"):
        monkeypatch.setattr(type(P256), operation, None)
    assert audited(told.exported, tmp_path, 0, "pure").disagreements == []


# ---- lies


@pytest.mark.parametrize("rule", ["wrong-secret", "duplicate-tag", "void-of-nothing"])
def test_a_lie_is_found_on_the_way_from_the_files(told: Told, tmp_path: Path, rule: str) -> None:
    (lie, *_) = LIES[rule].values()
    place = told.write(lie(told.logs, told.secrets), tmp_path / "place")
    assert rule in {found.rule for found in audited(place, tmp_path).disagreements}


def test_a_false_proof_is_said_each_time(told: Told, tmp_path: Path) -> None:
    place = told.write(false_proof(told.logs), tmp_path / "place")
    for proofs in (11, 1):
        result = audited(place, tmp_path)
        assert result.checked["proofs"] == proofs
        assert [found.rule for found in result.disagreements] == ["proof-invalid"]


def test_a_false_proof_is_in_each_sample_of_whichever_engine(told: Told, tmp_path: Path) -> None:
    place = told.write(false_proof(told.logs), tmp_path / "place")
    audited(place, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENGINES, "pure", P256)  # which is quicker
        result = audited(place, tmp_path, 0, "pure")
    assert result.checked["proofs"] == 1
    assert [found.rule for found in result.disagreements] == ["proof-invalid"]


@pytest.mark.parametrize(
    ("time", "rules"), [("23T12:00:00Z", []), ("23T12:00:01Z", ["event-time"])]
)
def test_an_event_from_the_future(told: Told, tmp_path: Path, time: str, rules: list[str]) -> None:
    """A merchant who writes it down as later has no deadline to wait for."""
    last = told.logs.event(-1)
    assert last["time"] < "2026-11-22T12:00:00Z"
    logs = told.logs.changed(len(told.logs.events) - 1, lambda e: {**e, "time": f"2026-11-{time}"})
    place = told.write(logs, tmp_path / "place")
    assert [found.rule for found in audited(place, tmp_path).disagreements] == rules


def test_proofs_that_could_not_be_judged_are_not_taken_for_verified(
    told: Told, tmp_path: Path
) -> None:
    """Purchases are held back at first, so that the closes over them have no effect."""
    logs = false_proof(told.logs)
    place = told.write(logs.with_purchases(logs.purchases[:5]), tmp_path / "place")
    rules = {found.rule for found in audited(place, tmp_path).disagreements}
    assert "close-without-effect" in rules
    assert "proof-invalid" not in rules
    told.write(logs, place)
    result = audited(place, tmp_path)
    assert [found.rule for found in result.disagreements] == ["proof-invalid"]


@pytest.mark.parametrize(
    "beside", ["", Signature(NEXT.name, NEXT.verifier.key_id, b"0" * 64).line()]
)
def test_a_retired_key_that_signs_on(tmp_path: Path, beside: str) -> None:
    """What is shown about keys does not say so, and the event log does."""
    logs = ShownMerchantLogs(rotated=True)
    logs.retire_in_secret()
    files = logs.files(20, 302)
    files["logs/acme/events/checkpoint"] += beside.encode()  # of a key that nobody knows yet
    result = audit(shown_mirror(files, tmp_path), clock=lambda: NOW)
    assert [each for each in result.disagreements if each.rule == "key-event"] == [
        broken("key-event", "no key that is in force has signed the checkpoint", 301)
    ]
