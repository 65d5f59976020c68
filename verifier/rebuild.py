"""Making the tables that repeat the logs again from the logs, which alone are the truth.

The tables of a merchant's own records (``issued``, ``slips``, ``products``, ``answers``,
``merchants``, keys) are in no log: orders and one-time codes are private. Neither are the boxes of
its buyers, nor what it and they have written to each other about claims (``attachments``). Back
them up.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, delete, select

from aftersales.claims import DECIDED
from aftersales.steps import STEP
from ledger.closes import CLOSED
from ledger.event_log import event_kinds, note_kinds
from ledger.events import (
    OWNERSHIP_RETIRED,
    TRANSFER_APPROVED,
    events_origin,
    is_events_origin,
    parse_event,
    purchases_origin,
)
from ledger.log import Log
from ledger.schema import logs
from ledger.statistics import month_counts, note_closes
from ledger.store import Store, Transaction
from ledger.void_events import note_voided, void_reasons
from ledger.voided import VOIDED
from ledger.voids import remake_voids
from verifier.case_book import CaseBook, note_steps
from verifier.decision_book import note_decisions
from verifier.retiring import note_retirements
from verifier.schema import approved, case_events, cases, retired, tags
from verifier.transfer_book import note_transfers

__all__ = ["PROJECTIONS", "rebuild", "replay"]

PROJECTIONS: tuple[Table, ...] = (
    event_kinds,
    tags,
    approved,
    cases,
    case_events,
    retired,
    void_reasons,
    month_counts,
)
"""The tables that say nothing which the event logs do not say; voids come from purchase logs."""

_CHUNK = 1000  # events in memory at a time
_Note = Callable[[Sequence[tuple[int, Mapping[str, Any]]]], None]


def rebuild(store: Store) -> int:
    """Empty the tables and replay all logs; the number of events.

    Each merchant's tables change in one transaction, during which nothing else writes to its
    logs. A running service has read some rows into memory: restart it afterwards.
    """
    with store.read() as connection:
        known = connection.scalars(select(logs.c.origin)).all()
    origins = [purchases_origin(origin) for origin in known if is_events_origin(origin)]
    return sum(
        store.write(partial(_replay_all, origin=origin), origin, events_origin(origin))
        for origin in origins
    )


def replay(connection: Connection, origin: str, positions: range) -> None:
    """Enter these events of the log that belongs to ``origin`` into the tables."""
    log, notes = Log(connection, events_origin(origin)), _notes(connection, origin)
    for start in positions[::_CHUNK]:
        found = log.entries(start, min(start + _CHUNK, positions.stop))
        events = list(enumerate(map(parse_event, found), start))
        note_kinds(connection, origin, events)
        noted = (each for each in events if each[1]["type"] in notes)
        # In the order of the log: one claim uses the slot that another has freed.
        for kind, of_kind in groupby(noted, lambda each: each[1]["type"]):
            notes[kind](list(of_kind))


def _notes(connection: Connection, origin: str) -> Mapping[str, _Note]:
    book = CaseBook(connection, origin)
    return {
        VOIDED: partial(note_voided, connection, origin),
        CLOSED: partial(note_closes, connection, origin),
        DECIDED: partial(note_decisions, book),
        STEP: partial(note_steps, book),
        TRANSFER_APPROVED: partial(note_transfers, connection, origin),
        OWNERSHIP_RETIRED: partial(note_retirements, book),
    }


def _replay_all(transaction: Transaction, origin: str) -> int:
    connection = transaction.connection
    for table in PROJECTIONS:
        connection.execute(delete(table).where(table.c.origin == origin))
    remake_voids(transaction, origin)
    size = transaction.size(events_origin(origin))
    replay(connection, origin, range(size))
    return size
