"""Deciding claims: policy and public log in, statement built here, decision out.

Nothing that the prover says about bounds or members is believed (docs/protocol.md 5): of its
message only which closes, which lane, the date and the slot enter, each checked. Checks run
cheapest first (docs/protocol.md 10).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.engine import Row

from commitments.clock import Clock
from commitments.errors import FormatError, Refused, VerificationError
from commitments.group import Group
from ledger.closed import ClosedLogs
from ledger.closes import CLOSED
from ledger.event_log import append_event, last_events
from ledger.events import event_time, events_origin, parse_event
from ledger.log import Log
from ledger.rings import RingName, build_ring
from ledger.store import Store, Transaction
from ledger.tlog_proof import TlogProof
from policies.claim import ClaimBody, claim_statement
from policies.durations import parse_duration
from policies.policy import Policy
from verifier.decision import (
    APPROVED,
    AWAITING_SECRET,
    COMPLETED,
    LAPSED,
    Decision,
    claim_id,
    decided_event,
    declined,
    retired_event,
)
from verifier.policy_book import publish_policy, published_policies, published_policy
from verifier.retiring import RetiredSecrets, secret_tag
from verifier.schema import decisions, retired, tags
from zk.statement import Ring, Statement
from zk.verify import proof_tags, verify

__all__ = ["Verifier"]

_RECENT_CLOSES = 2  # a claim made just before a close must not fail just after it
_RINGS_KEPT = 256  # of 1,024 decoded members each: about 100 MB at most
"""Decoded rings kept between claims: decoding is a third of the cost of verifying."""


class Verifier:
    """The decisions of one service, for all its merchants. Any number of threads may ask."""

    def __init__(self, store: Store, group: Group, clock: Clock) -> None:
        self._store = store
        self._group = group
        self._clock = clock
        self._closed = ClosedLogs()
        self._retired = RetiredSecrets(group)
        self._decoded = lru_cache(maxsize=_RINGS_KEPT)(self._decode_ring)

    # ---- policies

    def publish(self, origin: str, document: Any) -> tuple[int, Policy]:
        """See :func:`verifier.policy_book.publish_policy`."""
        return publish_policy(self._store, self._clock, origin, document)

    def policies(self, origin: str) -> list[Policy]:
        """All published versions of all policies."""
        with self._store.read() as connection:
            return published_policies(connection, origin)

    def policy(self, origin: str, policy: str, version: int) -> Policy:
        """One published version; ``Refused`` where there is none."""
        with self._store.read() as connection:
            return published_policy(connection, origin, policy, version)

    # ---- claims

    def decide(self, origin: str, body: ClaimBody, proof: bytes) -> Decision:
        """Approve or decline a claim, and record an approval.

        The same statement with the same proof gives the same answer again.

        Raises
        ------
        Refused
            the claim cannot be judged: unknown or expired policy, another merchant's log, a date
            that is not today's or yesterday's, horizons that are no closes or no longer recent, a
            lane that does not exist, a ring below the policy's minimum.
        FormatError
            the body or the proof does not have the form that the policy asks for.
        """
        with self._store.read() as connection:
            policy = self._applicable_policy(connection, origin, body)
            statement = self._statement(connection, policy, body)
            shown = proof_tags(statement, proof)
            identifier = claim_id(statement, proof)
            known = self._known(connection, statement, identifier, shown)
            ended = self._retired.contains(connection, origin, *_secret_tag(statement, shown))
        if known is not None:
            return self._answer(origin, known)
        if ended:
            return declined(identifier, "ownership_ended")
        try:
            verify(statement, proof)
        except (FormatError, VerificationError):
            return declined(identifier, "proof_invalid")
        retire_by = self._retire_by(policy)

        def unit(transaction: Transaction) -> Decision:
            # Again, at the event's place in the log: others may have been decided meanwhile.
            self._check_recent(transaction.connection, body)
            known = self._known(transaction.connection, statement, identifier, shown)
            if known is not None:
                return known
            if self._retired.contains_now(transaction, origin, *_secret_tag(statement, shown)):
                return declined(identifier, "ownership_ended")
            return self._approve(transaction, statement, body, proof, shown, retire_by)

        return self._answer(origin, self._store.write(unit))

    def decision(self, origin: str, identifier: str) -> Decision:
        """An approved claim as it stands; ``Refused`` for any other id."""
        with self._store.read() as connection:
            row = _find(connection, origin, identifier)
            return self._read(connection, origin, row)

    def decisions(self, origin: str, after: int, limit: int) -> list[tuple[int, Decision]]:
        """Approved claims with their place in the event log, from behind ``after`` on."""
        query = (
            select(decisions)
            .where(decisions.c.origin == origin, decisions.c.position > after)
            .order_by(decisions.c.position)
            .limit(limit)
        )
        with self._store.read() as connection:
            rows = connection.execute(query).all()
            return [(row.position, self._read(connection, origin, row)) for row in rows]

    def retire(self, origin: str, identifier: str, secret: int) -> Decision:
        """Complete an approval that ends the ownership: the owner shows its secret.

        ``Refused`` unless the claim awaits it, the time has not run out, the secret is the one
        its tag was made with, and no other claim by this owner came in between or before.
        """

        def unit(transaction: Transaction) -> None:
            connection = transaction.connection
            row = _find(connection, origin, identifier)
            if self._status(row) != AWAITING_SECRET:
                code = "lapsed" if self._status(row) == LAPSED else "not-awaiting-secret"
                raise Refused(code, "this claim awaits no secret", "claim_id")
            if secret_tag(self._group, row.scope, secret) != row.secret_tag:
                raise Refused("wrong-secret", "not the secret of this claim's tag", "secret")
            if self._contested(connection, origin, row, secret):
                raise Refused("lapsed", "this owner has made another claim", "claim_id")
            encoded = self._group.encode_scalar(secret)
            event = retired_event(identifier, event_time(self._clock()), encoded)
            position = append_event(transaction, origin, event)
            ended = {"origin": origin, "position": position, "secret": encoded}
            connection.execute(insert(retired), ended)
            connection.execute(
                update(decisions)
                .where(decisions.c.origin == origin, decisions.c.claim_id == identifier)
                .values(status=COMPLETED)
            )

        self._store.write(unit)
        return self.decision(origin, identifier)

    # ---- from body to statement

    def _applicable_policy(self, connection: Connection, origin: str, body: ClaimBody) -> Policy:
        if body.origin != origin:
            raise Refused("foreign-origin", "the claim is about another merchant", "claim.origin")
        today = self._clock().date()
        if body.day not in (today, today - timedelta(days=1)):
            raise Refused("claim-date", "not the date of today or yesterday (UTC)", "claim.date")
        policy = published_policy(connection, origin, body.policy, body.version)
        if not policy.is_valid_on(body.day):
            raise Refused("policy-not-valid", "the policy is not valid on that day", "claim.policy")
        return policy

    def _statement(self, connection: Connection, policy: Policy, body: ClaimBody) -> Statement:
        self._check_horizon(connection, body)
        root, ring = self._decoded(body.origin, body.first, body.size, body.voided_at, body.lane)
        if len(ring) < policy.smallest_ring:
            raise Refused("ring-too-small", "below the policy's smallest ring", "claim.lane")
        return claim_statement(self._group, policy, body, root, ring)

    def _check_horizon(self, connection: Connection, body: ClaimBody) -> None:
        partition = self._closed.partition(connection, body.origin)
        sizes = [close.size for close in partition.closes]
        for name in ("first", "size", "voided_at"):
            horizon = getattr(body, name)
            if horizon not in sizes and not (name == "first" and horizon == 0):
                raise Refused("unknown-horizon", "not a close of the log", f"claim.{name}")
        if not body.first < body.size <= body.voided_at:
            raise Refused("unknown-horizon", "horizons are not in order", "claim.size")
        self._check_recent(connection, body)
        if body.lane >= partition.lanes(body.first, body.size):
            raise Refused("unknown-lane", "there is no such lane", "claim.lane")

    def _check_recent(self, connection: Connection, body: ClaimBody) -> None:
        events = last_events(connection, body.origin, CLOSED, _RECENT_CLOSES)
        if body.voided_at not in [event["size"] for _, event in events]:
            raise Refused("stale-horizon", "not one of the last two closes", "claim.voided_at")

    def _decode_ring(
        self, origin: str, first: int, size: int, voided_at: int, lane: int
    ) -> tuple[bytes, Ring]:
        name = RingName(first, size, voided_at, lane)
        with self._store.read() as connection:
            partition = self._closed.partition(connection, origin)
            try:
                ring = build_ring(Log(connection, origin), partition, name, self._group.decode)
            except VerificationError:  # the name has been checked: the cell has no member
                raise Refused("ring-too-small", "nobody is in this ring", "claim.lane") from None
        return ring.root, Ring(self._group, ring.members)

    # ---- recording

    def _known(
        self, connection: Connection, statement: Statement, identifier: str, shown: Sequence[bytes]
    ) -> Decision | None:
        """The answer that its serial tag decides: given before, or double use."""
        origin, scope = statement.origin, statement.scopes[0].text
        serial_tag, _ = shown
        used = select(tags.c.claim_id).where(
            tags.c.origin == origin, tags.c.scope == scope, tags.c.tag == serial_tag
        )
        earlier: str | None = connection.scalar(used)
        if earlier == identifier:
            return Decision(identifier, _find(connection, origin, identifier).status)
        return declined(identifier, "already_claimed", earlier) if earlier else None

    def _approve(
        self,
        transaction: Transaction,
        statement: Statement,
        body: ClaimBody,
        proof: bytes,
        shown: Sequence[bytes],
        retire_by: str | None,
    ) -> Decision:
        origin, scope = statement.origin, statement.scopes[0].text
        identifier = claim_id(statement, proof)
        time = event_time(self._clock())
        event = decided_event(identifier, time, body, proof, shown, retire_by)
        position = append_event(transaction, origin, event)
        serial_tag, shown_secret_tag = shown
        connection = transaction.connection
        connection.execute(
            insert(tags),
            {"origin": origin, "scope": scope, "tag": serial_tag, "claim_id": identifier},
        )
        status = APPROVED if retire_by is None else AWAITING_SECRET
        row = {
            "origin": origin,
            "claim_id": identifier,
            "position": position,
            "scope": scope,
            "secret_tag": shown_secret_tag,
            "status": status,
            "retire_by": retire_by,
        }
        connection.execute(insert(decisions), row)
        return Decision(identifier, status, retire_by=retire_by, new=True)

    def _retire_by(self, policy: Policy) -> str | None:
        """When an approval that ends the ownership lapses: after the policy's response time."""
        if not policy.ends_ownership:
            return None
        allowed = parse_duration(policy.response_time)
        return event_time(self._clock() + timedelta(days=30 * allowed.months + allowed.days))

    def _contested(self, connection: Connection, origin: str, row: Row[Any], secret: int) -> bool:
        """Whether another approval of this owner goes before the one in ``row``.

        An ordinary claim accepted after it does; of two that end the ownership the earlier does,
        until it has lapsed.
        """
        later = decisions.c.retire_by.is_(None) & (decisions.c.position > row.position)
        earlier = decisions.c.retire_by.is_not(None) & (decisions.c.position < row.position)
        query = select(decisions).where(decisions.c.origin == origin, later | earlier)
        return any(
            secret_tag(self._group, other.scope, secret) == other.secret_tag
            for other in connection.execute(query)
            if self._status(other) != LAPSED
        )

    # ---- reading

    def _status(self, row: Row[Any]) -> str:
        if row.status == AWAITING_SECRET and row.retire_by < event_time(self._clock()):
            return LAPSED
        status: str = row.status
        return status

    def _read(self, connection: Connection, origin: str, row: Row[Any]) -> Decision:
        log = Log(connection, events_origin(origin))
        hashes = log.inclusion(row.position, log.size)
        proof = TlogProof(row.position, tuple(hashes), log.checkpoint()).serialise()
        receipt = {"event": parse_event(log.entry(row.position)), "proof": proof.decode("utf-8")}
        return Decision(row.claim_id, self._status(row), retire_by=row.retire_by, receipt=receipt)

    def _answer(self, origin: str, decision: Decision) -> Decision:
        """With the receipt, which there is only after the commit."""
        if not decision.approved:
            return decision
        return replace(self.decision(origin, decision.claim_id), new=decision.new)


def _secret_tag(statement: Statement, shown: Sequence[bytes]) -> tuple[str, bytes]:
    return statement.scopes[1].text, shown[1]


def _find(connection: Connection, origin: str, identifier: str) -> Row[Any]:
    query = select(decisions).where(
        decisions.c.origin == origin, decisions.c.claim_id == identifier
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused("unknown-claim", "no approved claim has this id", "claim_id")
    return row
