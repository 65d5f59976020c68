"""Making evidence: which entries somebody else needs to see that a rule is broken.

Chosen generously, and then weighed as a stranger would: what does not show it is not written.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aftersales.claims import DECIDED
from auditor.evidence import PROOF_RULES, Evidence, weigh
from auditor.findings import Disagreement
from auditor.judging import Judged
from auditor.mirror import Mirror
from auditor.mirrored_log import MirroredLog
from auditor.sparse_log import ProvenEntries
from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from ledger.checkpoint import Checkpoint
from ledger.entries import commitment_of
from ledger.events import OWNERSHIP_RETIRED, TRANSFER_APPROVED, parse_event
from ledger.note import Note
from ledger.purchases import read_entry
from policies.claim import claim_scopes, parse_claim
from policies.transfer import parse_transfer, transfer_scope
from zk.statement import secret_tag

__all__ = ["gather"]

# What every judgement rests on, and what some do: the beginnings of names of types.
_KEYS = ("log.key_", "log.witness_")  # who signs now, whatever was before
_ALWAYS = ("log.", "policy.")
_ALSO = {"notice": "recall.", "void": "purchase."}
_OF_OWNERS = "retired-owner"  # judged by secrets, which nothing else in an event names
_TRANSFERRED = 3
_LONGEST = 8 << 20  # bytes of entries in one document
_NAME = 32  # characters: of ids, tags and keys, and of nothing else


def gather(mirror: Mirror, judged: Judged, found: Disagreement, group: Group) -> Evidence | None:
    """The evidence for what was found; ``None`` if that would be nearly all of the logs.

    Then whoever doubts it repeats the audit.
    """
    chosen = _chosen_events(mirror, found)
    if found.rule == _OF_OWNERS:
        chosen = _chosen_events(mirror, found, _departures(mirror, chosen, group))
    evidence = _weighed(mirror, judged, found, chosen, group)
    if evidence is None:
        evidence = _weighed(mirror, judged, found, _all_events(mirror, found), group)
    return evidence


def _weighed(
    mirror: Mirror, judged: Judged, found: Disagreement, events: dict[int, bytes], group: Group
) -> Evidence | None:
    if sum(map(len, events.values())) > _LONGEST:
        return None
    of_purchases = sorted(_purchases(mirror, judged, found))
    purchases = dict(zip(of_purchases, mirror.purchases.entries_at(of_purchases), strict=True))
    shown_events, shown_purchases = (
        _proven(mirror.events, events),
        _proven(mirror.purchases, purchases),
    )
    try:
        seen = weigh(found, mirror.origin, shown_events, shown_purchases, group)
    except VerificationError:
        return None
    # In the words of who weighs: another engine may have had other words for a false proof.
    told = [each for each in seen if (each.rule, each.entries) == (found.rule, found.entries)]
    if not told:
        return None
    return Evidence(
        mirror.origin,
        told[0],
        shown_events.shown(mirror.events.head.note),
        shown_purchases.shown(mirror.purchases.head.note),
    )


def _proven(log: MirroredLog, entries: dict[int, bytes]) -> ProvenEntries:
    checkpoint = Checkpoint.parse(Note.parse(log.head.note).text)
    return ProvenEntries(checkpoint, entries, log.reader)


# ---- events


def _chosen_events(
    mirror: Mirror, found: Disagreement, also: Sequence[bytes] = ()
) -> dict[int, bytes]:
    """Those that rules rest on, those at fault, and all that name what these name."""
    at_fault = [entry.index for entry in found.entries if entry.log == "events"]
    wanted = [*also, *(_type(name) for name in _ALWAYS)]
    wanted += [_type(name) for rule, name in _ALSO.items() if found.rule.startswith(rule)]
    for index in at_fault:
        wanted += _names(mirror.events.entry(index))
    wanted += _commitments(mirror, found)
    return {
        index: data
        for index, data in _events_until(mirror, at_fault)
        if index in at_fault or index == 0 or any(each in data for each in wanted)
    }


def _all_events(mirror: Mirror, found: Disagreement) -> dict[int, bytes]:
    at_fault = [entry.index for entry in found.entries if entry.log == "events"]
    chosen, length = {}, 0
    for index, data in _events_until(mirror, at_fault):
        chosen[index] = data
        length += len(data)
        if length > _LONGEST:
            break
    return chosen


def _departures(mirror: Mirror, chosen: Mapping[int, bytes], group: Group) -> list[bytes]:
    """What names the ends of ownerships by those who speak in the events that were chosen."""
    speaking = [
        pair for data in chosen.values() for pair in _secret_tags(data, mirror.origin, group)
    ]
    names = []
    for data in mirror.events.entries():
        if _type(OWNERSHIP_RETIRED) in data:
            with suppress(FormatError, KeyError, TypeError, ValueError):
                secret = group.decode_scalar(bytes.fromhex(parse_event(data)["secret"]))
                if any(secret_tag(group, scope, secret) == tag for scope, tag in speaking):
                    names += _names(data)
    return names


def _secret_tags(data: bytes, origin: str, group: Group) -> list[tuple[str, bytes]]:
    """The secret tag that a claim or transfer shows, with its scope."""
    with suppress(FormatError, KeyError, TypeError, ValueError):
        event = parse_event(data)
        if event["type"] == DECIDED:
            body = parse_claim(event["claim"])
            scope = claim_scopes(origin, body.policy, body.number)[1]
            return [(scope.text, bytes.fromhex(event["tags"][1]))]
        if event["type"] == TRANSFER_APPROVED:
            commitment = parse_transfer(event["transfer"], group).acceptance.commitment
            return [(transfer_scope(origin, commitment).text, bytes.fromhex(event["tag"]))]
    return []


def _events_until(mirror: Mirror, at_fault: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Those up to the last at fault, if any, and of those after it the ones about keys."""
    last = max(at_fault, default=mirror.events.size)
    keys = [_type(name) for name in _KEYS]
    for index, data in enumerate(mirror.events.entries()):
        if index <= last or any(each in data for each in keys):
            yield index, data


def _commitments(mirror: Mirror, found: Disagreement) -> Iterator[bytes]:
    """As events name them."""
    for entry in found.entries:
        if entry.log == "purchases":
            known = read_entry(mirror.purchases.entry(entry.index))
            if known is not None and (commitment := commitment_of(known)) is not None:
                yield commitment.hex().encode()


def _type(beginning: str) -> bytes:
    """As it stands in an event, which has one spelling."""
    return f'"type":"{beginning}'.encode()


def _names(data: bytes) -> list[bytes]:
    """The ids, tags and keys in an event."""
    try:
        event = parse_event(data)
    except FormatError:
        return []
    return [text.encode() for text in _texts(event) if _is_name(text)]


def _is_name(text: str) -> bool:
    return _NAME <= len(text) <= 2 * 66 and not set(text) - set("0123456789abcdef")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)


# ---- purchases


def _purchases(mirror: Mirror, judged: Judged, found: Disagreement) -> set[int]:
    """Those at fault, and those from which what is at fault was made."""
    chosen = {entry.index for entry in found.entries if entry.log == "purchases"}
    record = judged.record
    if record is None:
        return chosen
    if found.rule in PROOF_RULES:
        chosen |= set(_ring(judged, found))
    voids = [void for void in record.voids if void.target in chosen or void.position in chosen]
    if found.rule.startswith(("void", "report")):
        voids = record.voids
        chosen |= set(_named_entries(mirror, found))
    if found.rule.startswith("transfer"):
        chosen |= {i for i, kind in enumerate(record.kinds) if kind == _TRANSFERRED}
    for void in voids:
        chosen |= {void.position, void.target}
    for repeated in judged.disagreements:
        if repeated.rule == "commitment-repeated":
            indices = {entry.index for entry in repeated.entries}
            if indices & chosen:
                chosen |= indices
    return {index for index in chosen if index < mirror.purchases.size}


def _named_entries(mirror: Mirror, found: Disagreement) -> Iterator[int]:
    """Those that the events at fault say are void."""
    for entry in found.entries:
        if entry.log == "events":
            with suppress(FormatError):
                event = parse_event(mirror.events.entry(entry.index))
                yield from (event[k] for k in ("index", "voided") if type(event.get(k)) is int)


def _ring(judged: Judged, found: Disagreement) -> Iterator[int]:
    at_fault = {entry.index for entry in found.entries if entry.log == "events"}
    for task in judged.proofs:
        if task.index in at_fault and judged.record is not None:
            body = task.body
            yield from judged.record.partition.cell(body.first, body.size, body.lane)
