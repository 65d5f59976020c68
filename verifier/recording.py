"""Recording claims: each at its place in the event log, unless something has come between.

What time or other claims could have overtaken since a claim was judged is looked at once more,
in the transaction that writes.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from aftersales.claims import APPROVED, MOST_CLAIMS, UNDER_REVIEW
from aftersales.horizons import require_recent, require_today
from aftersales.versions import ENDINGS
from commitments.clock import Clocks
from commitments.errors import Refused
from ledger.event_log import events_of
from ledger.events import event_time, events_origin
from ledger.store import Store, Transaction
from policies.claim import ClaimBody
from policies.policy import Policy
from verifier.approvals import CLAIM, approvals
from verifier.decision import Decision, decided_event
from verifier.decision_book import count_claims_of, find_decisions, record_decisions
from verifier.pending import Pending, attempt, decline_ended, decline_used, unsettled
from verifier.retiring import RetiredSecrets
from verifier.statements import recent_closes

__all__ = ["Recorder"]


class Recorder:
    """Records claims, several at a time; any number of threads may ask."""

    def __init__(self, store: Store, clocks: Clocks, retired: RetiredSecrets) -> None:
        self._store = store
        self._clocks = clocks
        self._retired = retired

    def record(self, claims: Sequence[Pending]) -> None:
        """Settle claims of one merchant that have been judged; what is recorded is durable."""
        origin, identifiers = claims[0].origin, {claim.identifier for claim in claims}
        self._store.write(partial(self._enter, origin, claims), events_origin(origin))
        with self._store.read() as connection:
            found = find_decisions(
                connection, origin, identifiers, event_time(self._clocks.at(origin))
            )
        for claim in claims:
            if claim.decision is not None and claim.decision.recorded:
                claim.decision = replace(found[claim.identifier], new=claim.decision.new)

    def _enter(self, origin: str, claims: Sequence[Pending], transaction: Transaction) -> None:
        connection = transaction.connection
        rows = approvals(connection, origin, CLAIM, {claim.identifier for claim in claims})
        for claim in claims:
            if claim.identifier in rows:
                claim.decision = Decision(claim.identifier, APPROVED)
        recent = recent_closes(connection, origin)
        for claim in unsettled(claims):
            attempt([claim], partial(self._require_in_time, recent, claim.body))
        _refuse_newly_ended(connection, origin, unsettled(claims))
        decline_used(connection, origin, unsettled(claims))
        find_ended = partial(self._retired.among_now, transaction, origin)
        decline_ended(unsettled(claims), find_ended)
        _refuse_floods(connection, origin, unsettled(claims))
        if decided := self._decide(origin, unsettled(claims)):
            record_decisions(transaction, origin, decided)

    def _require_in_time(self, recent: Collection[int], body: ClaimBody) -> None:
        require_today(body, self._clocks.at(body.origin))
        require_recent(recent, body)

    def _decide(
        self, origin: str, claims: Sequence[Pending]
    ) -> list[tuple[dict[str, Any], Policy]]:
        """Take the first claim with each serial tag; the events, and under which policies."""
        now = self._clocks.at(origin)
        decided: list[tuple[dict[str, Any], Policy]] = []
        first: dict[tuple[str, bytes], str] = {}
        for claim in claims:
            earlier = first.get(claim.stated.serial)
            if earlier is None:
                first[claim.stated.serial] = claim.identifier
                claim.decision = Decision(claim.identifier, APPROVED, new=True)
                decided.append((_event(claim, now), claim.stated.policy))
            elif earlier == claim.identifier:
                claim.decision = Decision(claim.identifier, APPROVED)
            else:
                claim.decline("already_claimed", earlier)
        return decided


def _refuse_newly_ended(connection: Connection, origin: str, claims: Sequence[Pending]) -> None:
    """Refuse those whose policy has ended since they were judged, for claims of their day."""
    if not claims:
        return
    judged = min(claim.stated.following for claim in claims)
    for position, event in events_of(connection, origin, ENDINGS, judged):
        ended = event["policy"], event["version"]
        for claim in claims:
            named = claim.body.policy, claim.body.version
            if (
                named == ended
                and claim.stated.following <= position
                and (event["from"] <= claim.body.date)
            ):
                claim.fail(Refused("policy-not-valid", "the policy has just ended", "claim.policy"))


def _refuse_floods(connection: Connection, origin: str, claims: Sequence[Pending]) -> None:
    """Refuse those whose slot was claimed with and given back again and again: the log grows."""
    made = count_claims_of(connection, origin, {claim.stated.owner[1] for claim in claims})
    for claim in claims:
        if made.get(claim.stated.owner[1], 0) >= MOST_CLAIMS:
            message = f"{MOST_CLAIMS} claims were made with this slot"
            claim.fail(Refused("too-many", message, "claim.number"))


def _event(claim: Pending, now: datetime) -> dict[str, Any]:
    policy, tags = claim.stated.policy, claim.stated.tags
    lapses = policy.lapses(now)
    return decided_event(
        claim.identifier,
        event_time(now),
        claim.body,
        claim.proof,
        tags,
        retire_by=event_time(lapses) if lapses else None,
        decision=UNDER_REVIEW if policy.review else APPROVED,
    )
