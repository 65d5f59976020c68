"""The published policies of a merchant: events, with a table that says where each stands."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Connection, func, insert, literal, select

from commitments.attributes import EPOCH
from commitments.clock import Clocks
from commitments.errors import FormatError, Refused
from ledger.event_log import append_event, events_of, read_declaration
from ledger.events import event_time, events_origin, parse_event
from ledger.log import Log
from ledger.once import Once, unless_done
from ledger.store import Store, Transaction
from policies.policy import Policy, parse_policy
from verifier.schema import policies

__all__ = ["PUBLISHED", "PolicyBook", "note_policies", "publish_policy", "published_policies"]

PUBLISHED = "policy.published"


def publish_policy(
    store: Store, clocks: Clocks, origin: str, document: Any, once: Once | None = None
) -> tuple[int, Policy]:
    """Log a policy of the merchant with this purchase log; its index in the event log.

    ``FormatError`` for a document that is no policy or under which nobody could ever claim;
    ``Refused`` for another merchant's origin or a version that has been published.
    """
    policy = parse_policy(document)
    if policy.origin != origin:
        raise Refused("foreign-origin", "the policy is for another merchant's purchases", "origin")
    _require_usable(store, policy)

    def unit(transaction: Transaction) -> int:
        connection = transaction.connection
        if _position(connection, origin, policy.id, policy.version) is not None:
            raise Refused("duplicate-policy", "this version has been published", "version")
        event = {
            "type": PUBLISHED,
            "time": event_time(clocks.at(origin)),
            "number": _count(connection, origin),
            "policy": policy.document(),
        }
        position = append_event(transaction, origin, event)
        note_policies(connection, origin, [(position, event)])
        return position

    return store.write(unless_done(unit, once), events_origin(origin)), policy


def _require_usable(store: Store, policy: Policy) -> None:
    """What is published stays: refuse what no claim could satisfy."""
    with store.read() as connection:
        declaration = read_declaration(connection, policy.origin)
    if policy.smallest_ring > declaration.capacity:
        raise FormatError("above the log's capacity: no ring is as large", "smallest_ring")
    for day in (policy.valid_from, policy.valid_to):
        window = policy.window(date.fromisoformat(day))
        if window is not None and window[1] < EPOCH:
            raise FormatError("ends before 1970", "purchased")


def note_policies(
    connection: Connection, origin: str, events: Sequence[tuple[int, Mapping[str, Any]]]
) -> None:
    """Enter published policies into the table, from their numbered events alone."""
    rows = [
        {
            "origin": origin,
            "policy": event["policy"]["id"],
            "version": event["policy"]["version"],
            "position": position,
        }
        for position, event in events
    ]
    connection.execute(insert(policies), rows)


def published_policies(connection: Connection, origin: str) -> list[Policy]:
    """All versions of all policies, in the order of their publication."""
    return [
        parse_policy(event["policy"]) for _, event in events_of(connection, origin, [PUBLISHED])
    ]


class PolicyBook:
    """The published policies that were asked for: a version never changes, and is read once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], Policy] = {}

    def get(self, connection: Connection, origin: str, policy: str, version: int) -> Policy:
        """One version of one policy; ``Refused`` where there is none.

        ``connection`` sees committed rows only: what is read is kept.
        """
        key = origin, policy, version
        kept = self._kept.get(key)
        if kept is None:
            position = _position(connection, *key)
            if position is None:
                raise Refused("unknown-policy", "no such policy has been published", "claim.policy")
            event = parse_event(Log(connection, events_origin(origin)).entry(position))
            kept = self._kept[key] = parse_policy(event["policy"])
        return kept


def _count(connection: Connection, origin: str) -> int:
    query = select(func.count()).select_from(policies).where(policies.c.origin == origin)
    return connection.execute(query).scalar_one()


def _position(connection: Connection, origin: str, policy: str, version: int) -> int | None:
    query = select(policies.c.position).where(
        policies.c.origin == origin,
        policies.c.policy == policy,
        # Whoever claims names it: one that the column does not hold is unknown, and no error.
        policies.c.version == literal(version, BigInteger),
    )
    position: int | None = connection.scalar(query)
    return position
