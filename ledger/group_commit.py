"""Group commit: all work that arrives while one commit runs goes into the next one.

There is no thread of its own. The first caller leads: it commits for all who are waiting; when it
is done it wakes them, and the first of those who came meanwhile leads the next round. The queue
is bounded: who finds it full is told so at once, and nothing waits longer than about two commits.
"""

from collections.abc import Callable, Sequence
from threading import Event, Lock, get_ident
from typing import Any, Generic, TypeVar, cast

from commitments.errors import Overloaded

__all__ = ["CommitFailed", "GroupCommit", "Ticket"]

C = TypeVar("C")
T = TypeVar("T")


class CommitFailed(Overloaded):
    """The commit was not confirmed, for reasons that lie in the database, not in the work.

    Nothing of it is kept, unless the database lost no more than its answer.
    """


class Ticket(Generic[C]):
    """A piece of work in the queue: it is given a context ``C``, and has a result or an error.

    ``needs`` names what the commit must hold for it.
    """

    def __init__(self, work: Callable[[C], Any], needs: Sequence[str]) -> None:
        self.work = work
        self.needs = needs
        self.result: Any = None
        self.error: BaseException | None = None
        self._woken = Event()
        self._settled = False

    def settle(self) -> None:
        """Let the caller have what is there now."""
        self._settled = True
        self.wake()

    def wake(self) -> None:
        """Let the caller lead."""
        self._woken.set()

    def wait(self) -> bool:
        """Sleep until settled (true) or called to lead (false)."""
        self._woken.wait()
        return self._settled


class GroupCommit(Generic[C]):
    """A queue of work for a function that commits many pieces at once.

    ``commit`` runs each ticket's work, in order and by one thread at a time, and leaves the
    result or the error of each in its ticket. When it raises, all tickets fail. At most
    ``longest`` pieces wait for the commit that runs.
    """

    def __init__(self, commit: Callable[[Sequence[Ticket[C]]], None], longest: int) -> None:
        self._commit = commit
        self._longest = longest
        self._mutex = Lock()
        self._queue: list[Ticket[C]] = []
        self._leader: Ticket[C] | None = None
        self._thread: int | None = None

    def submit(self, work: Callable[[C], T], needs: Sequence[str] = ()) -> T:
        """The result of ``work``, once it is committed; raises what it raised, or CommitFailed.

        ``Overloaded`` when the queue is full: then the work has not begun and never will.
        """
        if self._thread == get_ident():
            raise RuntimeError("work must not wait for another commit")
        ticket = Ticket(work, needs)
        if self._enqueue(ticket) or not self._sleep(ticket):
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        return cast("T", ticket.result)

    def _enqueue(self, ticket: Ticket[C]) -> bool:
        """Whether the ticket's caller leads at once."""
        with self._mutex:
            if len(self._queue) >= self._longest:
                raise Overloaded("too many are waiting already")
            self._queue.append(ticket)
            if self._leader is None:
                self._leader = ticket
            return self._leader is ticket

    def _sleep(self, ticket: Ticket[C]) -> bool:
        try:
            return ticket.wait()
        except BaseException:  # interrupted: no one may count on this caller any more
            with self._mutex:
                if ticket in self._queue:
                    self._queue.remove(ticket)
                if self._leader is ticket:
                    self._appoint()
            raise

    def _lead(self) -> None:
        with self._mutex:
            batch, self._queue = self._queue, []
        self._thread = get_ident()
        try:
            self._commit(batch)
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._thread = None
            with self._mutex:
                self._appoint()
            for ticket in batch:
                ticket.settle()

    def _appoint(self) -> None:
        self._leader = self._queue[0] if self._queue else None
        if self._leader is not None:
            self._leader.wake()


def _fail(batch: Sequence[Ticket[C]], cause: BaseException) -> None:
    # Also those that were refused: what they were refused for may be gone with the others' work.
    for ticket in batch:
        ticket.error = CommitFailed("the commit was not confirmed")
        ticket.error.__cause__ = cause
