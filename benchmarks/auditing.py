"""Auditing a shop's log of 200 days, in processes of their own: how long it takes, what it weighs.

The log is made once and kept: its ten thousand proofs take ten minutes.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, figure, megabytes
from benchmarks.trade_plan import TradePlan, plan_trade
from benchmarks.trading import SHOP, trade
from cli.log_directory import export_merchant
from cli.secret_files import kept_sealing_key
from commitments.wire import parse_decimal
from ledger.store import Store

__all__ = ["auditing_figures"]

_ROOT = Path(__file__).parents[1]
_SIZE = {"days": 200, "sales": 500, "claims": 10_000}
_QUICK = {"days": 60, "sales": 100, "claims": 300}
_RUNS = 3
_PURE = 16  # proofs that are verified without OpenSSL
_LOOK = 0.05  # seconds between two looks at the memory


def auditing_figures(
    directory: Path, *, quick: bool, progress: Callable[[str], None]
) -> list[Figure]:
    """Audits of the log below ``directory``, where it is made when it is not there."""
    size = _QUICK if quick else _SIZE
    logs = directory / "-".join(map(str, size.values()))
    if not logs.exists():
        _make(logs, size, progress)
    first, again, pure = [], [], []
    for run in range(_RUNS):
        with tempfile.TemporaryDirectory() as mirror:
            progress(f"auditing, {run + 1} of {_RUNS}")
            first.append(_audit(logs, mirror, "--jobs", f"{os.cpu_count()}"))
            progress(f"auditing again, {run + 1} of {_RUNS}")
            again.append(_audit(logs, mirror))
            progress(f"auditing without OpenSSL, {run + 1} of {_RUNS}")
            pure.append(_audit(logs, mirror, "--engine", "pure", "--sample", f"{_PURE}"))
    checked = first[0].checked
    if checked["proofs"] != size["claims"] or any(one.checked["proofs"] for one in again):
        raise RuntimeError("not the proofs that were to be verified")
    each = [(p.worked - a.worked) / _PURE for p, a in zip(pure, again, strict=True)]
    what = f"audit {checked['purchases']:,} purchases and {checked['claims']:,} claims"
    return [
        figure("audit_s", what, "s", [one.seconds for one in first], "at most 40"),
        figure("audit_work_s", "the same, processor time", "s", [one.worked for one in first]),
        figure(
            "audit_memory_mb",
            "memory of all its processes, at most",
            "MB",
            [one.megabytes for one in first],
            "under 400",
        ),
        figure("audit_again_s", "audit it again, nothing new", "s", [one.seconds for one in again]),
        figure("audit_again_work_s", "of it processor time", "s", [one.worked for one in again]),
        figure("audit_pure_s", f"a proof without OpenSSL, of {_PURE}, processor time", "s", each),
    ]


def _make(logs: Path, size: dict[str, int], progress: Callable[[str], None]) -> None:
    """A data directory that ``kvitto serve`` opens, and the same logs as files."""
    logs.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=logs.parent) as unfinished:
        made = Path(unfinished) / logs.name
        (made / "service").mkdir(parents=True)
        url = f"sqlite:///{made}/service/kvitto.db"
        key = kept_sealing_key(made / "service" / "sealing.key", None, url)
        with Store(url, sealing=key) as store:
            store.create()
            trade(store, _plan(size), progress)
            export_merchant(store, SHOP, made / "export")
        made.rename(logs)


def _plan(size: dict[str, int]) -> TradePlan:
    """Until yesterday."""
    start = datetime.now(UTC).date() - timedelta(days=size["days"])
    return plan_trade(start=start, **size)


@dataclass(frozen=True)
class _Audited:
    """Seconds by the clock and of processors, the memory at most, and what was counted."""

    seconds: float
    worked: float
    megabytes: float
    checked: dict[str, int]


def _audit(logs: Path, mirror: str, *options: str) -> _Audited:
    """``kvitto audit``, as it is from the command line; an error unless everything holds."""
    command = [sys.executable, "-m", "cli.main", "audit", str(logs / "export"), "--json"]
    before, begun = _children_seconds(), time.perf_counter()
    with tempfile.TemporaryFile() as said:  # a pipe would be full before the process has ended
        with subprocess.Popen(  # noqa: S603 - this program
            [*command, "--mirror", mirror, *options], stdout=said, cwd=_ROOT
        ) as process:
            most = max(_looks(process), default=0.0)
        seconds = time.perf_counter() - begun
        said.seek(0)
        content = said.read()
    if process.returncode != 0:
        raise RuntimeError(f"the audit ended with {process.returncode}")
    document: dict[str, Any] = json.loads(content)
    return _Audited(
        seconds, _children_seconds() - before, most, document["merchants"][0]["checked"]
    )


def _looks(process: "subprocess.Popen[bytes]") -> Iterator[float]:
    """Megabytes of a process and all that it has started, until it ends; Linux tells."""
    while process.poll() is None:
        yield sum(map(_resident, _family(process.pid)))
        time.sleep(_LOOK)


def _family(process: int) -> Iterator[int]:
    yield process
    for told in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = told.read_text("ascii").split()
        except OSError:  # it has ended meanwhile
            return
        for child in children:
            yield from _family(parse_decimal(child, "process"))


def _resident(process: int) -> float:
    with suppress(OSError):  # it has ended meanwhile
        return megabytes(process).get("VmRSS", 0.0)
    return 0.0


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
