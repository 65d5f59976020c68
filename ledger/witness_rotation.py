"""Writing into the event logs which keys of witnesses have followed which.

Who reads a log with a policy or a declaration that names an old key finds the handover there.
"""

import logging
from collections.abc import Sequence

from sqlalchemy import Connection, select

from commitments.clock import Clock
from commitments.errors import FormatError, VerificationError
from ledger.event_log import append_event, events_of
from ledger.events import event_time, events_origin, is_events_origin, purchases_origin
from ledger.farewells import stored_key_history
from ledger.handover import NO_HANDOVERS, Handover, Succession, WitnessKey
from ledger.key_history import WITNESS_ROTATED, handover_event, told_handovers
from ledger.log import NotInLog
from ledger.schema import logs
from ledger.store import ReadOnly, Store, Transaction

__all__ = ["record_handovers", "record_in_all_logs", "stored_succession"]

_MOST_NEW = 8  # at once, of 10 kB each; a witness must not fill the event logs

_log = logging.getLogger("kvitto.witnesses")


def stored_succession(connection: Connection, origin: str) -> Succession:
    """What the event log that belongs to the log ``origin`` says; nothing where there is none."""
    try:
        told = events_of(connection, purchases_origin(origin), [WITNESS_ROTATED])
    except NotInLog:
        return NO_HANDOVERS
    return told_handovers(event for _, event in told)


def record_handovers(
    store: Store, clock: Clock, origin: str, keys: Sequence[WitnessKey], shown: Sequence[Handover]
) -> Succession:
    """Append what follows on from ``keys`` of witnesses, and is not there; all that is there now.

    ``origin`` is that of the purchase log. ``VerificationError``, and nothing is appended, when a
    witness has shown two successors of one key; :class:`ReadOnly` for a copy of a log.
    """

    def unit(transaction: Transaction) -> Succession:
        history = stored_key_history(transaction.connection, origin)
        for handover in history.witnesses.continued(keys, shown, _MOST_NEW):
            event = handover_event(history, handover, event_time(clock()))
            history = history.after(event)
            append_event(transaction, origin, event)
        return history.witnesses

    return store.commit(unit, events_origin(origin))


def record_in_all_logs(
    store: Store, clock: Clock, keys: Sequence[WitnessKey], shown: Sequence[Handover]
) -> bool:
    """As :func:`record_handovers` in each event log; whether there was anything to record.

    A log that cannot be written is left out.
    """
    with store.read() as connection:
        origins = list(filter(is_events_origin, connection.scalars(select(logs.c.origin))))
    grown = False
    for origin in map(purchases_origin, origins):
        try:
            with store.read() as connection:
                before = stored_succession(connection, origin)
            if before.continued(keys, shown, _MOST_NEW):
                grown |= record_handovers(store, clock, origin, keys, shown) != before
        except ReadOnly:
            continue  # a copy: whoever has its key records it
        except (FormatError, VerificationError) as error:
            _log.warning("%s: a witness's change of keys is not recorded: %s", origin, error)
    return grown
