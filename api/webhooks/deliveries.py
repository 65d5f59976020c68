"""What became of the events that a merchant wanted sent, and sending them again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.engine import Row

from api.webhooks.endpoints import Endpoint, shown_time
from api.webhooks.messages import message_id
from api.webhooks.schema import DEAD, PENDING, webhook_deliveries
from commitments.clock import Clock, unix_seconds
from commitments.errors import FormatError, Refused
from commitments.wire import parse_decimal
from issuer.merchants import Merchant
from ledger.event_log import event_kinds
from ledger.once import Once, unless_done
from ledger.store import Store, Transaction

__all__ = ["Deliveries", "Delivery"]


@dataclass(frozen=True)
class Delivery:
    """An event for an endpoint. Times are seconds since 1970.

    ``index`` and ``type`` are the event's. It is pending since ``since`` and tried next when
    ``due``; ``tried``, ``status`` and ``error`` are of the last attempt, if there was one.
    """

    id: str
    index: int
    type: str
    state: str
    attempts: int
    since: int
    due: int
    tried: int | None
    status: int | None
    error: str | None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "index": self.index,
            "type": self.type,
            "state": self.state,
            "attempts": self.attempts,
            "since": shown_time(self.since),
            "due": shown_time(self.due if self.state == PENDING else None),
            "tried": shown_time(self.tried),
            "status": self.status,
            "error": self.error,
        }


class Deliveries:
    """The deliveries of all endpoints in ``store``."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def of(
        self,
        merchant: Merchant,
        endpoint: Endpoint,
        state: str | None,
        before: int | None,
        limit: int,
    ) -> list[Delivery]:
        """Those to an endpoint of events below an index, in a state or in any; newest first."""
        query = _deliveries(merchant, endpoint)
        if state is not None:
            query = query.where(webhook_deliveries.c.state == state)
        if before is not None:
            query = query.where(webhook_deliveries.c.position < before)
        newest = query.order_by(webhook_deliveries.c.position.desc()).limit(limit)
        with self._store.read() as connection:
            return [_delivery(merchant, row) for row in connection.execute(newest).all()]

    def replay(
        self, merchant: Merchant, endpoint: Endpoint, identifier: str, once: Once | None = None
    ) -> dict[str, Any]:
        """Send it again, whatever became of it; its document.

        ``Refused`` for one that there is not.
        """
        index = _index(merchant, identifier)

        def unit(transaction: Transaction) -> dict[str, Any]:
            connection = transaction.connection
            chosen = webhook_deliveries.c.position == index
            again = update(webhook_deliveries).where(_to(endpoint), chosen).values(self._fresh())
            connection.execute(again)
            row = connection.execute(_deliveries(merchant, endpoint).where(chosen)).one_or_none()
            if row is None:
                raise Refused("unknown-delivery", "there is no such delivery", "delivery")
            return _delivery(merchant, row).document()

        return self._store.commit(unless_done(unit, once), merchant.origin)

    def replay_dead(
        self, merchant: Merchant, endpoint: Endpoint, since: int, once: Once | None = None
    ) -> int:
        """Send again what was given up and last tried at ``since`` or later; how many."""

        def unit(transaction: Transaction) -> int:
            dead = webhook_deliveries.c.state == DEAD
            late = webhook_deliveries.c.tried >= since
            again = update(webhook_deliveries).where(_to(endpoint), dead, late)
            return transaction.connection.execute(again.values(self._fresh())).rowcount

        return self._store.commit(unless_done(unit, once), merchant.origin)

    def _fresh(self) -> dict[str, str | int]:
        now = unix_seconds(self._clock())
        return {"state": PENDING, "attempts": 0, "since": now, "due": now}


def _deliveries(merchant: Merchant, endpoint: Endpoint) -> Select[Any]:
    at = event_kinds.c.position == webhook_deliveries.c.position
    return (
        select(webhook_deliveries, event_kinds.c.type)
        .join(event_kinds, at)
        .where(_to(endpoint), event_kinds.c.origin == merchant.origin)
    )


def _to(endpoint: Endpoint) -> ColumnElement[bool]:
    return webhook_deliveries.c.endpoint == endpoint.id


def _delivery(merchant: Merchant, row: Row[Any]) -> Delivery:
    return Delivery(
        message_id(merchant.origin, row.position),
        row.position,
        row.type,
        row.state,
        row.attempts,
        row.since,
        row.due,
        row.tried,
        row.status,
        row.error,
    )


def _index(merchant: Merchant, identifier: str) -> int | None:
    """The index in the ``webhook-id`` of an event of this merchant."""
    try:
        index = parse_decimal(identifier.rpartition("_")[2], "")
    except FormatError:
        return None
    return index if message_id(merchant.origin, index) == identifier else None
