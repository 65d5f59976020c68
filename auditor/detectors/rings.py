"""Rings that hide little: barely what the policy promises, or thinned out.

A ring below the policy's ``smallest_ring`` is no finding but a broken rule. What a merchant may do
is to promise little, and to keep it barely. Counted is how many members the cells of a claim's
span have on average: its purchases that were not void at the claim, over the number of cells.
(Who is in which cell is a hash's choice; the exact ring is looked at where the proof is verified.)
A claim is *barely hidden* where that is below :data:`BARELY` times ``smallest_ring``; the finding
is the claim with which a policy has :data:`MANY` of them, a notice. A claim's ring is *thin* where
the span has several cells, and fewer than 1 of :data:`THIN` of its entries are members: the rest
are voids, what they name, and sales without a buyer. The log then hides less than its declared
capacity lets one think. The finding is the first such claim of a month, a warning. Young logs
have small rings without anybody's doing.
"""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from itertools import accumulate

from aftersales.histories import History
from auditor.findings import NOTICE, WARNING, Entry, Finding
from auditor.record import PURCHASE, TRANSFERRED, Record
from auditor.times import month_of
from auditor.voiding import counting_voids
from policies.claim import ClaimBody

__all__ = ["BARELY", "MANY", "NAME", "THIN", "find"]

NAME = "small-rings"
BARELY = 2  # times the smallest ring that the policy allows
MANY = 10  # claims under one policy
THIN = 3  # a member in so many entries

_MEMBERS = (PURCHASE, TRANSFERRED)
_Span = tuple[int, int, int]


def find(record: Record, now: str) -> Iterator[Finding]:
    """Policies whose claims are barely hidden, and months with thin rings."""
    members = _members(record)
    barely: dict[str, list[History]] = defaultdict(list)
    thin = set()
    for history in record.histories.claims.values():
        policy, month = history.version.policy, month_of(history.case.opened)
        body = history.case.body
        lanes, found = record.partition.lanes(body.first, body.size), members[_span(body)]
        if found < BARELY * policy.smallest_ring * lanes:
            barely[policy.id].append(history)
            if len(barely[policy.id]) == MANY:
                yield _barely(policy.id, barely[policy.id])
        if lanes > 1 and found * THIN < body.size - body.first and month not in thin:
            thin.add(month)
            yield _thin(history, found, lanes)


def _span(body: ClaimBody) -> _Span:
    return body.voided_at, body.first, body.size


def _members(record: Record) -> Mapping[_Span, int]:
    """How many members the spans of all claims have: purchases that were not void then."""
    until = [0, *accumulate(kind in _MEMBERS for kind in record.kinds)]
    spans = sorted({_span(each.case.body) for each in record.histories.claims.values()})
    voids, found = deque(counting_voids(record)), {}
    void: list[int] = []
    for voided_at, first, size in spans:
        while voids and voids[0].position < voided_at:
            insort(void, voids.popleft().target)
        gone = bisect_left(void, size) - bisect_left(void, first)
        start, stop = (min(end, len(record.kinds)) for end in (first, size))
        found[voided_at, first, size] = until[stop] - until[start] - gone
    return found


def _barely(policy: str, claims: list[History]) -> Finding:
    last = claims[-1]
    smallest = last.version.policy.smallest_ring
    facts = {"kind": "barely", "policy": policy, "claims": MANY, "smallest_ring": smallest}
    text = (
        "{claims} claims under {policy} were made in rings of less than twice the {smallest_ring}"
        " members that it promises, on average"
    )
    entries = tuple(Entry("events", history.index) for history in claims)
    return Finding(NAME, NOTICE, last.case.opened, text.format_map(facts), facts, entries)


def _thin(history: History, members: int, lanes: int) -> Finding:
    body = history.case.body
    facts = {
        "kind": "thin",
        "policy": body.policy,
        "members": members,
        "entries": body.size - body.first,
        "cells": lanes,
        "month": month_of(history.case.opened),
    }
    text = (
        "of the {entries} entries that a claim was made over only {members} can be members of its"
        " {cells} rings: the rest are voids, what they name, and sales without a buyer"
    )
    entries = (Entry("events", history.index),)
    return Finding(NAME, WARNING, history.case.opened, text.format_map(facts), facts, entries)
