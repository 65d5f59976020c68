"""The partition of each log as the database has it, kept in memory and extended as closes come."""

from threading import Lock

from sqlalchemy import Connection

from ledger.closes import CLOSED, CloseFold
from ledger.event_log import events_of, read_declaration
from ledger.events import LogDeclaration
from ledger.key_history import WITNESS_ROTATED
from ledger.log import Log
from ledger.partition import Partition

__all__ = ["ClosedLogs"]


class _Kept:
    def __init__(self, declaration: LogDeclaration) -> None:
        self.declaration = declaration
        self.partition = Partition(declaration.capacity, declaration.void_window)
        self.fold = CloseFold(declaration, self._root_at)
        self.next_event = 0
        self._log: Log | None = None

    def read(self, connection: Connection) -> None:
        self._log = Log(connection, self.declaration.origin)
        for position, event in events_of(
            connection, self.declaration.origin, [CLOSED, WITNESS_ROTATED], self.next_event
        ):
            if event["type"] == CLOSED:
                self.partition.extend([self.fold.accept(event)])
            else:
                self.fold.hand_over(event)
            self.next_event = position + 1

    def _root_at(self, size: int) -> bytes | None:
        if self._log is None or size > self._log.size:
            return None
        return self._log.root(size)


class ClosedLogs:
    """Partitions by origin; any number of threads may ask."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def partition(self, connection: Connection, origin: str) -> Partition:
        """The partition with all closes that ``connection`` sees.

        ``NotInLog`` for an unknown origin. A close in the database that the rules do not accept
        raises: this service wrote it, so something is badly wrong.
        """
        with self._lock:
            kept = self._kept.get(origin)
            if kept is None:
                kept = self._kept[origin] = _Kept(read_declaration(connection, origin))
            kept.read(connection)
            return kept.partition
