"""The command as a whole."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).parents[2]


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield " ".join([*path, name]), command


COMMANDS = dict(commands(get_command(app)))


def test_there_is_a_command_for_each_role() -> None:
    groups = {name.split()[0] for name in COMMANDS}
    assert groups == {
        "audit",
        "bench",
        "bench-audit",
        "bench-growth",
        "bench-large",
        "bench-load",
        "bench-peers",
        "bench-wallet",
        "db",
        "demo",
        "disclosure",
        "keys",
        "log",
        "merchant",
        "proof",
        "receipt",
        "report",
        "sandbox",
        "serve",
        "wallet",
        "witness",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_json_and_explains_itself(name: str) -> None:
    options = [option for each in COMMANDS[name].params for option in each.opts]
    assert "--json" in options
    result = CliRunner().invoke(app, [*name.split(), "--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert COMMANDS[name].help.splitlines()[0].split()[0] in result.stdout


def test_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.main.version", lambda name: f"{name}'s")
    assert CliRunner().invoke(app, ["--version"]).stdout == "kvitto kvitto's\n"


def test_without_a_command_there_is_help() -> None:
    for arguments in ([], ["wallet"]):
        result = CliRunner().invoke(app, arguments)
        assert (result.exit_code, result.stderr) == (2, "")
        assert "Commands" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["wallet", "list", "--json", "--wallet", "absent"],
        ["proof", "vectors", "absent"],
    ],
    ids=["help", "error as JSON", "error"],
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode in (1, 2)


def test_help_does_not_wait_for_what_commands_need() -> None:
    script = "import sys, cli.main; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "cli.wallet" in loaded.split()
    slow = {"fastapi", "httpx", "petlib", "py_ecc", "pydantic", "sqlalchemy", "uvicorn"}
    assert slow.isdisjoint(loaded.split())
