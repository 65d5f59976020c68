"""Deciding claims: policy and public log in, statement built here, decision out.

A claim is judged and then recorded, each together with those that come at the same time.
"""

from concurrent.futures import Future
from datetime import date
from typing import Any

from commitments.clock import Clocks
from commitments.group import Group
from ledger.events import event_time, events_origin
from ledger.once import Once
from ledger.store import Store, Transaction
from policies.claim import ClaimBody, claim_id
from policies.notice import Notice
from policies.policy import Policy
from policies.versions import Version
from verifier.approvals import CLAIM, approval
from verifier.case_lists import ListedClaim, count_claims, list_claims
from verifier.cases import Cases
from verifier.claim_queue import ClaimQueue
from verifier.decision import Decision
from verifier.decision_book import read_decisions
from verifier.judging import Judge
from verifier.notices import publish_notice
from verifier.pending import Pending
from verifier.policy_book import PolicyBook, publish_policy, withdraw_policy
from verifier.recording import Recorder
from verifier.reports import Reports
from verifier.retiring import Owner, RetiredSecrets, require_awaiting, retire
from verifier.transferring import Transfers

__all__ = ["Verifier"]


class Verifier:
    """The decisions of one service, for all its merchants. Any number of threads may ask."""

    def __init__(self, store: Store, group: Group, clocks: Clocks) -> None:
        self._store = store
        self._group = group
        self._clocks = clocks
        self._policies = PolicyBook()
        retired = RetiredSecrets(group)
        judge = Judge(store, group, clocks, self._policies, retired)
        self._claims = ClaimQueue(judge, Recorder(store, clocks, retired))
        self.cases = Cases(store, clocks, retired)
        self.reports = Reports(store, clocks)
        self.transfers = Transfers(store, group, clocks, judge.statements)

    def close(self) -> None:
        """Wait for claims that are being decided, and let go of the threads that decide them."""
        self._claims.close()

    # ---- policies

    def publish(self, origin: str, document: Any, once: Once | None = None) -> tuple[int, Policy]:
        """See :func:`verifier.policy_book.publish_policy`."""
        return publish_policy(self._store, self._clocks, origin, document, once)

    def withdraw(
        self, origin: str, key: tuple[str, int], first: date, once: Once | None = None
    ) -> int:
        """See :func:`verifier.policy_book.withdraw_policy`."""
        return withdraw_policy(self._store, self._clocks, origin, key, first, once)

    def policies(self, origin: str) -> list[Version]:
        """All published versions of all policies, in the order of their publication."""
        with self._store.read() as connection:
            return list(self._policies.read(connection, origin).versions.values())

    def policy(self, origin: str, policy: str, version: int) -> Version:
        """One published version; ``Refused`` where there is none."""
        with self._store.read() as connection:
            return self._policies.read(connection, origin).get(policy, version)

    def publish_notice(
        self, origin: str, document: Any, once: Once | None = None
    ) -> tuple[int, Notice]:
        """See :func:`verifier.notices.publish_notice`."""
        return publish_notice(self._store, self._clocks, origin, document, once)

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
        return self.decide_soon(origin, body, proof).result()

    def decide_soon(self, origin: str, body: ClaimBody, proof: bytes) -> Future[Decision]:
        """As :meth:`decide`, for who need not wait; ``Overloaded`` when too many claims do."""
        return self._claims.put(Pending(origin, body, proof, claim_id(body, proof)))

    def decision(self, origin: str, identifier: str) -> Decision:
        """What was decided about a recorded claim; ``Refused`` for any other id."""
        with self._store.read() as connection:
            row = approval(connection, origin, CLAIM, identifier)
            (found,) = read_decisions(connection, origin, [row], self._now(origin))
        return found

    def list_claims(
        self,
        origin: str,
        after: int,
        limit: int,
        *,
        state: str | None = None,
        overdue: bool | None = None,
    ) -> list[ListedClaim]:
        """See :func:`verifier.case_lists.list_claims`."""
        with self._store.read() as connection:
            return list_claims(
                connection, origin, self._now(origin), after, limit, state=state, overdue=overdue
            )

    def count_claims(self, origin: str) -> dict[str, Any]:
        """See :func:`verifier.case_lists.count_claims`."""
        with self._store.read() as connection:
            return count_claims(connection, origin, self._now(origin))

    def retire(self, origin: str, identifier: str, secret: int) -> Decision:
        """Complete an approval that ends the ownership; see :func:`verifier.retiring.retire`."""
        owner = Owner(self._group, origin, secret)
        now = self._now(origin)
        with self._store.read() as connection:
            row = approval(connection, origin, CLAIM, identifier)
            require_awaiting(row, now)
            owner.require_shown(row)
            owner.prepare(connection, now)

        def unit(transaction: Transaction) -> None:
            retire(transaction, owner, CLAIM, identifier, self._now(origin))

        self._store.write(unit, events_origin(origin))
        return self.decision(origin, identifier)

    def _now(self, origin: str) -> str:
        return event_time(self._clocks.at(origin))
