"""The policies of a merchant: events, which are folded to versions and kept in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from aftersales.versions import (
    PUBLISHED,
    READ_EVENTS,
    WITHDRAWN,
    VersionFold,
    publication,
    require_usable,
)
from commitments.clock import Clocks
from commitments.errors import Refused
from ledger.event_log import append_event, append_events, events_of, read_declaration
from ledger.events import event_time, events_origin
from ledger.once import Once, unless_done
from ledger.store import Store, Transaction
from policies.policy import Policy, parse_policy
from policies.versions import Version

__all__ = ["Policies", "PolicyBook", "publish_policy", "published_policy", "withdraw_policy"]


def publish_policy(
    store: Store, clocks: Clocks, origin: str, document: Any, once: Once | None = None
) -> tuple[int, Policy]:
    """Log a policy of the merchant with this purchase log; its index in the event log.

    The same transaction ends the versions before it (:func:`aftersales.versions.publication`).
    ``FormatError`` for a document that is no policy or under which nobody could ever claim;
    ``Refused`` for another merchant's origin, a version that has been published, or one that is
    not the next of its id.
    """
    policy = parse_policy(document)
    if policy.origin != origin:
        raise Refused("foreign-origin", "the policy is for another merchant's purchases", "origin")
    with store.read() as connection:
        require_usable(policy, read_declaration(connection, origin).capacity)

    def unit(transaction: Transaction) -> int:
        fold = _folded(transaction.connection, origin)
        if (policy.id, policy.version) in fold.versions:
            raise Refused("duplicate-policy", "this version has been published", "version")
        if policy.version != (following := fold.newest(policy.id) + 1):
            raise Refused("not-next-version", f"the next version is {following}", "version")
        events = publication(fold, policy, event_time(clocks.at(origin)))
        return append_events(transaction, origin, events)[0]

    return store.write(unless_done(unit, once), events_origin(origin)), policy


def withdraw_policy(
    store: Store,
    clocks: Clocks,
    origin: str,
    key: tuple[str, int],
    first: date,
    once: Once | None = None,
) -> int:
    """End a version, named by id and number, for purchases from the day ``first`` on.

    Where the event stands in the log. ``Refused`` for a version that is not there, for a day that
    has come, and where an end is logged that is no later.
    """

    def unit(transaction: Transaction) -> int:
        fold, now = _folded(transaction.connection, origin), event_time(clocks.at(origin))
        version = _known(fold.versions, key)
        earliest = fold.earliest_end(now)
        if first < earliest:
            raise Refused("retroactive-end", f"{earliest} is the first day that it can be", "from")
        if version.end is not None and version.end <= first:
            raise Refused("already-ended", f"it has ended from {version.end} on", "from")
        event = {
            "type": WITHDRAWN,
            "time": now,
            "number": fold.count,
            "policy": key[0],
            "version": key[1],
            "from": first.isoformat(),
        }
        return append_event(transaction, origin, event)

    return store.write(unless_done(unit, once), events_origin(origin))


def _folded(connection: Connection, origin: str) -> VersionFold:
    fold = VersionFold(origin)
    for _, event in events_of(connection, origin, READ_EVENTS):
        fold.read(event)
    return fold


def _known(versions: Mapping[tuple[str, int], Version], key: tuple[str, int]) -> Version:
    version = versions.get(key)
    if version is None:
        raise _unknown()
    return version


def _unknown() -> Refused:
    return Refused("unknown-policy", "no such policy has been published", "claim.policy")


def published_policy(connection: Connection, origin: str, policy: str, version: int) -> Policy:
    """One version as it was published, in whatever transaction; ``Refused`` where there is none."""
    for _, event in events_of(connection, origin, [PUBLISHED]):
        document = event["policy"]
        if (document["id"], document["version"]) == (policy, version):
            return parse_policy(document)
    raise _unknown()


@dataclass(frozen=True)
class Policies:
    """The versions of one merchant, in the order of their publication.

    ``following`` is the first index of the event log of which they know nothing.
    """

    versions: Mapping[tuple[str, int], Version]
    following: int

    def get(self, policy: str, version: int) -> Version:
        """One version of one policy; ``Refused`` where there is none."""
        return _known(self.versions, (policy, version))


class _Kept:
    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._fold = VersionFold(origin)
        self.policies = Policies({}, 0)

    def read(self, connection: Connection) -> None:
        start = following = self.policies.following
        for position, event in events_of(connection, self._origin, READ_EVENTS, start):
            self._fold.read(event)
            following = position + 1
        if following > start:
            self.policies = Policies(self._fold.versions, following)


class PolicyBook:
    """The policies of all merchants that were asked for; any number of threads may ask."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def read(self, connection: Connection, origin: str) -> Policies:
        """All that ``connection`` sees of a merchant's policies, or more.

        ``connection`` sees committed rows only: what is read is kept.
        """
        with self._lock:
            kept = self._kept.get(origin)
            if kept is None:
                kept = self._kept[origin] = _Kept(origin)
            kept.read(connection)
            return kept.policies
