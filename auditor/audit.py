"""An audit of one merchant: all rules, all proofs that are new, and what deserves a question."""

import random
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from auditor.detecting import find_all
from auditor.findings import Disagreement, Entry, Finding
from auditor.judging import Judged, judge, proof_in, verify_proofs
from auditor.mirror import Mirror, Progress
from auditor.proof_task import ProofTask
from auditor.pure_group import PURE_P256
from auditor.record import Record
from auditor.rules import broken
from auditor.state import Checked
from commitments.clock import Clock
from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from commitments.p256 import P256
from commitments.sandbox import is_sandbox
from ledger.checkpoint import open_checkpoint
from ledger.events import event_time
from ledger.key_history import DECLARED, KeyHistory
from ledger.note import Verifier

__all__ = ["ENGINES", "AuditResult", "audit", "judge_mirror"]

ENGINES: dict[str, Group] = {"openssl": P256, "pure": PURE_P256}
"""Who does the arithmetic."""
_AHEAD = timedelta(days=1)  # of the auditor's clock, which may be wrong; as wallets allow
_SOMETIMES = 512  # entries from one word about progress to the next


@dataclass
class AuditResult:
    """What an audit has checked and found; ``judged`` is what evidence is made of."""

    mirror: Mirror
    judged: Judged
    checked: dict[str, int]
    disagreements: list[Disagreement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON, beside what the place says about the merchant."""
        purchases, events = self.mirror.purchases, self.mirror.events
        return {
            "purchases": {"size": purchases.size, "root": purchases.root.hex()},
            "events": {"size": events.size, "root": events.root.hex()},
            "checked": self.checked,
            "disagreements": [found.document() for found in self.disagreements],
            "findings": [finding.document() for finding in self.findings],
        }


def audit(
    mirror: Mirror,
    *,
    clock: Clock,
    engine: str = "openssl",
    sample: int | None = None,
    jobs: int = 1,
    progress: Progress = lambda *_: None,
) -> AuditResult:
    """Judge both logs, and verify the proofs that ``engine`` has not verified before.

    With a ``sample`` that many proofs, chosen anew each time, and those that did not hold before
    whoever verified them; what they are is not remembered.
    """
    group = ENGINES[engine]
    judged = judge_mirror(mirror, progress, group)
    stand_at = [task.index for task in judged.proofs]
    known = mirror.state.proofs.get(engine, Checked()).among(stand_at)
    suspects = {index for checked in mirror.state.proofs.values() for index in checked.false}
    tasks = _chosen(judged.proofs, known, suspects, sample)
    false = verify_proofs(
        judged,
        tasks,
        lambda index: proof_in(mirror.events.entry(index)),
        mirror.purchases,
        group=group,
        jobs=jobs,
        progress=lambda done: progress("proofs", done, len(tasks)),
    )
    if sample is None:
        at_fault = {entry.index for found in false for entry in found.entries}
        checked = Checked.of(mirror.events.size, stand_at, at_fault)
        mirror.remember(mirror.state.with_proofs(engine, checked))
    result = AuditResult(mirror, judged, _counts(mirror, judged, tasks, known))
    found = [*judged.disagreements, *false]
    if judged.record is not None:
        judged.record.sightings = mirror.sightings
        found += _key_faults(mirror, judged.record)
        found += _time_faults(mirror.origin, judged.record, clock())
        result.findings = find_all(judged.record, event_time(clock()))
    result.disagreements = _without_repetition(found)
    return result


def judge_mirror(
    mirror: Mirror, progress: Progress = lambda *_: None, group: Group = P256
) -> Judged:
    """Judge both logs; proofs are not verified, but for the next owners' of transfers."""
    purchases, events = mirror.purchases, mirror.events
    return judge(
        mirror.origin,
        group,
        purchases.root_at,
        enumerate(_told(purchases.entries(), "purchases", purchases.size, progress)),
        purchases.size,
        _told(events.entries(), "events", events.size, progress),
    )


def _told(entries: Iterable[bytes], what: str, count: int, progress: Progress) -> Iterator[bytes]:
    for index, entry in enumerate(entries):
        if index % _SOMETIMES == 0:
            progress(f"reading {what}", index, count)
        yield entry


def _chosen(
    tasks: Sequence[ProofTask], known: Checked, suspects: Container[int], sample: int | None
) -> Sequence[ProofTask]:
    if sample is None:
        return [task for task in tasks if not known.holds(task.index)]
    suspected = [task for task in tasks if task.index in suspects]
    others = [task for task in tasks if task.index not in suspects]
    return suspected + random.SystemRandom().sample(others, min(sample, len(others)))


def _key_faults(mirror: Mirror, record: Record) -> Iterator[Disagreement]:
    """What was shown about keys must be what the event log says, and they must have signed."""
    history, as_shown = KeyHistory.declared(record.declaration), False
    last = 0
    for index, event in [(0, None), *record.key_events]:
        if event is not None and event["type"] != DECLARED:
            try:
                history = history.after(event)
            except (FormatError, VerificationError):
                return  # the replay says so
        last = index
        as_shown = as_shown or history == mirror.keys
    if not as_shown:
        yield broken("key-event", "keys.json tells other keys than the event log", last)
    for log, keys in ((mirror.events, history.events), (mirror.purchases, history.purchases)):
        if not _has_signed(log.head.note, keys.in_force):
            yield broken("key-event", "no key that is in force has signed the checkpoint", last)


def _time_faults(origin: str, record: Record, now: datetime) -> Iterator[Disagreement]:
    """The first event of a time that has not come: whoever is ahead shortens what others have.

    Those after it can have no earlier time.
    """
    latest = event_time(now + _AHEAD)
    ahead = [index for index, time in enumerate(record.times) if time > latest]
    if ahead and not is_sandbox(origin):
        yield broken("event-time", "a time that has not come", ahead[0])


def _has_signed(note: bytes, keys: Iterable[Verifier]) -> bool:
    """Whether one of these keys has. What was known of the keys before named others, maybe."""
    try:
        open_checkpoint(note, *keys)
    except (FormatError, VerificationError):
        return False
    return True


def _without_repetition(found: Iterable[Disagreement]) -> list[Disagreement]:
    """Some rules are seen to be broken in two ways."""
    first: dict[tuple[str, tuple[Entry, ...]], Disagreement] = {}
    for each in found:
        first.setdefault((each.rule, each.entries), each)
    return list(first.values())


def _counts(
    mirror: Mirror, judged: Judged, tasks: Sequence[ProofTask], known: Checked
) -> dict[str, int]:
    record = judged.record
    others = len(judged.proofs) - len(tasks)
    before = sum(known.holds(task.index) for task in judged.proofs)
    again = sum(known.holds(task.index) for task in tasks)
    counts = {
        "purchases": mirror.purchases.size,
        "events": mirror.events.size,
        "tiles": mirror.tiles,
        "proofs": len(tasks),
        "proofs_known": before - again,
        "proofs_left_out": others - (before - again),
        "cosignatures": sum(len(s.cosigned) for s in mirror.sightings[-2:]),
    }
    if record is None:
        return counts
    return {
        **counts,
        "closes": len(record.closes),
        "policies": len(record.policy_events),
        "claims": len(record.histories.claims),
        "steps": sum(len(each.moves) for each in record.histories.claims.values()),
        "transfers": len(record.transfers),
        "voids": len(record.voids),
        "reports": len(record.reports),
    }
