"""The clocks of sandboxes: ahead of the real one by what they were moved, and never moved back.

How far is in the database, so that all processes go by it at once. The clock of a merchant that is
no sandbox is the service's own: nothing here can move it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    String,
    Table,
    select,
    update,
)

from commitments.clock import Clock
from commitments.errors import FormatError, Refused
from commitments.sandbox import MOST_AHEAD, is_sandbox
from commitments.wire import parse_decimal
from ledger.events import event_time, events_origin, parse_event_time
from ledger.once import Once, unless_done
from ledger.schema import metadata
from ledger.store import Store, Transaction
from policies.durations import Duration, parse_duration

__all__ = ["SandboxClocks", "parse_move", "sandboxes"]

sandboxes = Table(
    "sandboxes",
    metadata,
    Column("id", String, primary_key=True),
    Column("merchant", String, nullable=False),
    Column("origin", String, nullable=False, unique=True),
    Column("ahead", BigInteger, nullable=False),
    Column("thrown_away", Boolean, nullable=False),
)
"""All sandboxes that there ever were, by their ids: of which merchant, and seconds ``ahead``."""

_SECOND = timedelta(seconds=1)

Move = Callable[[datetime], datetime]
"""From what a clock shows to what it is to show."""

_TIME = re.compile(r"(?:([0-9]{1,6})H)?(?:([0-9]{1,7})M)?(?:([0-9]{1,9})S)?", re.ASCII)


class SandboxClocks:
    """The clocks of all merchants in ``store``, by their origins; ``clock`` is the real one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def at(self, origin: str) -> datetime:
        """The present moment in the logs of ``origin``."""
        return self._clock() + self.ahead(origin)

    def ahead(self, origin: str) -> timedelta:
        """How far the clock of ``origin`` is before the real one: nothing, but for sandboxes."""
        if not is_sandbox(origin):
            return timedelta(0)
        with self._store.read() as connection:
            return _ahead(connection, origin)

    def show(self, origin: str) -> dict[str, Any]:
        """What the clock of a sandbox shows, as JSON; ``Refused`` where there is no sandbox."""
        _require_sandbox(origin)
        return self._shown(self.ahead(origin))

    def move(self, origin: str, move: Move, once: Once | None = None) -> dict[str, Any]:
        """Move the clock of a sandbox, once nobody is writing into its event log.

        What it shows then; ``once`` that is not done twice. ``Refused`` for the clock of a merchant
        that is no sandbox, for a move backwards and for one beyond :data:`MOST_AHEAD`.
        """
        _require_sandbox(origin)

        def unit(transaction: Transaction) -> dict[str, Any]:
            connection, real = transaction.connection, self._clock()
            before = _ahead(connection, origin)
            after = _whole_seconds(move(real + before) - real)
            if after < before:
                raise Refused("clock-backwards", "the clock shows a later moment already")
            if after > MOST_AHEAD:
                raise Refused("clock-too-far", "a sandbox is at most 30 years ahead")
            there = sandboxes.c.origin == origin
            connection.execute(update(sandboxes).where(there).values(ahead=after // _SECOND))
            return self._shown(after)

        return self._store.commit(unless_done(unit, once), events_origin(origin))

    def _shown(self, ahead: timedelta) -> dict[str, Any]:
        return {"time": event_time(self._clock() + ahead), "ahead": ahead // _SECOND}


def _ahead(connection: Connection, origin: str) -> timedelta:
    seconds = connection.scalar(select(sandboxes.c.ahead).where(sandboxes.c.origin == origin))
    return timedelta(seconds=seconds or 0)


def _require_sandbox(origin: str) -> None:
    if not is_sandbox(origin):
        raise Refused("not-a-sandbox", "this merchant is no sandbox: its clock shows the time")


def parse_move(document: Mapping[str, Any]) -> Move:
    """Read ``{"time": "2027-03-01T09:00:00Z"}`` or ``{"advance": "P14DT1H"}``.

    ``FormatError`` for anything else.
    """
    given = {name: value for name, value in document.items() if value is not None}
    match given:
        case {"time": str(text), **others} if not others:
            time = parse_event_time(text, "time")
            return lambda _shown: time
        case {"advance": str(text), **others} if not others:
            return _parse_duration(text)
    raise FormatError("not one of time and advance, as text", "body")


def _parse_duration(text: str) -> Move:
    """Calendar units as policies have them, then hours, minutes and seconds."""
    days, of_day, rest = text.partition("T")
    match = _TIME.fullmatch(rest)
    if match is None or (of_day and not rest):
        raise FormatError("not a duration such as P14D, P1Y or PT1H", "advance")
    counts = [parse_decimal(count or "0", "advance") for count in match.groups()]
    hours, minutes, seconds = counts
    calendar = Duration(0, 0) if days == "P" and rest else parse_duration(days, "advance")
    time = timedelta(hours=hours, minutes=minutes, seconds=seconds)

    def later(shown: datetime) -> datetime:
        try:
            return datetime.combine(calendar.after(shown.date()), shown.timetz()) + time
        except (FormatError, OverflowError):
            raise FormatError("reaches beyond the calendar", "advance") from None

    return later


def _whole_seconds(span: timedelta) -> timedelta:
    """Rounded up: the clock must not show an earlier moment than was asked for."""
    return -(-span // _SECOND) * _SECOND
