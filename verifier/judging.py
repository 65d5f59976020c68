"""Judging claims: is it one, does its proof hold, is it the first? (docs/protocol.md 7 and 10).

Nothing is written. Checks run cheapest first. A round asks the database the same few questions for
one claim as for many, and multiplies out all proofs in one sum.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import Connection

from aftersales.horizons import Horizons
from commitments.clock import Clocks
from commitments.group import Group
from ledger.events import event_time
from ledger.metrics import BATCH, VERIFYING
from ledger.store import Store
from verifier.approvals import CLAIM, approvals
from verifier.decision_book import find_decisions
from verifier.pending import (
    Pending,
    Stated,
    attempt,
    decline_ended,
    decline_used,
    grouped,
    unsettled,
)
from verifier.policy_book import Policies, PolicyBook
from verifier.retiring import RetiredSecrets
from verifier.statements import (
    Statements,
    applicable_version,
    require_possible_length,
)
from zk.verify import Verified, proof_tags, verify_batch

__all__ = ["Judge"]


class Judge:
    """Looks at claims, several at a time; any number of threads may ask."""

    def __init__(
        self,
        store: Store,
        group: Group,
        clocks: Clocks,
        policies: PolicyBook,
        retired: RetiredSecrets,
    ) -> None:
        self._store = store
        self._group = group
        self._clocks = clocks
        self._policies = policies
        self._retired = retired
        self.statements = Statements(store, group)

    def is_prepared(self, claim: Pending) -> bool:
        """Whether the ring of a claim is kept, so that judging takes no longer than its proof."""
        return self.statements.has_ring(claim.body)

    def prepare(self, claim: Pending) -> None:
        """Make the ring of a claim. Errors as :meth:`verifier.service.Verifier.decide`."""
        with self._store.read() as connection:
            # What is approved gets its answer again when its ring is too old to be made.
            if not approvals(connection, claim.origin, CLAIM, [claim.identifier]):
                policies = self._policies.read(connection, claim.origin)
                horizons = self.statements.horizons(connection, claim.origin)
                self._state(policies, horizons, claim)

    def judge(self, claims: Sequence[Pending]) -> None:
        """Settle those that cannot be approved, or were before; the others can be recorded."""
        with self._store.read() as connection:
            for origin, group in _by_merchant(claims):
                attempt(group, partial(self._look_up, connection, origin, group))
        BATCH.observe(len(claims))
        with VERIFYING.time():
            _verify(unsettled(claims))
        with self._store.read() as connection:  # only for who has bought something
            for origin, group in _by_merchant(unsettled(claims)):
                attempt(group, partial(self._decline_ended, connection, origin, group))

    def _look_up(self, connection: Connection, origin: str, claims: Sequence[Pending]) -> None:
        identifiers = {claim.identifier for claim in claims}
        known = find_decisions(connection, origin, identifiers, event_time(self._clocks.at(origin)))
        for claim in claims:
            claim.decision = known.get(claim.identifier)
        policies = self._policies.read(connection, origin)
        horizons = self.statements.horizons(connection, origin)
        for claim in unsettled(claims):
            attempt([claim], partial(self._state, policies, horizons, claim))
        decline_used(connection, origin, unsettled(claims))

    def _decline_ended(
        self, connection: Connection, origin: str, claims: Sequence[Pending]
    ) -> None:
        # Who was approved meanwhile, and has been refunded since, gets that answer when recorded.
        approved = approvals(connection, origin, CLAIM, {claim.identifier for claim in claims})
        others = [claim for claim in claims if claim.identifier not in approved]
        decline_ended(others, partial(self._retired.among, connection, origin))

    def _state(self, policies: Policies, horizons: Horizons, claim: Pending) -> None:
        body, now = claim.body, self._clocks.at(claim.origin)
        version = applicable_version(policies, claim.origin, body, now)
        if not self.is_prepared(claim):
            require_possible_length(self._group, version, body, len(claim.proof))
        statement = self.statements.build(horizons, version, body)
        tags = proof_tags(statement, claim.proof)
        claim.stated = Stated(version.policy, statement, tags, policies.following)


def _by_merchant(claims: Sequence[Pending]) -> Iterable[tuple[str, list[Pending]]]:
    return grouped(claims, lambda claim: claim.origin).items()


def _verify(claims: Sequence[Pending]) -> None:
    """Decline those whose proof does not hold."""
    try:
        verified = verify_batch([(claim.stated.statement, claim.proof) for claim in claims])
    except Exception as error:  # noqa: BLE001 - a fault of ours, which must not be everybody's
        if len(claims) == 1:
            claims[0].fail(error)
            return
        for claim in claims:
            _verify([claim])
        return
    for claim, result in zip(claims, verified, strict=True):
        if not isinstance(result, Verified):
            claim.decline("proof_invalid")
