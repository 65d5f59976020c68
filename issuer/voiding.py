"""Declaring purchases void: an entry of the purchase log each, and an event that says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from commitments.errors import FormatError, Refused
from issuer.rows import Done, Rejection, attempt
from ledger.entries import Void
from ledger.store import Transaction
from ledger.void_events import append_voided, void_reasons
from ledger.voided import REASONS, Voided

__all__ = ["VoidWanted", "append_voids"]


@dataclass(frozen=True)
class VoidWanted:
    """The purchase at ``index`` is to be void, for ``reason``; ``FormatError`` for no reason."""

    index: int
    reason: str

    def __post_init__(self) -> None:
        """Check the reason."""
        if self.reason not in REASONS:
            raise FormatError(f"not one of {', '.join(REASONS)}", "reason")


def append_voids(
    transaction: Transaction, origin: str, wanted: Sequence[VoidWanted | Rejection], time: str
) -> list[Done[dict[str, Any]] | Rejection]:
    """Append what is new to both logs, and say what has become of each: the void's document.

    ``Refused`` for what is no purchase, and for one that is void for another reason. Whether a
    void comes in time to count is for readers to judge (docs/protocol.md 4).
    """
    size = transaction.size(origin)
    indices = {one.index for one in wanted if isinstance(one, VoidWanted) and one.index < size}
    purchases = _purchases(transaction, origin, sorted(indices))
    known = dict(_known(transaction, origin, sorted(indices)))
    new: list[Voided] = []

    def decide(one: VoidWanted) -> Done[dict[str, Any]]:
        if one.index >= size:
            raise Refused("unknown-entry", "the log has no such entry", "index")
        earlier = known.get(one.index)
        if earlier is not None and earlier.reason == one.reason:
            return Done(earlier.document(), duplicate=True)
        if earlier is not None or one.index not in purchases:
            raise Refused("not-voidable", "not a purchase, or void for another reason", "index")
        known[one.index] = Voided(size + len(new), one.index, one.reason)
        new.append(known[one.index])
        return Done(known[one.index].document())

    decided = attempt(wanted, decide)
    if new:
        transaction.append(origin, [Void(one.voided).encode() for one in new])
        append_voided(transaction, origin, new, time)
    return decided


def _purchases(transaction: Transaction, origin: str, indices: Sequence[int]) -> set[int]:
    entries = transaction.log(origin).entries_at(indices)
    return {index for index, entry in zip(indices, entries, strict=True) if entry[0] == 1}


def _known(
    transaction: Transaction, origin: str, indices: Sequence[int]
) -> list[tuple[int, Voided]]:
    """The voids that there are; those from before reasons were logged have an empty one."""
    voids = transaction.log(origin).voids_of(indices)
    positions = [position for found in voids.values() for position in found]
    reasons = _reasons(transaction.connection, origin, positions)
    return [
        (index, Voided(found[0], index, reasons.get(found[0], "")))
        for index, found in voids.items()
    ]


def _reasons(connection: Connection, origin: str, positions: Sequence[int]) -> Mapping[int, str]:
    query = select(void_reasons.c.position, void_reasons.c.reason).where(
        void_reasons.c.origin == origin, void_reasons.c.position.in_(positions)
    )
    return {row.position: row.reason for row in connection.execute(query)}
