"""How everything here is measured: several runs, the median to quote, the spread beside it."""

import os
import platform
import re
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = [
    "Figure",
    "alternate",
    "figure",
    "load",
    "machine",
    "megabytes",
    "percentile",
    "spent",
    "timed",
    "worked",
]

_PACKAGES = ("petlib", "py-ecc", "cryptography", "sqlalchemy", "psycopg", "fastapi", "uvicorn")


@dataclass(frozen=True)
class Figure:
    """One measured quantity. ``target`` is what the project has promised, if anything."""

    key: str
    what: str
    unit: str
    median: float
    low: float
    high: float
    runs: int
    target: str = ""

    def document(self) -> dict[str, Any]:
        """The figure as a JSON object."""
        return {
            "what": self.what,
            "unit": self.unit,
            "median": round(self.median, 4),
            "min": round(self.low, 4),
            "max": round(self.high, 4),
            "runs": self.runs,
            "target": self.target,
        }


def figure(key: str, what: str, unit: str, samples: Sequence[float], target: str = "") -> Figure:
    """The figure that ``samples`` give."""
    median, low, high = map(float, (statistics.median(samples), min(samples), max(samples)))
    return Figure(key, what, unit, median, low, high, len(samples), target)


def percentile(samples: Sequence[float], percent: int) -> float:
    """What ``percent`` of 100 samples do not exceed."""
    ordered = sorted(samples)
    return ordered[(len(ordered) - 1) * percent // 100]


def timed(run: Callable[[], object]) -> float:
    """Wall-clock milliseconds of one run."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def worked(run: Callable[[], object]) -> float:
    """Milliseconds that a processor spent on one run: what a busy machine does not change."""
    start = time.thread_time()
    run()
    return (time.thread_time() - start) * 1000


def spent(run: Callable[[], object]) -> float:
    """Milliseconds that all threads together spent on one run: what it would take on one core."""
    start = time.process_time()
    run()
    return (time.process_time() - start) * 1000


def megabytes(process: int | str = "self") -> dict[str, float]:
    """Resident memory, now (``VmRSS``) and at most; nothing where the system does not tell."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return {}
    lines = status.read_text("ascii")
    return {
        name: float(match[1]) / 1024
        for name in ("VmRSS", "VmHWM")
        if (match := re.search(rf"{name}:\s+([0-9]+) kB", lines))
    }


def alternate(
    first: Callable[[], object],
    second: Callable[[], object],
    runs: int,
    measure: Callable[[Callable[[], object]], float] = timed,
) -> tuple[list[float], list[float]]:
    """Milliseconds of both, run in turn, so that a machine that slows down slows both."""
    first()
    second()
    pairs = [(measure(first), measure(second)) for _ in range(runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def machine() -> dict[str, Any]:
    """What the figures are measured on and with, and how busy it was in the last minute."""
    return {
        "time": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": load(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{package: version(package) for package in _PACKAGES},
    }


def load() -> float:
    """How many processes were running or wanted to, in the last minute on average."""
    return round(os.getloadavg()[0], 1)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
