"""All runners at once, asked in turn: what slows the machine down slows every one of them."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import Figure, figure
from benchmarks.peers.catalogue import Contestant
from benchmarks.peers.processes import Answer, Runner, RunnerError, running

__all__ = ["Measured", "all_cores", "measure", "one_core", "ratios"]

_SETUP_SECONDS = 1800.0  # a ceremony takes minutes
_SECONDS = 120.0


@dataclass
class Measured:
    """What one contestant reached; if it failed, why, and then there are no figures."""

    contestant: Contestant
    setup: Answer = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    worked: dict[str, list[float]] = field(default_factory=dict)
    bytes: list[float] = field(default_factory=list)
    failure: str | None = None

    def fail(self, why: str) -> None:
        """Forget what was measured: half a figure is none."""
        self.failure = why
        self.times, self.worked, self.bytes = {}, {}, []

    def time(self, word: str) -> Figure:
        """The milliseconds of ``word`` by the clock."""
        return figure(word, word, "ms", self.times[word])

    def work(self, word: str) -> Figure:
        """The milliseconds that processors worked on ``word``, whatever else the machine did."""
        return figure(word, word, "ms", self.worked[word])

    def size(self) -> Figure:
        """The bytes of a proof."""
        return figure("bytes", "proof", "bytes", self.bytes)

    def document(self) -> dict[str, Any]:
        """Everything as a JSON object."""
        about: dict[str, Any] = {
            "says": self.contestant.says,
            "lacks": self.contestant.lacks,
            "trusted_setup": self.contestant.trusted_setup,
        }
        if self.failure is not None:
            return {**about, "failure": self.failure}
        figures = {f"{word}_ms": self.time(word).document() for word in self.times}
        figures |= {f"{word}_worked_ms": self.work(word).document() for word in self.worked}
        return {**about, "setup": self.setup, **figures, "proof_bytes": self.size().document()}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How often our time fits into theirs, round by round."""
    return [their_time / our_time for our_time, their_time in zip(ours, theirs, strict=True)]


def all_cores() -> set[int]:
    """The cores that this process may use."""
    return os.sched_getaffinity(0)


def one_core() -> set[int]:
    """The last of them: on many machines the first one serves the devices."""
    return {max(all_cores())}


def measure(
    contestants: Sequence[Contestant],
    cores: set[int],
    *,
    rounds: int,
    progress: Callable[[str], None],
) -> list[Measured]:
    """Let each prove, verify and, if it can, verify a batch, in each round; in the order given."""
    results = [Measured(contestant) for contestant in contestants]
    with ExitStack() as stack:
        runners: list[tuple[Measured, Runner]] = []
        for result in results:
            progress(f"{result.contestant.name}: setting up")
            runner = _started(result, cores, stack)
            if runner is not None:
                runners.append((result, runner))
        for number in range(rounds):
            for result, runner in runners:
                if result.failure is None:
                    progress(f"round {number + 1} of {rounds}: {result.contestant.name}")
                    _ask(result, runner)
    return results


def _started(result: Measured, cores: set[int], stack: ExitStack) -> Runner | None:
    contestant = result.contestant
    why = contestant.absent()
    if why is not None:
        result.fail(why)
        return None
    try:
        runner = stack.enter_context(
            running(contestant.command, contestant.directory, dict(contestant.environment), cores)
        )
        result.setup = runner.ask("setup", seconds=_SETUP_SECONDS)
    except RunnerError as error:
        result.fail(str(error))
        return None
    return runner


def _ask(result: Measured, runner: Runner) -> None:
    words = ("prove", "verify", "batch") if result.contestant.batches else ("prove", "verify")
    try:
        for word in words:
            answer = runner.ask(word, seconds=_SECONDS)
            result.times.setdefault(word, []).append(answer["ms"])
            result.worked.setdefault(word, []).append(answer["worked_ms"])
            if "bytes" in answer:
                result.bytes.append(answer["bytes"])
    except RunnerError as error:
        result.fail(str(error))
