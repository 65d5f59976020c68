"""From the event log to what has to be sent: the part of the dispatcher that is in the database.

The event log is the outbox. A cursor for each endpoint says how far deliveries have been made of
its events, and moves in the transaction that makes them. What came of an attempt is noted after
it: a crash in between sends again, with the same ``webhook-id``.

One process of a database sends at a time (:mod:`api.webhooks.lease`). Two that do send twice, and
no more happens.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from random import random
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Row

from api.webhooks.backoff import DISABLED_AFTER, TRIED_FOR, rest_seconds, retry_seconds
from api.webhooks.endpoints import read_keys
from api.webhooks.lease import Lease
from api.webhooks.messages import event_message, message_id
from api.webhooks.schema import (
    DEAD,
    DELIVERED,
    PENDING,
    webhook_deliveries,
    webhook_endpoints,
    webhook_keys,
)
from api.webhooks.sending import Outcome
from api.webhooks.signing import SigningKeys
from commitments.clock import Clock, unix_seconds
from ledger.engines import overwrite_deleted
from ledger.event_log import event_kinds
from ledger.events import events_origin, parse_event
from ledger.log import Log
from ledger.schema import logs, published
from ledger.sealing import SealingKey
from ledger.store import Store, Transaction

__all__ = ["Attempt", "Batch", "Message", "Outbox"]

_AT_ONCE = 500  # events of an endpoint become deliveries in one transaction
_BATCH = 20  # messages are sent to an endpoint before what came of them is noted
_KEPT = 30 * 86_400  # seconds in which a merchant can look at deliveries that are over


@dataclass(frozen=True)
class Message:
    """A delivery that is due: which event, how often tried, since when (seconds since 1970)."""

    id: str
    index: int
    attempts: int
    since: int
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Batch:
    """What is due at an endpoint, in the order of the events."""

    endpoint: str
    url: str = field(repr=False)
    keys: Sequence[SigningKeys] = field(repr=False)
    messages: Sequence[Message]


@dataclass(frozen=True)
class Attempt:
    """A message was sent at ``tried`` (seconds since 1970), or could not be."""

    endpoint: str
    message: Message
    tried: int
    outcome: Outcome


class Outbox:
    """The outbox of all merchants in ``store``, as one process works on it."""

    def __init__(self, store: Store, clock: Clock, sealing: SealingKey) -> None:
        self._store = store
        self._clock = clock
        self._sealing = sealing
        self.lease = Lease(store, clock)

    def take(self, busy: Collection[str], room: int) -> list[Batch]:
        """Make deliveries of new events, and take what is due, for at most ``room`` endpoints.

        Nothing for those that are ``busy``, or while another process has the lease.
        """
        with self._store.read() as connection:
            behind = list(connection.scalars(_BEHIND))
            waiting = self._due(connection, busy, room)
        if not (behind or waiting or busy) or not self.lease.hold():
            return []
        if behind:
            self._store.commit(lambda transaction: self._fan_out(transaction.connection, behind))
            with self._store.read() as connection:
                waiting = self._due(connection, busy, room)
        with self._store.read() as connection:
            return [self._batch(connection, endpoint) for endpoint in waiting]

    def note(self, attempts: Sequence[Attempt]) -> None:
        """Remember what came of attempts, in the order in which they were made."""

        def unit(transaction: Transaction) -> None:
            for attempt in attempts:
                self._note(transaction.connection, attempt)

        if attempts:
            self._store.commit(unit)

    def forget(self) -> None:
        """Forget deliveries that have long been over, and keys that sign no more."""
        now = unix_seconds(self._clock())

        def unit(transaction: Transaction) -> None:
            overwrite_deleted(transaction.connection)
            for old in (
                delete(webhook_deliveries).where(
                    webhook_deliveries.c.state != PENDING, webhook_deliveries.c.due < now - _KEPT
                ),
                delete(webhook_keys).where(webhook_keys.c.until <= now),
            ):
                transaction.connection.execute(old)

        with self._store.read() as connection:
            used = connection.scalar(select(webhook_endpoints.c.id).limit(1))
        if used is not None:
            self._store.commit(unit)

    # ---- from events to deliveries

    def _fan_out(self, connection: Connection, behind: Sequence[str]) -> None:
        for identifier in behind:
            self._follow(connection, identifier)

    def _follow(self, connection: Connection, identifier: str) -> None:
        """Make deliveries of the next events, and move the cursor behind them."""
        chosen = webhook_endpoints.c.id == identifier
        query = select(webhook_endpoints).where(chosen).with_for_update()
        endpoint = connection.execute(query).one_or_none()
        if endpoint is None:  # deleted meanwhile
            return
        size = Log.published(connection, events_origin(endpoint.origin)).size
        kinds = connection.execute(_events(endpoint, size)).all()
        if not kinds:
            return
        types = None if endpoint.types is None else endpoint.types.split(",")
        now = unix_seconds(self._clock())
        rows = [
            {
                "endpoint": identifier,
                "position": kind.position,
                "state": PENDING,
                "attempts": 0,
                "since": now,
                "due": now,
            }
            for kind in kinds
            if types is None or kind.type in types
        ]
        if rows:
            connection.execute(insert(webhook_deliveries), rows)
        cursor = kinds[-1].position + 1
        connection.execute(update(webhook_endpoints).where(chosen).values(cursor=cursor))

    # ---- what is due

    def _due(self, connection: Connection, busy: Collection[str], room: int) -> list[str]:
        """Endpoints to send to. Where there are more than ``room``, chance is fair to them."""
        now = unix_seconds(self._clock())
        query = (
            select(webhook_endpoints.c.id)
            .where(
                webhook_endpoints.c.disabled.is_(None),
                webhook_endpoints.c.rests_until <= now,
                webhook_endpoints.c.id.not_in(busy),
                exists().where(*_due_at(webhook_endpoints.c.id, now)),
            )
            .order_by(func.random())
            .limit(room)
        )
        return list(connection.scalars(query))

    def _batch(self, connection: Connection, identifier: str) -> Batch:
        now = unix_seconds(self._clock())
        chosen = webhook_endpoints.c.id == identifier
        endpoint = connection.execute(select(webhook_endpoints).where(chosen)).one()
        query = (
            select(webhook_deliveries)
            .where(*_due_at(identifier, now))
            .order_by(webhook_deliveries.c.position)
            .limit(_BATCH)
        )
        rows = connection.execute(query).all()
        log = Log(connection, events_origin(endpoint.origin))
        entries = log.entries_at([row.position for row in rows])
        messages = [
            _message(endpoint, row, entry) for row, entry in zip(rows, entries, strict=True)
        ]
        keys = read_keys(connection, self._sealing, identifier, now)
        return Batch(identifier, endpoint.url, keys, messages)

    # ---- what came of it

    def _note(self, connection: Connection, attempt: Attempt) -> None:
        message, outcome, tried = attempt.message, attempt.outcome, attempt.tried
        values: dict[str, Any] = {
            "state": DELIVERED,
            "attempts": message.attempts + 1,
            "tried": tried,
            "status": outcome.status,
            "error": outcome.error,
        }
        if outcome.error is not None:
            values |= _next_try(message, outcome, tried)
        connection.execute(
            update(webhook_deliveries)
            .where(
                webhook_deliveries.c.endpoint == attempt.endpoint,
                webhook_deliveries.c.position == message.index,
            )
            .values(values)
        )
        self._note_health(connection, attempt)

    def _note_health(self, connection: Connection, attempt: Attempt) -> None:
        """After a failure the endpoint rests, and after days of them it is disabled."""
        chosen = webhook_endpoints.c.id == attempt.endpoint
        endpoint = connection.execute(select(webhook_endpoints).where(chosen)).one_or_none()
        if endpoint is None or (attempt.outcome.error is None and endpoint.failures == 0):
            return
        values: dict[str, Any] = {"failures": 0, "failing_since": None, "rests_until": 0}
        if attempt.outcome.error is not None:
            failures = endpoint.failures + 1
            since = endpoint.failing_since or attempt.tried
            rests = max(rest_seconds(failures), attempt.outcome.retry_after)
            values = {
                "failures": failures,
                "failing_since": since,
                "rests_until": attempt.tried + rests,
            }
            if attempt.outcome.error == "gone":
                values["disabled"] = "gone"
            elif attempt.tried - since >= DISABLED_AFTER:
                values["disabled"] = "failing"
        connection.execute(update(webhook_endpoints).where(chosen).values(values))


def _due_at(endpoint: Any, now: int) -> list[ColumnElement[bool]]:
    return [
        webhook_deliveries.c.endpoint == endpoint,
        webhook_deliveries.c.state == PENDING,
        webhook_deliveries.c.due <= now,
    ]


def _events(endpoint: Row[Any], size: int) -> "Select[Any]":
    return (
        select(event_kinds.c.position, event_kinds.c.type)
        .where(
            event_kinds.c.origin == endpoint.origin,
            event_kinds.c.position >= endpoint.cursor,
            event_kinds.c.position < size,
        )
        .order_by(event_kinds.c.position)
        .limit(_AT_ONCE)
    )


def _message(endpoint: Row[Any], delivery: Row[Any], entry: bytes) -> Message:
    return Message(
        message_id(endpoint.origin, delivery.position),
        delivery.position,
        delivery.attempts,
        delivery.since,
        event_message(endpoint.merchant, delivery.position, parse_event(entry)),
    )


def _next_try(message: Message, outcome: Outcome, tried: int) -> dict[str, Any]:
    end = message.since + TRIED_FOR
    if tried >= end:
        return {"state": DEAD}
    wait = max(retry_seconds(message.attempts + 1, random), outcome.retry_after)
    return {"state": PENDING, "due": min(tried + wait, end)}


# Readers see no more than is published (ledger.log.Log.published); nor do receivers.
_BEHIND = (
    select(webhook_endpoints.c.id)
    .join(logs, logs.c.origin == webhook_endpoints.c.origin + events_origin(""))
    .outerjoin(published, published.c.log_id == logs.c.id)
    .where(
        webhook_endpoints.c.disabled.is_(None),
        webhook_endpoints.c.cursor < func.coalesce(published.c.size, logs.c.size),
    )
    .order_by(webhook_endpoints.c.id)
)
