"""Closing periods (docs/protocol.md 4, *Closes*): by a call, or each UTC day by itself.

A close has an effect only with the signatures of the log's seed witnesses, so they are asked
first. Nothing is kept meanwhile: what they have signed for a period they say again.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from commitments.clock import Clocks
from commitments.errors import Refused, VerificationError
from issuer.merchants import Merchant, list_merchants
from ledger.closes import CLOSED, Close, day_period, verify_signatures
from ledger.event_log import append_event, last_events, read_declaration
from ledger.events import DAILY, LogDeclaration, event_time, events_origin
from ledger.once import Once
from ledger.seed_witnesses import SeedWitnesses
from ledger.seeding import PeriodEnd
from ledger.statistics import note_closes
from ledger.store import ReadOnly, Store, Transaction
from ledger.witness_rotation import stored_succession

__all__ = ["Closer"]


class Closer:
    """Closes the logs in ``store`` with the signatures of ``witnesses``."""

    def __init__(self, store: Store, clocks: Clocks, witnesses: SeedWitnesses) -> None:
        self._store = store
        self._clocks = clocks
        self._witnesses = witnesses

    def now(self, merchant: Merchant, once: Once | None = None) -> dict[str, Any]:
        """Close the current period of a log whose periods end by a call; the close's event.

        ``Refused`` for a log that closes each day by itself; :class:`NotSigned
        <ledger.seed_witnesses.NotSigned>` while a seed witness does not answer.
        """
        while True:  # until no other process closes the same period at the same time
            declaration, last = self._read(merchant.origin)
            if declaration.period == DAILY:
                raise Refused("not-manual", "this log closes each UTC day by itself")
            with self._store.read() as connection:  # before a witness is asked for another close
                event = _done(connection, once)
            event = event or self._close(declaration, last, last.period + 1 if last else 0, once)
            if event is not None:
                return event

    def due(self) -> int:
        """Close yesterday for every daily log that has not done so; how many were closed.

        Days on which the service did not run are closed by the next close: a period without one
        is part of the period that follows. A log that cannot be closed does not keep the others
        from it: an ``ExceptionGroup`` comes at the end.
        """
        closed, errors = 0, []
        for merchant in list_merchants(self._store, with_sandboxes=True):
            try:
                closed += self.close_yesterday(merchant.origin)
            except ReadOnly:
                continue  # a copy: whoever has its key closes it
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
        if errors:
            raise ExceptionGroup("some logs could not be closed", errors)
        return closed

    def close_yesterday(self, origin: str) -> bool:
        """Close yesterday in a log that closes each day and has not; whether it was closed now."""
        declaration, last = self._read(origin)
        yesterday = day_period(self._clocks.at(origin) - timedelta(days=1))
        if declaration.period != DAILY or (last and last.period >= yesterday):
            return False
        return self._close(declaration, last, yesterday) is not None

    def _read(self, origin: str) -> tuple[LogDeclaration, Close | None]:
        with self._store.read() as connection:
            return read_declaration(connection, origin), _last_close(connection, origin)

    def _close(
        self, declaration: LogDeclaration, last: Close | None, period: int, once: Once | None = None
    ) -> dict[str, Any] | None:
        """The event; nothing for an empty daily log, or if another process was quicker."""
        origin = declaration.origin
        with self._store.log(origin) as log:
            end = PeriodEnd(origin, period, log.size, log.root(log.size))
        if declaration.period == DAILY and end.size == 0:
            return None
        with self._store.read() as connection:
            known = stored_succession(connection, origin)
        keys = [known.chain(key) for key in declaration.seed_witnesses]
        end, signatures = self._witnesses.sign(self._store, self._clocks, keys, end)
        number = last.number + 1 if last else 0
        close = Close(number, period, end.size, end.root, signatures)

        def unit(transaction: Transaction) -> dict[str, Any] | None:
            if done := _done(transaction.connection, once):
                return done
            if _last_close(transaction.connection, origin) != last:
                return None
            if last is not None and close.size < last.size:
                raise VerificationError("the seed witnesses have signed a smaller close")
            try:
                present = stored_succession(transaction.connection, origin)
                verify_signatures(close, declaration, present)
            except VerificationError:
                return None  # another process has heard of a later key meanwhile
            event = close.to_event(origin, event_time(self._clocks.at(origin)))
            position = append_event(transaction, origin, event)
            note_closes(transaction.connection, origin, [(position, event)])
            if once is not None:
                once.remember(transaction.connection, event)
            return event

        return self._store.write(unit, origin, events_origin(origin))


def _done(connection: Connection, once: Once | None) -> dict[str, Any] | None:
    """The close that the same request has led to."""
    event: dict[str, Any] | None = None if once is None else once.find(connection)
    return event


def _last_close(connection: Connection, origin: str) -> Close | None:
    events = last_events(connection, origin, CLOSED, 1)
    return Close.from_event(events[0][1], origin) if events else None
