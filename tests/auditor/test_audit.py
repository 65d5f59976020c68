"""Audits of a merchant who is honest, and of one who lies and signs it; evidence for others."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.audit import AuditResult, audit
from auditor.evidence import Evidence, verify_evidence, weigh
from auditor.findings import Disagreement, Entry
from auditor.gathering import gather
from auditor.mirror import Mirror, mirror_merchant
from auditor.place import directory_place
from auditor.rules import broken
from auditor.sparse_log import ProvenEntries
from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.p256 import P256
from commitments.wire import encode_base64, parse_base64, parse_json
from ledger.checkpoint import Checkpoint
from ledger.entries import Void
from ledger.key_history import KEY_EVENTS, parse_shown_keys, read_key_history
from ledger.note import Note, Signer, Verifier
from policies.claim import claim_id, parse_claim
from tests.auditor.logs import Event, Logs
from tests.auditor.shown_logs import ShownLog, ShownMerchantLogs
from tests.auditor.shown_logs import mirrored as shown_mirror
from tests.auditor.told import Told
from tests.world import ORIGIN

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


def audited(place: Path, mirror: Path, sample: int | None = None) -> AuditResult:
    """By somebody who reads the file of keys of whoever is honest."""
    keys = parse_shown_keys(parse_json((place / "acme/keys.json").read_bytes()))
    newest = read_key_history(event for _, event in keys[-1].events).events.keys[-1]
    return audit(mirrored(place, mirror, newest), clock=lambda: NOW, sample=sample)


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
        assert audited(told.exported, tmp_path, sample=3).checked["proofs"] == 3
    assert audited(told.exported, tmp_path, sample=300).checked["proofs"] == 11
    assert audited(told.exported, tmp_path).checked["proofs"] == 11


# ---- lies

Lie = Callable[[Logs], Logs]


def changing(kind: str, nth: int, **members: object) -> Lie:
    return lambda logs: logs.changed(logs.find(kind, nth), lambda event: {**event, **members})


def without(kind: str, nth: int = 0) -> Lie:
    return lambda logs: logs.without(logs.find(kind, nth))


def adding(*entries: bytes) -> Lie:
    return lambda logs: logs.with_purchases([*logs.purchases, *entries])


def repeating(index: int) -> Lie:
    return lambda logs: adding(logs.purchases[index])(logs)


def unreadable(logs: Logs) -> Logs:
    return logs.with_events([*logs.events[:20], b"{}", *logs.events[21:]])


def false_proof(logs: Logs) -> Logs:
    """Of the last claim, of which no other event speaks."""

    def change(event: Event) -> Event:
        proof = bytearray(parse_base64(event["proof"], "proof"))
        proof[-1] ^= 1
        identifier = claim_id(parse_claim(event["claim"]), bytes(proof))
        return {**event, "proof": encode_base64(bytes(proof)), "claim_id": identifier}

    return logs.changed(logs.find("claim.decided", -1), change)


def false_report(logs: Logs) -> Logs:
    """Of the month in which nothing had happened yet."""
    report = {"schema": "kvitto-report/v1", "claims": 0}
    told = {"type": "report.published", "number": 0, "month": "2026-10", "report": report}
    return logs.inserted(len(logs.events), {**told, "time": logs.event(-1)["time"]})


LIES: dict[str, tuple[str, Lie]] = {
    "false report": ("report-differs", false_report),
    "unreadable": ("event-unreadable", unreadable),
    "of no type": ("event-type", changing("claim.step", 0, type="claim.undone")),
    "false close": ("close-without-effect", changing("log.closed", -1, root="00" * 32)),
    "policy hidden": ("policy-number", without("policy.published", 1)),
    "void without reason": ("void-number", without("purchase.voided")),
    "reason of no void": ("void-of-nothing", changing("purchase.voided", 0, index=3)),
    "other decision": ("claim-case", changing("claim.decided", 0, decision="approved")),
    "other tags": ("tag-mismatch", changing("claim.decided", -1, tags=["02" * 33, "03" * 33])),
    "false proof": ("proof-invalid", false_proof),
    "false secret": ("wrong-secret", changing("ownership.retired", 0, secret="01" * 32)),
    "step hidden": ("step", without("claim.step", 0)),
    "no entry": ("entry-unreadable", adding(b"junk")),
    "repeated": ("commitment-repeated", repeating(3)),
    "void of a void": ("void-entry", adding(Void(14).encode(), Void(14).encode())),
    "void of nothing": ("void-entry", adding(Void(99).encode())),
    "owner from nowhere": ("transfer-entry", without("ownership.retired", 1)),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_found_and_others_see_it(told: Told, tmp_path: Path, name: str) -> None:
    rule, lie = LIES[name]
    result = audited(told.write(lie(told.logs), tmp_path / "place"), tmp_path)
    assert rule in {found.rule for found in result.disagreements}
    for found in result.disagreements:
        evidence = gather(result.mirror, result.judged, found, P256)
        assert evidence is not None, found
        shown = Evidence.parse(evidence.serialise())
        verify_evidence(shown, [told.key], P256)
        with pytest.raises(VerificationError, match="no known key"):
            verify_evidence(shown, [Signer(told.key.name, b"x" * 32).verifier], P256)


def test_a_false_proof_is_said_each_time(told: Told, tmp_path: Path) -> None:
    place = told.write(false_proof(told.logs), tmp_path / "place")
    for proofs in (11, 1):
        result = audited(place, tmp_path)
        assert result.checked["proofs"] == proofs
        assert [found.rule for found in result.disagreements] == ["proof-invalid"]


def test_a_retired_key_that_signs_on(tmp_path: Path) -> None:
    """What is shown about keys does not say so, and the event log does."""
    logs = ShownMerchantLogs(rotated=True)
    logs.retire_in_secret()
    files = logs.files(20, 302)
    result = audit(shown_mirror(files, tmp_path), clock=lambda: NOW)
    assert [each for each in result.disagreements if each.rule == "key-event"] == [
        broken("key-event", "no key that is in force has signed the checkpoint", 301)
    ]


# ---- evidence


@pytest.fixture(scope="module")
def lying(told: Told, tmp_path_factory: pytest.TempPathFactory) -> tuple[Evidence, Told]:
    directory = tmp_path_factory.mktemp("lying")
    result = audited(told.write(unreadable(told.logs), directory / "place"), directory)
    evidence = gather(result.mirror, result.judged, result.disagreements[0], P256)
    assert evidence is not None
    return evidence, told


@settings(max_examples=25)
@given(st.data())
def test_altered_evidence_is_none(lying: tuple[Evidence, Told], data: st.DataObject) -> None:
    evidence, told = lying
    content = bytearray(evidence.serialise())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KvittoError):
        verify_evidence(Evidence.parse(bytes(content)), [told.key], P256)


def of_keys(told: Told) -> list[int]:
    return [i for i, e in enumerate(map(json.loads, told.logs.events)) if e["type"] in KEY_EVENTS]


def proven(
    told: Told, events: list[int], purchases: list[int]
) -> tuple[tuple[bytes, ProvenEntries], tuple[bytes, ProvenEntries]]:
    """Some entries of an honest merchant, each log's with its note."""
    logs = told.logs

    def of(log: ShownLog, indices: list[int]) -> tuple[bytes, ProvenEntries]:
        note = log.note(len(log.entries))
        checkpoint = Checkpoint.parse(Note.parse(note).text)
        return note, ProvenEntries(checkpoint, {i: log.entries[i] for i in indices}, log.reader)

    return (
        of(ShownLog(logs.events, *told.events), events),
        of(ShownLog(logs.purchases, *told.purchases), purchases),
    )


def shown(told: Told, found: Disagreement, events: list[int], purchases: list[int]) -> Evidence:
    """What somebody shows of an honest merchant, to say that."""
    (note, log), (sold_note, sold) = proven(told, events, purchases)
    weigh(found, ORIGIN, log, sold, P256)
    return Evidence(ORIGIN, found, log.shown(note), sold.shown(sold_note))


def test_evidence_is_answered_by_the_entry_that_it_left_out(told: Told) -> None:
    logs = told.logs
    steps = [i for i, e in enumerate(map(json.loads, logs.events)) if e["type"] == "claim.step"]
    claim = logs.event(steps[0])["claim_id"]
    of_claim = [i for i in steps if logs.event(i)["claim_id"] == claim]
    others = [i for i in range(of_claim[1]) if i not in of_claim]
    others += [i for i in of_keys(told) if i > of_claim[1]]
    (_, log), (_, sold) = proven(told, [*others, of_claim[1]], [])
    seen = weigh(broken("step", ""), ORIGIN, log, sold, P256)
    (found,) = [each for each in seen if each.entries == (Entry("events", of_claim[1]),)]
    accusation = shown(told, found, [*others, of_claim[1]], [])
    verify_evidence(accusation, [told.key], P256)
    answer = shown(told, found, [*others, *of_claim[:2]], [])
    with pytest.raises(VerificationError, match="does not break the rule"):
        verify_evidence(answer, [told.key], P256)


@pytest.mark.parametrize(
    ("found", "purchases"),
    [
        (broken("entry-unreadable", "not an entry of a purchase log", purchases=[3]), [1]),
        (broken("void-entry", "it names no purchase before it", purchases=[10]), [10]),
        (broken("transfer-entry", "the entry of the next owner is missing", 3), []),
    ],
)
def test_what_is_not_shown_is_not_taken_for_a_fault(
    told: Told, found: Disagreement, purchases: list[int]
) -> None:
    evidence = shown(told, found, of_keys(told), purchases)
    with pytest.raises(VerificationError, match=r"not shown|does not break"):
        verify_evidence(evidence, [told.key], P256)


def test_a_claim_is_not_accused_without_its_ring(told: Told) -> None:
    index = told.logs.find("claim.decided", -1)
    found = broken("ring-too-small", "the ring has 0 members and needs 2", index)
    with pytest.raises(VerificationError, match="not all entries"):
        shown(told, found, list(range(index + 1)), [])


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d | {"format": "kvitto-evidence/v2"},
        lambda d: d | {"rule": "no-rule"},
        lambda d: d | {"more": 1},
        lambda d: d | {"why": 7},
        lambda d: d | {"entries": [{"log": "other", "index": 1}]},
        lambda d: d | {"entries": [{"log": "events"}]},
        lambda d: d | {"entries": {}},
        lambda d: d | {"supposes": "nothing"},
        lambda d: d | {"origin": "a b"},
        lambda d: d | {"events": None},
    ],
)
def test_what_is_no_evidence(
    lying: tuple[Evidence, Told], change: Callable[[Event], Event]
) -> None:
    document = json.loads(lying[0].serialise())
    with pytest.raises(FormatError):
        Evidence.parse(json.dumps(change(document)).encode())
