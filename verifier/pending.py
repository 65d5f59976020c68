"""A claim on its way through the verifier, and what several are asked together."""

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from ledger.database_errors import is_failure
from policies.claim import ClaimBody
from policies.policy import Policy
from verifier.decision import Decision, declined
from verifier.decision_book import claims_with_tags
from zk.statement import Statement

__all__ = [
    "Pending",
    "Stated",
    "attempt",
    "decline_ended",
    "decline_used",
    "grouped",
    "unsettled",
]

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Stated:
    """What a claim's proof must prove, and the tags that the proof shows.

    ``following`` is the first index of the event log of which the statement knows no policy.
    """

    policy: Policy
    statement: Statement
    tags: tuple[bytes, ...]
    following: int

    @property
    def serial(self) -> tuple[str, bytes]:
        """Scope and tag that no approved claim may have used."""
        return self.statement.scopes[0].text, self.tags[0]

    @property
    def owner(self) -> tuple[str, bytes]:
        """Scope and tag by which an ended ownership is known."""
        return self.statement.scopes[1].text, self.tags[1]


@dataclass(eq=False)
class Pending:
    """A claim: it is settled when it has a decision or an error. ``stated`` comes in between."""

    origin: str
    body: ClaimBody
    proof: bytes
    identifier: str
    decision: Decision | None = None
    error: Exception | None = None
    stated: Stated = field(init=False)

    @property
    def is_settled(self) -> bool:
        """Whether no step is left."""
        return self.decision is not None or self.error is not None

    def decline(self, reason: str, earlier: str | None = None) -> None:
        """Settle it."""
        self.decision = declined(self.identifier, reason, earlier)

    def fail(self, error: Exception) -> None:
        """Settle it, also where a decision was not confirmed."""
        self.decision, self.error = None, error


def unsettled(claims: Iterable[Pending]) -> list[Pending]:
    """Those that have a step left."""
    return [claim for claim in claims if not claim.is_settled]


def grouped(claims: Iterable[Pending], key: Callable[[Pending], K]) -> dict[K, list[Pending]]:
    """The claims by something that several have in common."""
    groups: dict[K, list[Pending]] = {}
    for claim in claims:
        groups.setdefault(key(claim), []).append(claim)
    return groups


def attempt(claims: Iterable[Pending], step: Callable[[], None]) -> None:
    """Take a step that concerns these; what it raises settles them, and no others.

    A failure of the database is everybody's, and is raised.
    """
    try:
        step()
    except Exception as error:
        if is_failure(error):
            raise
        for claim in unsettled(claims):
            claim.fail(error)


def decline_used(connection: Connection, origin: str, claims: Iterable[Pending]) -> None:
    """Decline those of a merchant's claims whose serial tag an approved claim has used."""
    for scope, group in grouped(claims, lambda claim: claim.stated.serial[0]).items():
        tags = {claim.stated.serial[1] for claim in group}
        used = claims_with_tags(connection, origin, scope, tags)
        for claim in group:
            if earlier := used.get(claim.stated.serial[1]):
                claim.decline("already_claimed", earlier)


def decline_ended(
    claims: Iterable[Pending], find_ended: Callable[[str, Collection[bytes]], Collection[bytes]]
) -> None:
    """Decline those whose ownership has ended; ``find_ended`` gives such tags of a scope."""
    for scope, group in grouped(claims, lambda claim: claim.stated.owner[0]).items():
        ended = find_ended(scope, {claim.stated.owner[1] for claim in group})
        for claim in group:
            if claim.stated.owner[1] in ended:
                claim.decline("ownership_ended")
