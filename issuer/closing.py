"""Closing periods (docs/protocol.md 4, *Closes*): by a call, or each UTC day by itself."""

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from commitments.clock import Clock
from commitments.errors import Refused
from issuer.merchants import Merchant, list_merchants
from ledger.closes import CLOSED, Close, day_period
from ledger.event_log import append_event, last_events, read_declaration
from ledger.events import event_time, events_origin
from ledger.store import Store, Transaction

__all__ = ["close_due", "close_now"]

_DAILY = "P1D"


def close_now(store: Store, clock: Clock, merchant: Merchant) -> dict[str, Any]:
    """Close the current period of a log whose periods end by a call; the close's event.

    ``Refused`` for a log that closes each day by itself.
    """

    def unit(transaction: Transaction) -> dict[str, Any]:
        connection = transaction.connection
        if read_declaration(connection, merchant.origin).period == _DAILY:
            raise Refused("not-manual", "this log closes each UTC day by itself")
        last = _last_close(connection, merchant.origin)
        return _close(transaction, clock, merchant.origin, last, last.period + 1 if last else 0)

    return store.write(unit, merchant.origin, events_origin(merchant.origin))


def close_due(store: Store, clock: Clock) -> int:
    """Close yesterday for every daily log that has not done so; how many were closed.

    Days on which the service did not run are closed by the next close: a period without one is
    part of the period that follows. A log that cannot be closed does not keep the others from it:
    an ``ExceptionGroup`` comes at the end.
    """

    def unit(transaction: Transaction, origin: str) -> bool:
        connection = transaction.connection
        if read_declaration(connection, origin).period != _DAILY:
            return False
        yesterday = day_period(clock() - timedelta(days=1))
        last = _last_close(connection, origin)
        if (last and last.period >= yesterday) or transaction.size(origin) == 0:
            return False
        _close(transaction, clock, origin, last, yesterday)
        return True

    closed, errors = 0, []
    for merchant in list_merchants(store):
        try:
            origins = merchant.origin, events_origin(merchant.origin)
            closed += store.write(partial(unit, origin=merchant.origin), *origins)
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)
    if errors:
        raise ExceptionGroup("some logs could not be closed", errors)
    return closed


def _close(
    transaction: Transaction, clock: Clock, origin: str, last: Close | None, period: int
) -> dict[str, Any]:
    number = last.number + 1 if last else 0
    close = Close(number, period, transaction.size(origin), transaction.root(origin), ())
    event = close.to_event(origin, event_time(clock()))
    append_event(transaction, origin, event)
    return event


def _last_close(connection: Connection, origin: str) -> Close | None:
    events = last_events(connection, origin, CLOSED, 1)
    return Close.from_event(events[0][1], origin) if events else None
