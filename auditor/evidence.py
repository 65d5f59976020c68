"""Evidence: a file by which somebody else sees that a rule is broken, with nothing but a key.

It shows entries of both logs under checkpoints that the logs have signed. Whoever verifies it
proves that they are in the logs and judges them by the same rules as a whole audit does
(:mod:`auditor.judging`), as if there were no other entries. What would change the judgement may so
be left out, on purpose or not: the document says so, and evidence is answered by evidence that
shows that entry too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from auditor.findings import Disagreement, Entry
from auditor.judging import Judged, judge, proof_in, verify_proofs
from auditor.rules import RULES
from auditor.sparse_log import ProvenEntries, ProvenLog, ShownLog
from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from commitments.wire import canonical_json, parse_identifier, parse_json
from ledger.entries import Void
from ledger.events import events_origin, parse_event
from ledger.key_history import KEY_EVENTS, read_key_history
from ledger.note import Verifier
from ledger.purchases import read_entry
from ledger.voided import VOIDED

__all__ = ["PROOF_RULES", "SUPPOSES", "Evidence", "verify_evidence", "weigh"]

_FORMAT = "kvitto-evidence/v1"
_MEMBERS = {"format", "origin", "rule", "why", "entries", "supposes", "events", "purchases"}
_LARGEST_LOG = 1 << 24  # entries; weighing takes 33 bytes of memory for each
_NONE = b""  # in the place of an entry that is not shown
PROOF_RULES = frozenset({"proof-invalid", "ring-too-small", "tag-mismatch"})
"""The rules that are judged by verifying a proof."""
_OF_NO_VOID = "void-of-nothing"  # by an event that names an entry
_OF_CLOSES = "close-without-effect"  # by the root at its size
_OF_REPORTS = "report-differs"  # by all events
SUPPOSES = (
    "That no entry is left out which undoes this. Whoever knows one shows it: with that entry and"
    " the hashes that prove it the same document is no evidence any more."
)


@dataclass(frozen=True)
class Evidence:
    """That the merchant with the purchase log ``origin`` has broken a rule; see the module."""

    origin: str
    disagreement: Disagreement
    events: ShownLog
    purchases: ShownLog

    def serialise(self) -> bytes:
        """The document, in its one spelling."""
        return canonical_json(
            {
                "format": _FORMAT,
                "origin": self.origin,
                **self.disagreement.document(),
                "supposes": SUPPOSES,
                "events": self.events.document(),
                "purchases": self.purchases.document(),
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> "Evidence":
        """Read the document; ``FormatError`` for any other spelling. Nothing is verified."""
        document = parse_json(data, "evidence")
        if not isinstance(document, dict) or document.keys() != _MEMBERS:
            raise FormatError("not evidence of a broken rule", "evidence")
        if document["format"] != _FORMAT or document["rule"] not in RULES:
            raise FormatError("evidence of a form or rule that is not known here", "evidence")
        if not isinstance(document["why"], str) or not isinstance(document["entries"], list):
            raise FormatError("not a sentence and a list of entries", "evidence")
        evidence = cls(
            parse_identifier(document["origin"], "origin"),
            Disagreement(
                document["rule"], document["why"], tuple(map(_entry, document["entries"]))
            ),
            ShownLog.parse(document["events"]),
            ShownLog.parse(document["purchases"]),
        )
        if evidence.serialise() != data:
            raise FormatError("not the one spelling of this evidence", "evidence")
        return evidence


def _entry(document: Any) -> Entry:
    if not isinstance(document, dict) or document.keys() != {"log", "index"}:
        raise FormatError("not a log and an index", "entries")
    if document["log"] not in ("events", "purchases") or type(document["index"]) is not int:
        raise FormatError("not a log and an index", "entries")
    return Entry(document["log"], document["index"])


def verify_evidence(evidence: Evidence, verifiers: Sequence[Verifier], group: Group) -> None:
    """Check that it shows what it says. What else it seems to show may be for what is left out.

    ``verifiers`` are keys of the event log, and of the purchase log if not even the declaration can
    be read. ``VerificationError`` names what does not hold, ``FormatError`` what cannot be read.
    """
    origin = evidence.origin
    # 1. The logs have signed the checkpoints, and the entries are in them.
    of_events = [key for key in verifiers if key.name == events_origin(origin)]
    of_purchases = [key for key in verifiers if key.name == origin]
    events = ProvenLog.open(evidence.events, of_events).proven
    purchases = ProvenLog.open(evidence.purchases, [*of_purchases, *_declared_keys(events)]).proven
    # 2. What is at fault is shown, not only missing; so is what the log begins with.
    if 0 not in events.entries:
        raise VerificationError("evidence: the beginning of the event log is not shown")
    shown: Mapping[str, Collection[int]] = {
        "events": events.entries.keys(),
        "purchases": purchases.entries.keys(),
    }
    if any(entry.index not in shown[entry.log] for entry in evidence.disagreement.entries):
        raise VerificationError("evidence: an entry that is at fault is not shown")
    # 3. By the rules this is so.
    if evidence.disagreement not in weigh(evidence.disagreement, origin, events, purchases, group):
        raise VerificationError("evidence: what is shown does not break the rule")
    # 4. There is nothing in it that was not looked at.
    events.require_no_more(evidence.events)
    purchases.require_no_more(evidence.purchases)


def weigh(
    disagreement: Disagreement,
    origin: str,
    events: ProvenEntries,
    purchases: ProvenEntries,
    group: Group,
) -> list[Disagreement]:
    """What does not hold among the entries that are shown, as far as that depends on them alone.

    Proofs are verified where ``disagreement`` is about one.
    """
    if purchases.size > _LARGEST_LOG:
        raise VerificationError("evidence: from a log that is too large to weigh it here")
    indices = list(events.entries)
    log = _Sparse(purchases)
    if disagreement.rule == _OF_REPORTS:
        _require_all(disagreement, events, log)
    judged = judge(
        origin,
        group,
        purchases.root_at,
        purchases.entries.items(),
        purchases.size,
        events.entries.values(),
    )
    found = judged.disagreements
    if disagreement.rule in PROOF_RULES:
        at_fault = {entry.index for entry in disagreement.entries}
        tasks = [task for task in judged.proofs if indices[task.index] in at_fault]
        for task in tasks:
            log.require(_cell(judged, task.body))
        found = found + verify_proofs(
            judged, tasks, lambda i: proof_in(events.entries[indices[i]]), log, group=group
        )
    told = list(events.entries.values())
    shown = [
        each
        for each in found
        if log.has_all(_named(each, told, log)) and _closed_by(each, told) <= purchases.size
    ]
    return [_renumbered(each, indices) for each in shown]


def _require_all(found: Disagreement, events: ProvenEntries, log: "_Sparse") -> None:
    """``VerificationError`` unless all is shown that a report could count."""
    last = max(entry.index for entry in found.entries)
    if list(events.entries)[: last + 1] != list(range(last + 1)):
        raise VerificationError("evidence: a report is made of all events, and not all are shown")
    log.require(_voids_named_by(events.entries.values()))


def _voids_named_by(events: Iterable[bytes]) -> list[int]:
    """Where the voids stand, as these events say."""
    voided = [event for event in _readable(events) if event["type"] == VOIDED]
    return [event["index"] for event in voided if type(event.get("index")) is int]


def _readable(events: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for data in events:
        with suppress(FormatError):
            yield parse_event(data)


def _named(found: Disagreement, events: Sequence[bytes], log: "_Sparse") -> set[int]:
    """The purchases that a disagreement is about, and those that its entries name."""
    indices = {entry.index for entry in found.entries if entry.log == "purchases"}
    for index in sorted(indices):
        (data,) = log.entries_at([index])
        entry = read_entry(data)
        if isinstance(entry, Void) and entry.index < index:
            indices.add(entry.index)
    if found.rule == _OF_NO_VOID:
        indices |= set(_voids_named_by(events[entry.index] for entry in found.entries))
    return indices


def _closed_by(found: Disagreement, events: Sequence[bytes]) -> int:
    """How long the purchase log was when a close was made that is said to have no effect.

    One that is shown as it was before may have come to that size since.
    """
    if found.rule != _OF_CLOSES:
        return 0
    sizes = [event.get("size") for event in _readable(events[e.index] for e in found.entries)]
    return max((size for size in sizes if type(size) is int), default=0)


def _renumbered(found: Disagreement, indices: Sequence[int]) -> Disagreement:
    """With the places that the events have in the log, for those among the ones shown."""
    entries = tuple(
        Entry(entry.log, indices[entry.index]) if entry.log == "events" else entry
        for entry in found.entries
    )
    return Disagreement(found.rule, found.why, entries)


def _cell(judged: Judged, body: Any) -> list[int]:
    """The indices that the ring of a claim or transfer is chosen from."""
    if judged.record is None:
        return []
    return judged.record.partition.cell(body.first, body.size, body.lane)


class _Sparse:
    """A purchase log of which some entries are shown."""

    def __init__(self, proven: ProvenEntries) -> None:
        self._shown = proven.entries
        self.size = proven.size
        self.root_at = proven.root_at

    def entries_at(self, indices: Sequence[int]) -> list[bytes]:
        """The entry at each index; none where it is not shown."""
        return [self._shown.get(index, _NONE) for index in indices]

    def require(self, indices: Iterable[int]) -> None:
        """``VerificationError`` unless these are all shown."""
        if not self.has_all(indices):
            raise VerificationError("evidence: not all entries that it is about are shown")

    def has_all(self, indices: Iterable[int]) -> bool:
        """Whether these are all shown; of those to come nothing can be said."""
        return self._shown.keys() >= set(indices)


def _declared_keys(events: ProvenEntries) -> tuple[Verifier, ...]:
    """The keys of the purchase log that the events name which are shown."""
    told = _readable(events.entries.values())
    try:
        history = read_key_history(event for event in told if event["type"] in KEY_EVENTS)
    except (FormatError, VerificationError):
        return ()
    return history.purchases.keys
