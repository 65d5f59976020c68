"""Several processes of the service, each on cores of its own.

A process whose threads run on two cores hands Python's interpreter lock back and forth between
them, which costs as much again as the work (docs/performance.md).
"""

import multiprocessing
import os
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

__all__ = ["run_workers", "share"]


def run_workers(settings: Any, listening: socket.socket, workers: int, server: Any) -> None:
    """Serve in as many processes, until told to stop; one that ends is started again.

    ``server`` are options of uvicorn.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    places = multiprocessing.get_context("spawn").Array("i", workers)
    make = partial(_worker, settings, places)  # in each of them
    config = uvicorn.Config(make, factory=True, workers=workers, **server)
    Multiprocess(config, [listening]).run()


def _worker(settings: Any, places: Any) -> Any:
    from api.app import create_app

    if hasattr(os, "sched_setaffinity"):
        with places.get_lock():
            place = next((i for i, pid in enumerate(places) if not _is_alive(pid)), 0)
            _forget_counts_of(places[place])
            places[place] = os.getpid()
        os.sched_setaffinity(0, share(sorted(os.sched_getaffinity(0)), place, len(places)))
    return create_app(settings)


def _forget_counts_of(pid: int) -> None:
    """What a process that has ended had under way is under way no more; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    if pid and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def share(cores: Sequence[int], place: int, workers: int) -> list[int]:
    """The cores of one of so many workers: equal shares, or one of them where they are few."""
    return list(cores[place::workers]) or [cores[place % len(cores)]]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return pid > 0
