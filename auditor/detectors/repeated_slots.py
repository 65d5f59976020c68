"""One slot that is taken and given back again and again.

A claim that is declined or withdrawn frees its slot, and the next claim for it shows the same tag:
so everybody sees that they are of one buyer, and their rings can be compared. (Two claims with one
tag that both hold the slot are no finding but a broken rule.) The finding is the claim with which
a tag is shown for the :data:`MANY`-th time, a notice, and for the :data:`VERY_MANY`-th, a warning.
It says how many of the earlier claims the merchant has declined, which makes the buyer come
again, and how many the buyer has withdrawn. No member of any ring is named.
"""

from collections import defaultdict
from collections.abc import Iterator

from aftersales.claims import CANCELED
from aftersales.histories import History
from auditor.findings import NOTICE, WARNING, Entry, Finding
from auditor.record import Record

__all__ = ["MANY", "NAME", "VERY_MANY", "find"]

NAME = "repeated-slots"
MANY = 4  # claims that show one tag
VERY_MANY = 8  # half of what a service lets one do

_SEVERITIES = {MANY: NOTICE, VERY_MANY: WARNING}


def find(record: Record, now: str) -> Iterator[Finding]:
    """Tags that are shown by many claims."""
    claims: dict[str, list[History]] = defaultdict(list)
    for history in record.histories.claims.values():
        for tag in history.tags[:1]:  # the serial's, which is the slot's
            shown = claims[tag]
            shown.append(history)
            if severity := _SEVERITIES.get(len(shown)):
                yield _finding(severity, shown)


def _finding(severity: str, shown: list[History]) -> Finding:
    last, earlier = shown[-1], shown[:-1]
    withdrawn = sum(_withdrawn_before(history, last) for history in earlier)
    facts = {
        "policy": last.case.body.policy,
        "claims": len(shown),
        "withdrawn": withdrawn,
        "declined": len(earlier) - withdrawn,
    }
    text = (
        "{claims} claims under {policy} show one tag: {declined} of them the merchant had declined"
        " before, and {withdrawn} the buyer had withdrawn"
    )
    entries = tuple(Entry("events", history.index) for history in shown)
    return Finding(NAME, severity, last.case.opened, text.format_map(facts), facts, entries)


def _withdrawn_before(history: History, last: History) -> bool:
    moves = [move for move in history.moves if move.index < last.index]
    return bool(moves) and moves[-1].state == CANCELED
