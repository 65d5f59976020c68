"""From the signal to stop to the end: say so, finish what has begun, begin nothing that lasts."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from types import FrameType

from commitments.errors import Overloaded

__all__ = ["Stopping"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Whether this process has been told to stop; any thread may ask."""

    def __init__(self, drain_seconds: float = 0.0) -> None:
        self._drain = drain_seconds
        self._told = Event()

    def __bool__(self) -> bool:
        return self._told.is_set()

    def begin(self) -> None:
        """From now on."""
        self._told.set()

    def require_running(self) -> None:
        """``Overloaded`` when told to stop: another process takes what takes long."""
        if self:
            raise Overloaded("the service is stopping")

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Hear of a signal before the server does, which is told ``drain_seconds`` later.

        Meanwhile a load balancer finds out that this process takes no more, and connections that
        it opens are still accepted. A second signal reaches the server at once.
        """
        if current_thread() is not main_thread():  # a test, or a service inside a program
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def stop(number: int, frame: FrameType | None) -> None:
            pass_on = before[signal.Signals(number)]
            if not callable(pass_on):
                return
            if self or not self._drain:
                self.begin()
                pass_on(number, frame)
                return
            self.begin()
            loop.call_soon_threadsafe(loop.call_later, self._drain, pass_on, number, frame)

        for number in _SIGNALS:
            signal.signal(number, stop)
        yield  # the server puts back what was there before it
