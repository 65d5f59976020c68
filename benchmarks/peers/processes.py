"""A runner as a process of its own, which may fail, talk nonsense or never answer."""

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer
from typing import IO, Any

__all__ = ["Answer", "Runner", "RunnerError", "running"]

Answer = dict[str, Any]


class RunnerError(Exception):
    """A runner did not answer as it must. The message says how."""


class Runner:
    """A runner that has been started."""

    def __init__(self, process: "subprocess.Popen[bytes]", complaints: IO[bytes]) -> None:
        self._process = process
        self._complaints = complaints

    def ask(self, word: str, *, seconds: float) -> Answer:
        """The answer to ``word``: an object with milliseconds, those worked, and bytes if any.

        ``RunnerError`` for one that is not, or does not come in time; the process is over then.
        """
        try:
            return _checked(word, self._line(word, seconds))
        except RunnerError:
            self._process.kill()
            raise

    def _line(self, word: str, seconds: float) -> bytes:
        expired = Event()

        def give_up() -> None:
            expired.set()
            self._process.kill()

        timer = Timer(seconds, give_up)
        timer.start()
        try:
            line = self._exchange(word)
        finally:
            timer.cancel()
        if expired.is_set():
            raise RunnerError(f"{word}: no answer within {seconds:g} s")
        if not line:
            status = self._process.wait()
            raise RunnerError(f"{word}: ended with status {status}: {self._last_words()}")
        return line

    def _exchange(self, word: str) -> bytes:
        question, answer = self._process.stdin, self._process.stdout
        if question is None or answer is None:
            raise ValueError("a runner is started with pipes")
        try:
            question.write(f"{word}\n".encode())
            question.flush()
        except BrokenPipeError:
            return b""
        return answer.readline()

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")


def _checked(word: str, line: bytes) -> Answer:
    try:
        answer = json.loads(line)
    except ValueError:
        raise RunnerError(f"{word}: answered with something that is not JSON") from None
    if not isinstance(answer, dict):
        raise RunnerError(f"{word}: answered with something that is not an object")
    if "error" in answer:
        raise RunnerError(f"{word}: {answer['error']}")
    amounts = [answer.get("ms"), answer.get("worked_ms"), answer.get("bytes", 0)]
    if not all(map(_is_amount, amounts)):
        raise RunnerError(f"{word}: answered without a time that can be")
    return answer


def _is_amount(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


@contextmanager
def running(
    command: Sequence[str | Path], directory: Path, environment: dict[str, str], cores: set[int]
) -> Iterator[Runner]:
    """A runner in ``directory``, which from its first instruction on has these cores only."""
    with tempfile.TemporaryFile() as complaints:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)  # what is started now inherits it
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                cwd=directory,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
        except OSError as error:
            raise RunnerError(f"cannot be started: {error.strerror}") from None
        finally:
            os.sched_setaffinity(0, before)
        with process:
            try:
                yield Runner(process, complaints)
            finally:
                process.kill()
