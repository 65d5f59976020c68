"""Checkpoints that witnesses have not cosigned, or not in time, as the auditor has seen them.

Witnesses are those whose keys the auditor knows and that have cosigned any checkpoint of this
merchant that it fetched, as far as it remembers.
The findings are: at the first fetch, a checkpoint that nobody has cosigned, a notice, since only
its log vouches for it; a witness whose cosignature is missing from each checkpoint of a log that
was fetched over :data:`MISSING` or longer, a warning; and, in the event log, a cosignature that
came more than :data:`LATE` after the last event under it, a notice, once for a row of such
checkpoints. An auditor that looks once a day sees no more than that. Sandboxes have no
witnesses, and are not looked at.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from auditor.findings import NOTICE, WARNING, Entry, Finding
from auditor.record import Record, Sighting
from auditor.times import later
from commitments.sandbox import is_sandbox

__all__ = ["LATE", "MISSING", "NAME", "find"]

NAME = "late-cosignatures"
MISSING = timedelta(days=1)  # without a witness's cosignature
LATE = timedelta(hours=1)  # between an event and a cosignature over it


def find(record: Record, now: str) -> Iterator[Finding]:
    """Checkpoints that lacked cosignatures when the auditor fetched them."""
    if is_sandbox(record.declaration.origin):
        return
    if record.sightings and not record.sightings[0].cosigned:
        yield _unsigned(record.sightings[0])
    witnesses: set[str] = set()
    missing: dict[tuple[str, str], str | None] = {}  # since when; None where it has been said
    late: set[str] = set()
    for sighting in record.sightings:
        witnesses |= sighting.cosigned.keys()
        yield from _missing(sighting, witnesses, missing)
        if sighting.log == "events" and 0 < sighting.size <= len(record.times):
            yield from _late(sighting, later(record.times[sighting.size - 1], LATE), late)


def _unsigned(sighting: Sighting) -> Finding:
    text = "no known witness has cosigned the checkpoint of the log of {log}, at {size} entries"
    return _finding(NOTICE, sighting.seen, text, sighting, "unsigned", ())


def _missing(
    sighting: Sighting, witnesses: set[str], missing: dict[tuple[str, str], str | None]
) -> Iterator[Finding]:
    over = []
    for witness in sorted(witnesses):
        key = sighting.log, witness
        if witness in sighting.cosigned:
            missing.pop(key, None)
            continue
        since = missing.setdefault(key, sighting.seen)
        if since is not None and sighting.seen >= later(since, MISSING):
            missing[key] = None
            over.append(witness)
    if over:
        text = "for a day or longer, checkpoints of the log of {log} lacked {witnesses}"
        yield _finding(WARNING, sighting.seen, text, sighting, "missing", over)


def _late(sighting: Sighting, deadline: str, late: set[str]) -> Iterator[Finding]:
    slow = {witness for witness, time in sighting.cosigned.items() if time > deadline}
    over = sorted(slow - late)
    late -= sighting.cosigned.keys() - slow
    late |= slow
    if over:
        text = "{witnesses} cosigned the last of {size} events more than an hour after it"
        yield _finding(NOTICE, deadline, text, sighting, "late", over)


def _finding(
    severity: str, time: str, text: str, sighting: Sighting, kind: str, witnesses: Sequence[str]
) -> Finding:
    facts = {
        "kind": kind,
        "log": sighting.log,
        "size": sighting.size,
        "witnesses": ", ".join(witnesses),
    }
    entries = (_last(sighting),) if sighting.size else ()
    return Finding(NAME, severity, time, text.format_map(facts), facts, entries)


def _last(sighting: Sighting) -> Entry:
    return Entry("events" if sighting.log == "events" else "purchases", sighting.size - 1)
