"""Making the tables that repeat the logs again from the logs, which alone are the truth.

The tables of a merchant's own records (``issued``, ``slips``, ``answers``, ``merchants``, keys)
are in no log: orders and one-time codes are private. Neither are the boxes of its buyers. Back
them up.
"""

from functools import partial

from sqlalchemy import Connection, Table, delete, select

from ledger.event_log import event_kinds, note_kinds
from ledger.events import events_origin, is_events_origin, parse_event, purchases_origin
from ledger.log import Log
from ledger.schema import logs
from ledger.store import Store, Transaction
from ledger.transfers import OWNERSHIP_RETIRED, TRANSFER_APPROVED
from ledger.voids import remake_voids
from verifier.decision import DECIDED
from verifier.decision_book import note_approvals
from verifier.policy_book import PUBLISHED, note_policies
from verifier.retiring import note_retirements
from verifier.schema import approved, policies, retired, tags
from verifier.transfer_book import note_transfers

__all__ = ["PROJECTIONS", "rebuild", "replay"]

PROJECTIONS: tuple[Table, ...] = (event_kinds, policies, tags, approved, retired)
"""The tables that say nothing which the event logs do not say; voids come from purchase logs."""

_CHUNK = 1000  # events in memory at a time
_NOTES = {
    PUBLISHED: note_policies,
    DECIDED: note_approvals,
    TRANSFER_APPROVED: note_transfers,
    OWNERSHIP_RETIRED: note_retirements,
}


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
    log = Log(connection, events_origin(origin))
    for start in positions[::_CHUNK]:
        found = log.entries(start, min(start + _CHUNK, positions.stop))
        events = list(enumerate(map(parse_event, found), start))
        note_kinds(connection, origin, events)
        for kind, note in _NOTES.items():  # an ownership ends after its approval
            if of_kind := [(p, event) for p, event in events if event["type"] == kind]:
                note(connection, origin, of_kind)


def _replay_all(transaction: Transaction, origin: str) -> int:
    connection = transaction.connection
    for table in PROJECTIONS:
        connection.execute(delete(table).where(table.c.origin == origin))
    remake_voids(transaction, origin)
    size = transaction.size(events_origin(origin))
    replay(connection, origin, range(size))
    return size
