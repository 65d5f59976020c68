"""Writing into the event logs which keys of witnesses have followed which, and going by that.

Who reads a log with a policy or a declaration that names an old key finds the handover there.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from commitments.clock import Clocks
from commitments.errors import FormatError, VerificationError
from commitments.sandbox import is_sandbox
from ledger.cosignature import CosignerKey
from ledger.event_log import append_event, events_of
from ledger.events import event_time, events_origin, is_events_origin, purchases_origin
from ledger.farewells import stored_key_history
from ledger.handover import NO_HANDOVERS, Handover, Succession, WitnessKey
from ledger.key_history import WITNESS_ROTATED, handover_event, told_handovers
from ledger.log import NotInLog
from ledger.schema import logs
from ledger.store import ReadOnly, Store, Transaction
from ledger.witness_client import RemoteWitness, Unavailable

__all__ = ["PresentKeys", "record_handovers", "stored_succession"]

_MOST_NEW = 8  # of one chain in a day, of 10 kB each; a witness must not fill the event logs
_DAY = timedelta(days=1)
_PAUSE = 3600.0  # seconds until a witness is asked again; some of its keys may never be known
_SHORT_PAUSE = 60.0  # if it signs with no known key, or has not shown its handovers

_log = logging.getLogger("kvitto.witnesses")


def stored_succession(connection: Connection, origin: str) -> Succession:
    """What the event log that belongs to the log ``origin`` says; nothing where there is none."""
    try:
        told = events_of(connection, purchases_origin(origin), [WITNESS_ROTATED])
    except NotInLog:
        return NO_HANDOVERS
    return told_handovers(event for _, event in told)


def record_handovers(
    store: Store, clocks: Clocks, origin: str, keys: Sequence[WitnessKey], shown: Sequence[Handover]
) -> Succession:
    """Append what follows on from ``keys`` of witnesses, and is not there; all that is there now.

    ``origin`` is that of the purchase log. At most eight in a day follow on from one key, whichever
    process logs them; the rest wait. ``VerificationError``, and nothing is appended, when a
    witness has shown two successors of one key; :class:`ReadOnly` for a copy of a log.
    """

    def unit(transaction: Transaction) -> Succession:
        now = clocks.at(origin)
        history = stored_key_history(transaction.connection, origin)
        for handover in _new(transaction.connection, origin, keys, shown, now):
            event = handover_event(history, handover, event_time(now))
            history = history.after(event)
            append_event(transaction, origin, event)
        return history.witnesses

    return store.commit(unit, events_origin(origin))


def _new(
    connection: Connection,
    origin: str,
    keys: Sequence[WitnessKey],
    shown: Sequence[Handover],
    now: datetime,
) -> list[Handover]:
    """What there is to append, in its order."""
    events = [event for _, event in events_of(connection, origin, [WITNESS_ROTATED])]
    known = told_handovers(events)
    today = event_time(now - _DAY), event_time(now)
    recent = [event["vkey"] for event in events if today[0] < event["time"] <= today[1]]
    found: list[Handover] = []
    for key in keys:
        chain = {each.vkey for each in known.chain(key)}
        room = max(0, _MOST_NEW - sum(vkey in chain for vkey in recent))
        new = known.continued(key, shown, room)
        known = known.after(*new)
        found += new
    return found


class PresentKeys:
    """The keys that cosign for witnesses today: those configured, and what has followed them."""

    def __init__(self, store: Store, clocks: Clocks, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._clocks = clocks
        self._monotonic = monotonic
        self._successions: dict[str, Succession] = {}  # by origin, as far as they have been read
        self._unfamiliar: dict[str, float] = {}  # the pause of who signs with other keys
        self._asked: dict[str, float] = {}  # when it was asked last; both by address
        self._troubles: dict[str, str] = {}

    def chains(self, witness: RemoteWitness, origin: str) -> list[tuple[CosignerKey, ...]]:
        """For each configured key that key and all that have followed it, as the log says."""
        read = self._successions  # or what was read before a change would stay beyond it
        known = read.get(origin)
        if known is None:
            with self._store.read() as connection:
                known = read[origin] = stored_succession(connection, origin)
        return [known.chain(key) for key in witness.keys]

    def note_others(self, witness: RemoteWitness, *, only: bool) -> None:
        """It has signed with keys that are not known, and perhaps ``only`` with those."""
        self._unfamiliar[witness.url] = _SHORT_PAUSE if only else _PAUSE

    def wants(self, witness: RemoteWitness) -> bool:
        """Whether it is time to ask for its handovers."""
        pause = self._unfamiliar.get(witness.url)
        asked = self._asked.get(witness.url)
        return pause is not None and (asked is None or asked + pause <= self._monotonic())

    def follow(self, witness: RemoteWitness, fetch: Callable[[], Sequence[Handover]]) -> None:
        """Ask for the handovers of this witness, and log those that follow on."""
        self._asked[witness.url] = self._monotonic()
        try:
            shown = fetch()
        except Unavailable as error:
            self._unfamiliar[witness.url] = _SHORT_PAUSE
            name = witness.keys[0].name
            self._warn(witness.url, f"{name} does not show its handovers: {error}")
            return
        self._unfamiliar.pop(witness.url, None)
        self._record_in_all_logs(witness.keys, shown)
        self._successions = {}

    def _record_in_all_logs(self, keys: Sequence[WitnessKey], shown: Sequence[Handover]) -> None:
        with self._store.read() as connection:
            origins = list(filter(is_events_origin, connection.scalars(select(logs.c.origin))))
        for origin in map(purchases_origin, origins):
            if is_sandbox(origin):
                continue  # no witness cosigns it
            try:
                with self._store.read() as connection:
                    new = _new(connection, origin, keys, shown, self._clocks.at(origin))
                if new:
                    record_handovers(self._store, self._clocks, origin, keys, shown)
            except ReadOnly:
                continue  # a copy: whoever has its key records it
            except (FormatError, VerificationError) as error:
                why = f"{origin}: a witness's change of keys is not recorded: {error}"
                self._warn(f"{keys[0].name} {origin}", why)

    def _warn(self, about: str, why: str) -> None:
        """Once for each trouble, which is met again every minute."""
        if self._troubles.get(about) != why:
            self._troubles[about] = why
            _log.warning("%s", why)
