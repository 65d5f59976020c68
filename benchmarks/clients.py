"""Many clients at once, each in a thread of its own that does one thing after the other."""

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Thread
from typing import TypeVar

__all__ = ["CLIENTS", "at_once"]

T = TypeVar("T")

CLIENTS = 32
"""As many as may wait in a store's queue of writers."""


def at_once(
    shares: Sequence[Iterable[T]], work: Callable[[Iterable[T]], list[float]]
) -> tuple[float, list[float]]:
    """Give each share to a client; seconds until all were done, and milliseconds of each piece.

    ``work`` does the pieces of one share and says how long each took. An error of any client is
    raised when all have ended.
    """
    times: list[float] = []
    errors: list[BaseException] = []

    def run(share: Iterable[T]) -> None:
        try:
            times.extend(work(share))
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [Thread(target=run, args=(share,)) for share in shares]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if errors:
        raise errors[0]
    return seconds, times
