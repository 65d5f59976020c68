"""Deciding claims: policy and public log in, statement built here, decision out.

Checks run cheapest first (docs/protocol.md 10), and those that time or other claims could have
overtaken once more at the decision's place in the event log.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.engine import Row

from commitments.clock import Clock
from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from ledger.events import event_time, events_origin
from ledger.log import Log
from ledger.store import Store, Transaction
from policies.claim import ClaimBody, claim_id
from policies.policy import Policy
from verifier.batching import BatchVerifier
from verifier.decision import Decision, decided_event, declined
from verifier.decision_book import (
    approval,
    claim_with_tag,
    find_approval,
    read_decision,
    record_approval,
)
from verifier.policy_book import publish_policy, published_policies, published_policy
from verifier.retiring import Owner, RetiredSecrets, require_awaiting, retire
from verifier.schema import decisions
from verifier.statements import (
    Statements,
    applicable_policy,
    require_possible_length,
    require_recent,
)
from zk.statement import Statement
from zk.verify import proof_tags

__all__ = ["Verifier"]


class Verifier:
    """The decisions of one service, for all its merchants. Any number of threads may ask."""

    def __init__(self, store: Store, group: Group, clock: Clock) -> None:
        self._store = store
        self._group = group
        self._clock = clock
        self._statements = Statements(store, group)
        self._retired = RetiredSecrets(group)
        self._proofs = BatchVerifier()

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

        The same body with the same proof gets the first answer again, however late.

        Raises
        ------
        Refused
            the claim cannot be judged: unknown or expired policy, another merchant's log, a date
            that is not today's or yesterday's, or as :meth:`Statements.build`.
        FormatError
            the body or the proof does not have the form that the policy asks for.
        """
        identifier = claim_id(body, proof)
        with self._store.read() as connection:
            if (row := find_approval(connection, origin, identifier)) is not None:
                return self._read(connection, origin, row)
            policy = applicable_policy(connection, origin, body, self._clock())
            require_possible_length(self._group, policy, body, len(proof))
            statement = self._statements.build(connection, policy, body)
            shown = proof_tags(statement, proof)
            known = self._declined_already(connection, statement, identifier, shown)
        if known is not None:
            return known
        try:
            self._proofs.verify(statement, proof)
        except (FormatError, VerificationError):
            return declined(identifier, "proof_invalid")
        with self._store.read() as connection:  # only for who has bought something
            if self._retired.contains(connection, *_owner(statement, shown)):
                return declined(identifier, "ownership_ended")
        decision = self._store.write(
            lambda transaction: self._record(transaction, policy, body, proof, statement, shown),
            events_origin(origin),
        )
        if not decision.approved:
            return decision
        return replace(self.decision(origin, identifier), new=decision.new)

    def decision(self, origin: str, identifier: str) -> Decision:
        """An approved claim as it stands; ``Refused`` for any other id."""
        with self._store.read() as connection:
            return self._read(connection, origin, approval(connection, origin, identifier))

    def decisions(self, origin: str, after: int, limit: int) -> list[tuple[int, Decision]]:
        """Approved claims with their place in the event log, from behind ``after`` on."""
        query = (
            select(decisions)
            .where(decisions.c.origin == origin, decisions.c.position > after)
            .order_by(decisions.c.position)
            .limit(limit)
        )
        now = event_time(self._clock())
        with self._store.read() as connection:
            rows = connection.execute(query).all()
            last = max((row.position for row in rows), default=-1)
            log = Log.published(connection, events_origin(origin), last)
            return [(row.position, read_decision(log, row, now)) for row in rows]

    def retire(self, origin: str, identifier: str, secret: int) -> Decision:
        """Complete an approval that ends the ownership; see :func:`verifier.retiring.retire`."""
        owner = Owner(self._group, origin, secret)
        with self._store.read() as connection:
            row = approval(connection, origin, identifier)
            require_awaiting(row, event_time(self._clock()))
            if owner.tag(row.scope) == row.secret_tag:
                owner.prepare(connection)
        self._store.write(
            lambda transaction: retire(transaction, owner, identifier, event_time(self._clock())),
            events_origin(origin),
        )
        return self.decision(origin, identifier)

    def _read(self, connection: Connection, origin: str, row: Row[Any]) -> Decision:
        log = Log.published(connection, events_origin(origin), row.position)
        return read_decision(log, row, event_time(self._clock()))

    def _record(
        self,
        transaction: Transaction,
        policy: Policy,
        body: ClaimBody,
        proof: bytes,
        statement: Statement,
        shown: Sequence[bytes],
    ) -> Decision:
        """Approve, unless time or another claim has come between the checks and this place."""
        connection, now = transaction.connection, self._clock()
        identifier = claim_id(body, proof)
        if (row := find_approval(connection, body.origin, identifier)) is not None:
            return Decision(identifier, row.status)  # sent twice at once
        applicable_policy(connection, body.origin, body, now)
        require_recent(connection, body)
        known = self._declined_already(connection, statement, identifier, shown)
        if known is not None:
            return known
        if self._retired.contains_now(transaction, *_owner(statement, shown)):
            return declined(identifier, "ownership_ended")
        lapses = policy.lapses(now)
        deadline = event_time(lapses) if lapses else None
        event = decided_event(identifier, event_time(now), body, proof, shown, deadline)
        return record_approval(transaction, body.origin, event)

    def _declined_already(
        self, connection: Connection, statement: Statement, identifier: str, shown: Sequence[bytes]
    ) -> Decision | None:
        """A decline, if the serial tag has been used: no arithmetic is needed to know."""
        scope = statement.scopes[0].text
        earlier = claim_with_tag(connection, statement.origin, scope, shown[0])
        return declined(identifier, "already_claimed", earlier) if earlier else None


def _owner(statement: Statement, shown: Sequence[bytes]) -> tuple[str, str, bytes]:
    """Origin, scope and tag by which an ended ownership is known."""
    return statement.origin, statement.scopes[1].text, shown[1]
