"""What a runner says to the driver: for each word that comes in, one line of JSON.

``setup`` makes keys and a claim; ``prove``, ``verify`` and, where a runner has it, ``batch``
measure. Standard library only: a runner lives in the environment of its peer.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Protocol, TypeVar

__all__ = ["BATCH", "Peer", "serve"]

T = TypeVar("T")

BATCH = 64
_LONG_ENOUGH = 50.0  # milliseconds; what is quicker is repeated, so that caches are warm for all


class Peer(Protocol):
    """A proof system with its claim. A proof is whatever ``verify`` takes."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Whose versions are reported."""
        ...

    def setup(self) -> int:
        """Make keys, ring and the claim; bytes that a prover must fetch before it can begin."""
        ...

    def prove(self) -> Any:
        """A proof of the claim, verified by nobody yet."""
        ...

    def size(self, proof: Any) -> int:
        """The bytes of ``proof`` on the wire."""
        ...

    def verify(self, proof: Any) -> bool:
        """Whether ``proof`` proves the claim. A false one may also be refused by an exception."""
        ...

    def verify_false(self, proof: Any) -> bool:
        """Whether ``proof`` passes for a statement with another bound, which it must not."""
        ...


def serve(peer: Peer) -> None:
    """Answer until nothing more is asked. Errors are answers too."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print to stdout do not speak for the runner
    runner = _Runner(peer)
    for line in sys.stdin:
        try:
            answer = getattr(runner, f"do_{line.strip()}")()
        except Exception as error:  # noqa: BLE001 - reported by the driver
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


class _Runner:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._proof: Any = None

    def do_setup(self) -> dict[str, Any]:
        peer = self._peer
        spent, size = _timed(peer.setup)
        self._proof = peer.prove()
        self._check()
        if _passes(lambda: peer.verify_false(self._proof)):
            raise RuntimeError("a false claim was accepted")
        versions = {package: version(package) for package in peer.packages}
        return {**spent, "bytes": size, "versions": versions}

    def do_prove(self) -> dict[str, Any]:
        def prove() -> None:
            self._proof = self._peer.prove()

        return {**_measured(prove), "bytes": self._peer.size(self._proof)}

    def do_verify(self) -> dict[str, Any]:
        return _measured(self._check)

    def do_batch(self) -> dict[str, Any]:
        verify_batch: Callable[[], object] = self._peer.verify_batch  # type: ignore[attr-defined]
        return {name: ms / BATCH for name, ms in _measured(verify_batch).items()}

    def _check(self) -> None:
        if not self._peer.verify(self._proof):
            raise RuntimeError("a true claim was refused")


def _passes(verify: Callable[[], bool]) -> bool:
    try:
        return bool(verify())
    except Exception:  # noqa: BLE001 - how a peer refuses is its own affair
        return False


def _measured(run: Callable[[], object]) -> dict[str, float]:
    """Milliseconds as of :func:`_timed`, the median where there was time for several runs."""
    times: list[dict[str, float]] = []
    while sum(spent["ms"] for spent in times) < _LONG_ENOUGH:
        times.append(_timed(run)[0])
    return {name: statistics.median(spent[name] for spent in times) for name in times[0]}


def _timed(run: Callable[[], T]) -> tuple[dict[str, float], T]:
    """Milliseconds by the clock, and those that processors worked in any thread; the result."""
    start, worked = time.perf_counter(), time.process_time()
    result = run()
    worked = time.process_time() - worked
    return {"ms": (time.perf_counter() - start) * 1000, "worked_ms": worked * 1000}, result
