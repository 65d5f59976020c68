"""Voids that gather in the ring of a claim: somebody may be asking who made it.

A merchant that declares suspects void and watches who comes back is probing who is in a ring.
Which cell a purchase falls into is decided by a hash after its entry is in the log
(docs/protocol.md 4, *Rings*), so voids that are blind to cells hit one of L with a chance of 1 in
L. For each ring that a claim names the voids of the :data:`CLOSES` closes before it, and of those
after it, are counted: all that hit the ring's span, and those that hit its cell. The finding is a
ring for which they would be :data:`ODDS` times likelier if half of them were aimed at it. Blind
voids reach that for one ring in :data:`ODDS` on each side, however many there are. Where the log
has a single cell nothing can be seen.

It names the ring by the first claim that did, and the voids in it, all of which are public; that
a member was declared void says nothing about the others.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aftersales.histories import History
from auditor.chance import odds_against_chance
from auditor.findings import ALARM, Entry, Finding
from auditor.record import Record, SeenVoid
from auditor.voiding import counting_voids, void_time
from policies.claim import ClaimBody

__all__ = ["CLOSES", "NAME", "ODDS", "find"]

NAME = "void-rings"
CLOSES = 14  # before and after the close that a claim names
ODDS = 1_000_000  # one ring in so many has this by chance, on each side


@dataclass(frozen=True)
class _Void:
    """A void that counts, and the cell of what it names in the finest partition there is."""

    seen: SeenVoid
    cell: int


@dataclass
class _Row:
    """Voids of a span in the order of the log: the places in the row that hit each lane."""

    voids: list[_Void] = field(default_factory=list)
    lanes: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def hits(self, lane: int) -> list[SeenVoid]:
        """The voids that hit the lane."""
        return [self.voids[place].seen for place in self.lanes.get(lane, [])]


def find(record: Record, now: str) -> Iterator[Finding]:
    """Rings of claims in which voids gather."""
    if not record.closes:
        return
    voids, sizes = list(_cells(record)), [seen.close.size for seen in record.closes]
    rows: dict[tuple[int, int, int], tuple[_Row, _Row]] = {}
    known = set()
    for history in record.histories.claims.values():
        body = history.case.body
        span = body.first, body.size, body.voided_at
        lanes = record.partition.lanes(body.first, body.size)
        if lanes == 1 or body.size > sizes[-1] or (span, body.lane) in known:
            continue
        known.add((span, body.lane))
        if span not in rows:
            before, after = _around(voids, sizes, body.voided_at)
            rows[span] = _row(before, body, lanes), _row(after, body, lanes)
        for side, trials, hits in _gathered(body.lane, lanes, *rows[span]):
            yield from _finding(record, history, lanes, side, trials, hits)


def _cells(record: Record) -> Iterator[_Void]:
    size = record.closes[-1].close.size
    for void in counting_voids(record):
        if void.target < size:
            yield _Void(void, record.partition.lane_of(void.target, 0, size))


def _around(
    voids: Sequence[_Void], sizes: Sequence[int], voided_at: int
) -> tuple[Sequence[_Void], Sequence[_Void]]:
    """The voids of the closes before ``voided_at``, and of those after it."""
    place = bisect_left(sizes, voided_at)
    start = sizes[place - CLOSES] if place >= CLOSES else 0
    stop = sizes[place + CLOSES] if place + CLOSES < len(sizes) else None
    cuts = [at and bisect_left(voids, at, key=_position) for at in (start, voided_at, stop)]
    return voids[cuts[0] : cuts[1]], voids[cuts[1] : cuts[2]]


def _position(void: _Void) -> int:
    return void.seen.position


def _row(voids: Sequence[_Void], body: ClaimBody, lanes: int) -> _Row:
    row = _Row([void for void in voids if body.first <= void.seen.target < body.size])
    for place, void in enumerate(row.voids):
        row.lanes[void.cell % lanes].append(place)  # the cells of one entry are nested
    return row


def _gathered(
    lane: int, lanes: int, before: _Row, after: _Row
) -> Iterator[tuple[str, int, list[SeenVoid]]]:
    """On which side too many voids hit the lane, of how many, and those that did."""
    hits = before.hits(lane)
    if odds_against_chance(len(hits), len(before.voids), lanes) >= ODDS:
        yield "before", len(before.voids), hits
    hits = after.hits(lane)
    for count, place in enumerate(after.lanes.get(lane, []), start=1):
        if odds_against_chance(count, place + 1, lanes) >= ODDS:
            yield "after", place + 1, hits[:count]
            return


def _finding(
    record: Record, history: History, lanes: int, side: str, trials: int, hits: list[SeenVoid]
) -> Iterator[Finding]:
    body, logged = history.case.body, void_time(record, hits[-1])
    if logged is None:
        return  # no close covers the void yet
    facts = {
        "side": side,
        "hits": len(hits),
        "voids": trials,
        "cells": lanes,
        "first": body.first,
        "size": body.size,
        "lane": body.lane,
    }
    text = (
        "{hits} of {voids} purchases that were declared void shortly {side} a claim were in its"
        " ring, which is one of {cells} cells"
    )
    voids = tuple(Entry("purchases", void.position) for void in hits)
    entries = (Entry("events", history.index), *voids)
    time = max(history.case.opened, logged)
    yield Finding(NAME, ALARM, time, text.format_map(facts), facts, entries)
