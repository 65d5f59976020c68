"""From a claim body to the statement its proof must prove.

Nothing that the prover says about bounds or members is believed (docs/protocol.md 5): of its
message only which closes, which lane, the date and the slot enter, each checked here.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection

from commitments.errors import Refused, VerificationError
from commitments.group import Group
from ledger.closed import ClosedLogs
from ledger.closes import CLOSED
from ledger.event_log import last_events
from ledger.log import Log
from ledger.rings import RingName, build_ring
from ledger.store import Store
from policies.claim import ClaimBody, claim_statement
from policies.policy import Policy
from verifier.policy_book import published_policy
from zk.statement import Ring, Statement

__all__ = ["Statements", "applicable_policy", "require_recent"]

_RECENT_CLOSES = 2  # a claim made just before a close must not fail just after it
_RINGS_KEPT = 256  # of 1,024 decoded members each: about 100 MB at most


def applicable_policy(
    connection: Connection, origin: str, body: ClaimBody, now: datetime
) -> Policy:
    """The policy that ``body`` names, if a claim under it can be made ``now`` with this origin."""
    if body.origin != origin:
        raise Refused("foreign-origin", "the claim is about another merchant", "claim.origin")
    today = now.astimezone(UTC).date()
    if body.day not in (today, today - timedelta(days=1)):
        raise Refused("claim-date", "not the date of today or yesterday (UTC)", "claim.date")
    policy = published_policy(connection, origin, body.policy, body.version)
    if not policy.is_valid_on(body.day):
        raise Refused("policy-not-valid", "the policy is not valid on that day", "claim.policy")
    return policy


def require_recent(connection: Connection, body: ClaimBody) -> None:
    """``Refused`` unless ``voided_at`` is one of the last two closes."""
    events = last_events(connection, body.origin, CLOSED, _RECENT_CLOSES)
    if body.voided_at not in [event["size"] for _, event in events]:
        raise Refused("stale-horizon", "not one of the last two closes", "claim.voided_at")


class Statements:
    """Builds statements over rings of the store's own logs, and keeps the rings' points."""

    def __init__(self, store: Store, group: Group) -> None:
        self._store = store
        self._group = group
        self._closed = ClosedLogs()
        # Decoding a ring costs about as much as verifying a proof over it.
        self._rings = lru_cache(maxsize=_RINGS_KEPT)(self._read_ring)

    def build(self, connection: Connection, policy: Policy, body: ClaimBody) -> Statement:
        """The statement of ``body`` under ``policy``.

        ``Refused`` for horizons that are no closes, or no longer recent, for a lane that does not
        exist and for a ring below the policy's minimum; ``FormatError`` as ``claim_statement``.
        """
        self._require_ring_name(connection, body)
        root, ring = self._rings(body.origin, body.first, body.size, body.voided_at, body.lane)
        if len(ring) < policy.smallest_ring:
            raise Refused("ring-too-small", "below the policy's smallest ring", "claim.lane")
        return claim_statement(self._group, policy, body, root, ring)

    def _require_ring_name(self, connection: Connection, body: ClaimBody) -> None:
        partition = self._closed.partition(connection, body.origin)
        sizes = {close.size for close in partition.closes}
        for name, allowed in (("first", sizes | {0}), ("size", sizes), ("voided_at", sizes)):
            if getattr(body, name) not in allowed:
                raise Refused("unknown-horizon", "not a close of the log", f"claim.{name}")
        if not body.first < body.size <= body.voided_at:
            raise Refused("unknown-horizon", "horizons are not in order", "claim.size")
        require_recent(connection, body)
        if body.lane >= partition.lanes(body.first, body.size):
            raise Refused("unknown-lane", "there is no such lane", "claim.lane")

    def _read_ring(
        self, origin: str, first: int, size: int, voided_at: int, lane: int
    ) -> tuple[bytes, Ring]:
        """The log's root at ``size``, and the ring."""
        name = RingName(first, size, voided_at, lane)
        with self._store.read() as connection:
            partition = self._closed.partition(connection, origin)
            try:
                ring = build_ring(Log(connection, origin), partition, name, self._group.decode)
            except VerificationError:  # the name has been checked: the cell has no member
                raise Refused("ring-too-small", "nobody is in this ring", "claim.lane") from None
        return ring.root, Ring(self._group, ring.members)
