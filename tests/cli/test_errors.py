"""Whatever a command raises becomes one line and an exit status."""

import json
from typing import NoReturn

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.codes_file import ImportStopped
from cli.errors import CommandLine, Failure
from cli.output import AsJson, agreed
from commitments.errors import FormatError, Overloaded, VerificationError
from sdk.errors import NotEligible


def ending_with(error: BaseException, *arguments: str) -> Result:
    app = typer.Typer(cls=CommandLine)

    @app.command()
    def fail(*, as_json: AsJson = False) -> NoReturn:  # noqa: ARG001 - read from the arguments
        raise error

    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["fail", *arguments])


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (Failure("no room"), 1, "no room"),
        (FormatError("empty", "sale.price"), 2, "sale.price: empty"),
        (VerificationError("the root is another"), 1, "the root is another"),
        (Overloaded("later"), 1, "later"),
        (FileNotFoundError(2, "No such file", "a.csv"), 2, "a.csv: No such file"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (
            typer.BadParameter("not a key", param_hint="--key"),
            2,
            "Invalid value for --key: not a key",
        ),
    ],
)
def test_each_error_has_its_line_and_status(error: Exception, status: int, line: str) -> None:
    result = ending_with(error)
    assert (result.exit_code, result.stdout, result.stderr) == (status, "", f"error: {line}\n")


def test_scripts_get_a_document() -> None:
    result = ending_with(FormatError("empty", "sale.price"), "--json")
    said = {"type": "malformed", "message": "empty", "field": "sale.price"}
    assert json.loads(result.stdout) == {"error": said}
    assert (result.exit_code, result.stderr) == (2, "")


def test_reasons_stand_one_by_one() -> None:
    error = NotEligible(["too cheap", "too late"])
    shown = ending_with(error).stderr.splitlines()
    assert shown[1:] == ["  too cheap", "  too late"]
    assert json.loads(ending_with(error, "--json").stdout)["error"]["reasons"] == list(
        error.reasons
    )


def test_codes_that_could_not_be_written_are_shown() -> None:
    error = ImportStopped("codes.csv: No space left", "failed", ["0,CODE-0", "1,CODE-1"])
    shown = ["error: codes.csv: No space left", "  0,CODE-0", "  1,CODE-1"]
    assert ending_with(error).stderr.splitlines() == shown
    assert json.loads(ending_with(error, "--json").stdout)["error"]["unsaved"] == [*error.unsaved]


def test_a_mistake_of_the_program_is_one_line_without_values() -> None:
    result = ending_with(ValueError("passphrase"))
    assert result.exit_code == 1
    assert "ValueError in fail" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "passphrase" not in result.output


def test_an_error_cannot_move_the_cursor() -> None:
    assert ending_with(Failure("a\x1b[2Jb\rc")).stderr == "error: a\ufffd[2Jb\ufffdc\n"


def test_control_c_is_quiet() -> None:
    result = ending_with(KeyboardInterrupt())
    assert (result.exit_code, result.output.strip()) == (130, "")


def aborted_by(cause: BaseException) -> BaseException:
    """What Typer's questions raise."""
    abort = typer.Abort()
    abort.__context__ = cause  # as `raise Abort` does while the cause is handled
    return abort


def test_control_c_at_a_question_is_quiet() -> None:
    interrupted = ending_with(aborted_by(KeyboardInterrupt()))
    assert (interrupted.exit_code, interrupted.output) == (130, "")
    unattended = ending_with(aborted_by(EOFError()))
    assert (unattended.exit_code, unattended.stdout) == (2, "")
    assert "nobody to answer" in unattended.stderr


@pytest.mark.parametrize(
    ("answer", "meant"), [("y", True), ("YES ", True), ("n", False), ("", False), ("sure", False)]
)
def test_only_yes_is_yes(answer: str, meant: bool) -> None:  # noqa: FBT001 - a parameter
    app = typer.Typer(cls=CommandLine)
    heard = []
    app.command("ask")(lambda: heard.append(agreed("Really?")))
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["ask"], f"{answer}\n")
    assert heard == [meant]
    assert result.stdout == ""
