"""From the body of a claim or a transfer to the statement its proof must prove.

Nothing that the prover says about bounds or members is believed (docs/protocol.md 5): of its
message only which closes, which lane, the date and the slot enter, each checked here.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from aftersales.horizons import RECENT_CLOSES, Body, Horizons, body_kind, require_today
from commitments.errors import FormatError, Refused, VerificationError
from commitments.group import Group
from ledger.closed import ClosedLogs
from ledger.closes import CLOSED
from ledger.event_log import last_events
from ledger.log import Log
from ledger.rings import RingName, build_ring
from ledger.store import Store
from policies.claim import ClaimBody, claim_statement, policy_predicates
from policies.transfer import TransferBody, transfer_statement
from policies.versions import Version
from verifier.policy_book import Policies
from verifier.ring_cache import RingCache, RingKey
from zk.statement import Ring, Statement
from zk.verify import claim_size

__all__ = [
    "Statements",
    "applicable_version",
    "recent_closes",
    "require_possible_length",
    "require_possible_transfer",
]

_SCOPES = 2  # of a claim: serial and secret
_TRANSFER_SCOPES = 1  # secret
_DIGITS = 8  # of a position, in base 4: cells of 4,096 may exceed their mean, but not 4^8
_MEMBERS_KEPT = 256 * 1024  # decoded, of all rings together: about 100 MB


def applicable_version(policies: Policies, origin: str, body: ClaimBody, now: datetime) -> Version:
    """The version that ``body`` names, if a claim under it can be made ``now`` with this origin."""
    if body.origin != origin:
        raise Refused("foreign-origin", "the claim is about another merchant", "claim.origin")
    require_today(body, now)
    version = policies.get(body.policy, body.version)
    if not version.is_open_on(body.day):
        raise Refused("policy-not-valid", "the policy is not valid on that day", "claim.policy")
    return version


def recent_closes(connection: Connection, origin: str) -> set[int]:
    """The sizes at which the log was closed the last two times."""
    events = last_events(connection, origin, CLOSED, RECENT_CLOSES)
    return {event["size"] for _, event in events}


def require_possible_length(group: Group, version: Version, body: ClaimBody, length: int) -> None:
    """``FormatError`` for a proof that no ring could make so long, before one is built."""
    predicates = policy_predicates(group, version, body.day)
    _require_length(length, partial(claim_size, group, predicates, _SCOPES))


def require_possible_transfer(group: Group, length: int) -> None:
    """The same for a transfer."""
    _require_length(length, partial(claim_size, group, (), _TRANSFER_SCOPES, transfer=True))


def _require_length(length: int, size_of: Callable[[int], int]) -> None:
    if all(size_of(4**m) != length for m in range(1, _DIGITS + 1)):
        raise FormatError("a proof of the wrong length", "proof")


class Statements:
    """Builds statements over rings of the store's own logs, and keeps the rings' points."""

    def __init__(self, store: Store, group: Group) -> None:
        self._store = store
        self._group = group
        self._closed = ClosedLogs()
        # Decoding a ring costs about as much as verifying a proof over it.
        self._rings = RingCache(_MEMBERS_KEPT)

    def horizons(self, connection: Connection, origin: str) -> Horizons:
        """The closes of a log as ``connection`` sees them."""
        partition = self._closed.partition(connection, origin)
        sizes = {close.size for close in partition.closes}
        return Horizons(partition, sizes, recent_closes(connection, origin))

    def has_ring(self, body: ClaimBody) -> bool:
        """Whether the ring of a claim is kept, so that :meth:`build` is quick."""
        return _ring_key(body) in self._rings

    def build(self, horizons: Horizons, version: Version, body: ClaimBody) -> Statement:
        """The statement of ``body`` under ``version``.

        ``Refused`` as :meth:`Horizons.require` and for a ring below the policy's minimum;
        ``FormatError`` as ``claim_statement``.
        """
        horizons.require(body)
        root, ring = self._ring(body)
        if len(ring) < version.policy.smallest_ring:
            raise Refused("ring-too-small", "below the policy's smallest ring", "claim.lane")
        return claim_statement(self._group, version, body, root, ring)

    def build_transfer(self, body: TransferBody) -> Statement:
        """The statement of ``body``, whose horizons have been checked.

        ``Refused`` for a ring without a member; ``FormatError`` as ``transfer_statement``.
        """
        return transfer_statement(self._group, body, *self._ring(body))

    def _ring(self, body: Body) -> tuple[bytes, Ring]:
        """The log's root at the ring's size, and the ring."""
        return self._rings.get(_ring_key(body), lambda: self._read_ring(body))

    def _read_ring(self, body: Body) -> tuple[bytes, Ring]:
        origin, name = _ring_key(body)
        with self._store.read() as connection:
            partition = self._closed.partition(connection, origin)
            try:
                ring = build_ring(Log(connection, origin), partition, name, self._group.decode)
            except VerificationError:  # the name has been checked: the cell has no member
                field = f"{body_kind(body)}.lane"
                raise Refused("ring-too-small", "nobody is in this ring", field) from None
        return ring.root, Ring(self._group, ring.members, ring.points)


def _ring_key(body: Body) -> RingKey:
    return body.origin, RingName(body.first, body.size, body.voided_at, body.lane)
