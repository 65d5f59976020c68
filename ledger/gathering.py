"""Waiting for company: a round of work costs nearly the same for one as for many.

Those who are answered by one round are often back a moment later. So the next round waits until as
many are there as before, a few milliseconds at most. Who comes alone does not wait.
"""

from threading import Event

__all__ = ["Gathering"]


class Gathering:
    """How many to wait for. The caller's lock guards all but :meth:`wait`.

    ``most`` are never exceeded, and nobody is waited for longer than ``patience``, in seconds.
    """

    def __init__(self, most: int, patience: float) -> None:
        self._most = most
        self._patience = patience
        self._crowd = 1
        self._complete = Event()

    def wait(self) -> None:
        """Let others come, before a round."""
        self._complete.wait(self._patience)

    def count(self, waiting: int) -> None:
        """So many wait now."""
        if waiting >= self._crowd:
            self._complete.set()

    def end(self, served: int, waiting: int) -> None:
        """A round has ended: ``served`` have been in it, ``waiting`` have come meanwhile."""
        self._crowd = min(served + waiting, self._most)
        self._complete.clear()
        self.count(waiting)
