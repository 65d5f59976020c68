"""Evidence against a merchant: strangers see by it what an audit has found, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.audit import judge_mirror
from auditor.evidence import Evidence, verify_evidence, weigh
from auditor.findings import Disagreement, Entry
from auditor.gathering import gather
from auditor.judging import Judged, proof_in, verify_proofs
from auditor.mirror import Mirror
from auditor.mirrored_log import MirroredLog
from auditor.place import ShownMerchant
from auditor.rules import broken
from auditor.sparse_log import ProvenEntries, ShownLog
from auditor.state import State
from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.p256 import P256
from commitments.wire import canonical_json
from ledger.checkpoint import Checkpoint, sign
from ledger.events import LogDeclaration, parse_event
from ledger.key_history import KEY_EVENTS, KeyHistory
from ledger.monitor import Head
from ledger.note import Note, Signer
from tests.auditor import shown_logs
from tests.auditor.lies import LIES
from tests.auditor.logs import Event, Logs
from tests.auditor.more_lies import false_proof, false_report
from tests.auditor.told import Told
from tests.world import ORIGIN


def held(told: Told, logs: Logs, directory: Path) -> tuple[Mirror, Judged]:
    """Such logs as an auditor has them, and what reading them leads to."""
    home = told.write(logs, directory) / "acme"
    events, purchases = (
        MirroredLog(home / kind, Head.of((home / kind / "checkpoint").read_bytes()))
        for kind in ("events", "purchases")
    )
    keys = KeyHistory.declared(LogDeclaration.from_event(parse_event(told.logs.events[0])))
    merchant = ShownMerchant("acme", "Acme", ORIGIN)
    mirror = Mirror(merchant, home, keys, State(), events, purchases, first_use=False, tiles=0)
    return mirror, judge_mirror(mirror)


def gathered(
    told: Told, logs: Logs, directory: Path, *, proofs: bool = True
) -> dict[str, Evidence | None]:
    """By rule, the evidence for what is found in such logs."""
    mirror, judged = held(told, logs, directory)
    found = judged.disagreements + verify_proofs(
        judged,
        judged.proofs if proofs else [],
        lambda i: proof_in(mirror.events.entry(i)),
        mirror.purchases,
        group=P256,
    )
    return {each.rule: gather(mirror, judged, each, P256) for each in found}


def require_shown(told: Told, evidence: Evidence | None) -> None:
    """As a stranger sees it, who has the keys of the logs."""
    assert evidence is not None
    keys = [told.key, *(signer.verifier for signer in told.purchases)]
    shown = Evidence.parse(evidence.serialise())
    verify_evidence(shown, keys, P256)
    with pytest.raises(VerificationError, match="no known key"):
        verify_evidence(shown, [Signer(told.key.name, b"x" * 32).verifier], P256)


UNSHOWN = ("too large",)  # the purchase log may have come to that size since


@pytest.mark.parametrize("rule", LIES)
def test_others_see_each_broken_rule(told: Told, tmp_path: Path, rule: str) -> None:
    for number, (name, lie) in enumerate(LIES[rule].items()):
        if name in UNSHOWN:
            continue
        logs = lie(told.logs, told.secrets)  # whose proofs may be false as well
        (evidence,) = gathered(told, logs, tmp_path / str(number), proofs=False).values()
        require_shown(told, evidence)


@pytest.mark.parametrize(
    ("rule", "lie"), [("proof-invalid", false_proof), ("report-differs", false_report)]
)
def test_others_see_what_is_not_the_replays(
    told: Told, tmp_path: Path, rule: str, lie: Callable[[Logs], Logs]
) -> None:
    found = gathered(told, lie(told.logs), tmp_path)
    assert found.keys() == {rule}
    require_shown(told, found[rule])


def test_evidence_is_told_in_the_words_of_who_weighs_it(told: Told, tmp_path: Path) -> None:
    """Another engine has other words for a false proof."""
    mirror, judged = held(told, false_proof(told.logs), tmp_path)
    found = broken("proof-invalid", "in other words", told.logs.find("claim.decided", -1))
    evidence = gather(mirror, judged, found, P256)
    require_shown(told, evidence)


def test_evidence_shows_little_of_the_logs(told: Told, tmp_path: Path) -> None:
    found = gathered(told, false_proof(told.logs), tmp_path)["proof-invalid"]
    assert found is not None
    shown = [parse_event(entry)["type"] for entry in found.events.entries.values()]
    assert shown.count("claim.decided") == 1
    assert "claim.step" not in shown


@pytest.mark.parametrize("lie", LIES["retired-owner"])
def test_who_has_left_is_known_by_few_events(told: Told, tmp_path: Path, lie: str) -> None:
    """The secret that was published makes the tag of the claim; no name leads there."""
    logs = LIES["retired-owner"][lie](told.logs, told.secrets)
    evidence = gathered(told, logs, tmp_path, proofs=False)["retired-owner"]
    assert evidence is not None
    assert len(evidence.events.entries) < len(logs.events) - 20


@pytest.fixture(scope="module")
def lying(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    logs = LIES["event-unreadable"]["no event"](told.logs, told.secrets)
    evidence = gathered(told, logs, tmp_path_factory.mktemp("lying"))["event-unreadable"]
    assert evidence is not None
    return evidence


@settings(max_examples=25)
@given(st.data())
def test_altered_evidence_is_none(lying: Evidence, told: Told, data: st.DataObject) -> None:
    content = bytearray(lying.serialise())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KvittoError):
        verify_evidence(Evidence.parse(bytes(content)), [told.key], P256)


def of_keys(told: Told) -> list[int]:
    return [i for i, e in enumerate(map(json.loads, told.logs.events)) if e["type"] in KEY_EVENTS]


def proven(
    told: Told, events: list[int], purchases: list[int], sold: int | None = None
) -> tuple[tuple[bytes, ProvenEntries], tuple[bytes, ProvenEntries]]:
    """Some entries of an honest merchant, each log's with its note.

    The purchase log is shown as it was with the first ``sold`` entries.
    """
    logs = told.logs

    def of(log: shown_logs.ShownLog, indices: list[int]) -> tuple[bytes, ProvenEntries]:
        note = log.note(len(log.entries))
        checkpoint = Checkpoint.parse(Note.parse(note).text)
        return note, ProvenEntries(checkpoint, {i: log.entries[i] for i in indices}, log.reader)

    return (
        of(shown_logs.ShownLog(logs.events, *told.events), events),
        of(shown_logs.ShownLog(logs.purchases[:sold], *told.purchases), purchases),
    )


def shown(
    told: Told,
    found: Disagreement,
    events: list[int],
    purchases: list[int],
    sold: int | None = None,
) -> Evidence:
    """What somebody shows of an honest merchant, to say that."""
    (note, log), (sold_note, of_sold) = proven(told, events, purchases, sold)
    weigh(found, ORIGIN, log, of_sold, P256)
    return Evidence(ORIGIN, found, log.shown(note), of_sold.shown(sold_note))


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


@pytest.mark.parametrize(
    ("rule", "why", "kind"),
    [
        ("close-without-effect", "close: not the root of the log at that size", "log.closed"),
        ("void-of-nothing", "the purchase log has no such void", "purchase.voided"),
    ],
)
def test_a_purchase_log_of_before_makes_nobody_a_liar(
    told: Told, rule: str, why: str, kind: str
) -> None:
    """Whoever accuses somebody chooses the checkpoint, and takes an old one."""
    events = range(len(told.logs.events))
    size = 9
    first = next(
        index
        for index in events
        if (event := told.logs.event(index))["type"] == kind
        and (event.get("size", 0) > size or event.get("index", 0) >= size)
    )
    evidence = shown(told, broken(rule, why, first), list(events), list(range(size)), size)
    with pytest.raises(VerificationError, match="does not break the rule"):
        verify_evidence(evidence, [told.key], P256)


def test_a_report_is_not_accused_without_what_it_counts(told: Told) -> None:
    index = len(told.logs.events) - 1
    found = broken("report-differs", "the events of 2026-10 make another report", index)
    for events in ([0, index], range(index + 1)):  # not all events, not the voids that they name
        with pytest.raises(VerificationError, match="not all"):
            shown(told, found, list(events), [])


def test_an_event_is_not_shown_as_if_it_were_the_first(told: Told) -> None:
    index = told.logs.find("policy.published")
    found = broken("declaration", "not a log.declared event", index)
    with pytest.raises(VerificationError, match="the beginning of the event log"):
        verify_evidence(
            shown(told, found, [index], []), [told.key, told.purchases[-1].verifier], P256
        )


def test_a_log_that_says_it_is_endless_keeps_nobody_busy(told: Told, lying: Evidence) -> None:
    endless = sign(Checkpoint(ORIGIN, 1 << 60, bytes(32)), *told.purchases)
    evidence = replace(lying, purchases=ShownLog(endless, {}, {}))
    with pytest.raises(VerificationError, match="too large"):
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
def test_what_is_no_evidence(lying: Evidence, change: Callable[[Event], Event]) -> None:
    document = json.loads(lying.serialise())
    assert Evidence.parse(canonical_json(document)) == lying
    with pytest.raises(FormatError):
        Evidence.parse(canonical_json(change(document)))
