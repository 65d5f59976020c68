"""The keys of a merchant's logs as they are shown, also to those who trust one that is retired.

What is shown is one JSON document, ``{"history": [event evidence, …]}``: the farewell of each key
that the event log has retired, and then its present word (see :func:`key_history.follow_keys`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from commitments.wire import canonical_json, parse_json
from ledger.event_log import events_of
from ledger.events import events_origin
from ledger.evidence import EventEvidence, build_event_evidence
from ledger.key_history import KEY_EVENTS, KeyHistory, read_key_history
from ledger.log import Log
from ledger.schema import farewells

__all__ = [
    "adopt_farewells",
    "keep_farewell",
    "show_keys",
    "stored_key_history",
]


def stored_key_history(connection: Connection, origin: str) -> KeyHistory:
    """The history of the keys, with what this transaction has appended.

    :class:`NotInLog <ledger.log.NotInLog>` for a log that is not here.
    """
    Log(connection, events_origin(origin))
    return read_key_history(event for _, event in events_of(connection, origin, KEY_EVENTS))


def show_keys(connection: Connection, origin: str) -> bytes:
    """The document for the merchant whose purchase log is ``origin``."""
    log = Log.published(connection, events_origin(origin))
    stored = select(farewells.c.evidence).where(farewells.c.log_id == log.id)
    history = [
        parse_json(data) for data in connection.scalars(stored.order_by(farewells.c.position))
    ]
    return canonical_json({"history": [*history, _present(connection, log, origin).document()]})


def keep_farewell(connection: Connection, origin: str) -> bool:
    """Keep what the oldest key of the event log signed last, before it is destroyed.

    False, and nothing is kept, unless readers have seen already that it has a successor.
    """
    log = Log.published(connection, events_origin(origin))
    evidence = _present(connection, log, origin)
    seen = read_key_history(event for _, event in evidence.events).events
    if len(seen.in_force) == 1:
        return False
    _keep(connection, log.id, evidence)
    return True


def adopt_farewells(connection: Connection, origin: str, shown: Sequence[EventEvidence]) -> None:
    """Keep the farewells among what a copy of the log was shown with, and was verified."""
    log = Log(connection, events_origin(origin))
    connection.execute(delete(farewells).where(farewells.c.log_id == log.id))
    for evidence in shown[:-1]:
        _keep(connection, log.id, evidence)


def _keep(connection: Connection, log_id: int, evidence: EventEvidence) -> None:
    row = {
        "log_id": log_id,
        "position": evidence.indices[-1],
        "evidence": canonical_json(evidence.document()),
    }
    connection.execute(insert(farewells).values(row))


def _present(connection: Connection, log: Log, origin: str) -> EventEvidence:
    """All key events that ``log``, an event log, has under its checkpoint."""
    events = events_of(connection, origin, KEY_EVENTS)
    return build_event_evidence(log, [each for each in events if each[0] < log.size])
