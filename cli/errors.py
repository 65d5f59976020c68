"""The one place where a command's failure becomes a line of text and an exit status.

Status 0: done. 1: refused, declined or failed. 2: wrong usage, or input that cannot be read.
4: a log cannot be reached. 5: a log has forked. 130: stopped by Ctrl-C.

An error goes to stderr as ``error: …``; with ``--json`` it is a document
``{"error": {"type", "message", "field"}}`` on stdout. Never a traceback.
"""

import dataclasses
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

import typer
from typer.core import TyperGroup

from cli.output import tell
from commitments.errors import FormatError, KvittoError, VerificationError

__all__ = ["CommandLine", "Failure", "error_code", "error_document"]

_FAILED, _UNREADABLE, _UNREACHABLE, _FORKED, _INTERRUPTED = 1, 2, 4, 5, 130
_CODES = {FormatError: "malformed", VerificationError: "not-verified"}  # as the service's problems
_STATUSES = {
    **dict.fromkeys(("usage", "malformed", "unreadable"), _UNREADABLE),
    **dict.fromkeys(("wrong-passphrase", "damaged-file", "newer-file"), _UNREADABLE),
    **dict.fromkeys(("log-unreachable", "log-busy", "not-served"), _UNREACHABLE),
    "forked": _FORKED,
}
# What some errors hold one by one, and the message above it.
_LISTS = {
    "rows": "{count} bad cells; nothing was recorded",
    "reasons": "this claim does not qualify; nothing was sent",
    "orders": "{count} purchases qualify; name one with --purchase",
    "unsaved": "{message}",
    "faults": "{message}",
    "proofs": "{message}",
}
_HINTS = {"unreachable": "; is --url right, and the service running?"}
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class Failure(KvittoError):  # noqa: N818 - the name is what happened
    """A command cannot do what was asked of it, for a reason that lies on this computer."""


class CommandLine(TyperGroup):
    """The root command. Whatever its commands raise ends here."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - the signature is Typer's
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - as above
        **extra: Any,
    ) -> Any:
        """Run, and end the process with the exit status."""
        arguments = sys.argv[1:] if args is None else list(args)
        run = partial(
            super().main,
            arguments,
            prog_name,
            complete_var,
            standalone_mode=False,
            windows_expand_args=windows_expand_args,
            **extra,
        )
        try:
            status = _reported(run, as_json="--json" in arguments)
        except BrokenPipeError:  # whoever read the output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = _FAILED
        if not standalone_mode:
            return status
        sys.exit(status)


@dataclasses.dataclass(frozen=True)
class _Problem:
    """What is said about an error."""

    type: str
    message: str
    field: str | None = None
    lists: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def status(self) -> int:
        return _STATUSES.get(self.type, _FAILED)

    def document(self) -> dict[str, Any]:
        members = {"type": self.type, "message": self.message, "field": self.field}
        return {"error": {**members, **self.lists}}

    def lines(self) -> list[str]:
        place = f"{self.field}: " if self.field else ""
        items = [item for items in self.lists.values() for item in items]
        return [f"error: {place}{self.message}", *(f"  {item}" for item in items)]


def _reported(run: Callable[[], Any], *, as_json: bool) -> Any:
    """The exit status of ``run``, of which every error has been reported."""
    try:
        return run()
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - no command may end in a traceback
        return _report(error, as_json=as_json)


def _report(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, where the caller looks for it; the exit status."""
    if isinstance(error, typer.Abort) and not isinstance(error.__context__, EOFError):
        return _INTERRUPTED  # at a question
    if isinstance(error, typer.TyperException) and not error.format_message():
        return _UNREADABLE  # no command was named, and Typer has shown the help instead
    problem = _problem(error)
    if as_json:
        typer.echo(json.dumps(problem.document()))
    else:
        tell(problem.lines())
    return problem.status


def error_document(error: Exception) -> dict[str, Any]:
    """What is said about an error to scripts, and in its ``message`` to people."""
    said: dict[str, Any] = _problem(error).document()["error"]
    return said


def _problem(error: Exception) -> _Problem:
    match error:
        case typer.TyperException():
            return _Problem("usage", " ".join(error.format_message().split()))  # in one line
        case typer.Abort():
            return _Problem("usage", "there is nobody to answer a question; see --help")
        case KvittoError():
            return _of_kvitto(error)
        case OSError(filename=None, strerror=str(reason)):
            return _Problem("failed", reason)
        case OSError(filename=name, strerror=str(reason)):
            return _Problem("unreadable", reason, str(name))
    # Without the error's own message, which may repeat a secret.
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{PurePath(last.filename).name}, line {last.lineno}"
    what = f"{type(error).__name__} in {last.name}, {place}"
    return _Problem("internal", f"a mistake of this program, not yours: {what}")


def _of_kvitto(error: KvittoError) -> _Problem:
    message = str(error)
    lists = {}
    for name, heading in _LISTS.items():
        if items := [str(item) for item in getattr(error, name, ())]:
            lists[name] = items
            message = heading.format(count=len(items), message=message)
    code = error_code(error)
    message += _HINTS.get(code, "")
    return _Problem(code, message, getattr(error, "field", None), lists)


def error_code(error: KvittoError) -> str:
    """The service's own code where it refused; else the name of what happened."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    name = _CAPITAL.sub("-", type(error).__name__).lower()
    return str(getattr(error, "code", name))
