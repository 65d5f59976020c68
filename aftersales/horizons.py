"""When and where a claim or transfer can be judged: its date, its horizons (docs/protocol.md 4).

Pure, and shared by verifier and auditor: both judge at the place of the decision in the event log.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from commitments.errors import Refused
from ledger.partition import Partition
from policies.claim import ClaimBody
from policies.transfer import TransferBody

__all__ = ["RECENT_CLOSES", "Body", "Horizons", "body_kind", "require_recent", "require_today"]

Body = ClaimBody | TransferBody

RECENT_CLOSES = 2
"""A claim made just before a close must not fail just after it."""


def require_today(body: Body, now: datetime) -> None:
    """``Refused`` unless the claim or transfer has the date of today or of yesterday."""
    if (now.astimezone(UTC).date() - body.day).days not in (0, 1):
        kind = body_kind(body)
        raise Refused(f"{kind}-date", "not the date of today or yesterday (UTC)", f"{kind}.date")


def require_recent(recent: Collection[int], body: Body) -> None:
    """``Refused`` unless ``voided_at`` is one of the last two closes, which are ``recent``."""
    if body.voided_at not in recent:
        field = f"{body_kind(body)}.voided_at"
        raise Refused("stale-horizon", "not one of the last two closes", field)


@dataclass(frozen=True)
class Horizons:
    """What a snapshot says about the closes of one log."""

    partition: Partition
    sizes: Collection[int]
    recent: Collection[int]

    def require(self, body: Body) -> None:
        """``Refused`` for horizons that are no closes, or stale, or a lane that does not exist."""
        kind = body_kind(body)
        for name, allowed in (("first", {0}), ("size", ()), ("voided_at", ())):
            if (size := getattr(body, name)) not in self.sizes and size not in allowed:
                raise Refused("unknown-horizon", "not a close of the log", f"{kind}.{name}")
        if not body.first < body.size <= body.voided_at:
            raise Refused("unknown-horizon", "horizons are not in order", f"{kind}.size")
        require_recent(self.recent, body)
        if body.lane >= self.partition.lanes(body.first, body.size):
            raise Refused("unknown-lane", "there is no such lane", f"{kind}.lane")

    def require_settled(self, body: TransferBody) -> None:
        """``Refused`` while a purchase of the span could still be declared void, and that count."""
        if not self.partition.voids_are_settled(body.size, body.voided_at):
            raise Refused("still-voidable", "voids of this span may still come", "transfer.size")


def body_kind(body: Body) -> str:
    """``claim`` or ``transfer``, as the names of members begin in errors."""
    return "claim" if isinstance(body, ClaimBody) else "transfer"
