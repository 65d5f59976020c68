"""Options, the environment and files: one meaning, and the option wins."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from api.options import Options
from cli.configuration import Configuration, read_configuration
from cli.errors import Failure
from tests.cli.terminal import Terminal
from tests.serving import serving

SECRET = "not for anybody's eyes"


def test_what_nobody_says_is_as_documented() -> None:
    chosen = read_configuration()
    assert (chosen.port, chosen.workers, chosen.options) == (8000, 1, Options())


def test_an_option_overrides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVITTO_PORT", "9000")
    monkeypatch.setenv("KVITTO_WORKERS", "3")
    chosen = read_configuration(port=9001, workers=None)
    assert (chosen.port, chosen.workers) == (9001, 3)


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVITTO_PORT", "")
    monkeypatch.setenv("KVITTO_OPERATOR_KEY", "")
    chosen = read_configuration()
    assert (chosen.port, chosen.operator_key) == (8000, None)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("KVITTO_PORT", "65536", "there is no such port"),
        ("KVITTO_PORT", "8_000", "number"),
        ("KVITTO_WORKERS", "0", "1 to 64"),
        ("KVITTO_LOG_FORMAT", SECRET, "'plain' or 'json'"),
        ("KVITTO_ACCESS_LOG", SECRET, "boolean"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(typer.BadParameter) as error:
        read_configuration()
    assert says in error.value.message
    assert variable in error.value.format_message()
    assert SECRET not in error.value.format_message()


def test_a_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\nand more\n", "utf-8")
    monkeypatch.setenv("KVITTO_OPERATOR_KEY_FILE", str(file))
    chosen = read_configuration()
    assert chosen.operator_key is not None
    assert chosen.operator_key.get_secret_value() == SECRET
    assert SECRET not in repr(chosen)
    file.write_text("\n", "utf-8")
    with pytest.raises(Failure, match="nothing in its first line"):
        read_configuration()
    monkeypatch.setenv("KVITTO_OPERATOR_KEY", "another")
    with pytest.raises(Failure, match="both KVITTO_OPERATOR_KEY and KVITTO_OPERATOR_KEY_FILE"):
        read_configuration()


def test_all_commands_take_the_database_from_one_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    (tmp_path / "database").write_text(url, "utf-8")
    terminal = Terminal(
        tmp_path,
        {"KVITTO_DATABASE_FILE": str(tmp_path / "database"), "KVITTO_DATA": str(tmp_path / "data")},
    )
    terminal.run("db", "upgrade")
    assert (tmp_path / "elsewhere.db").exists()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["sealing.key"]
    terminal.run("db", "check")


def test_a_service_that_is_told_all_by_its_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET.replace(" ", "-"), "utf-8")
    env: dict[str, Any] = {
        "KVITTO_NAME": "ledger.example",
        "KVITTO_OPERATOR_KEY_FILE": str(tmp_path / "key"),
        "KVITTO_LOG_FORMAT": "json",
        "KVITTO_ACCESS_LOG": "false",
    }
    with serving(tmp_path / "data", tmp_path / "log", environment=env) as (_, said):
        merchant = {"id": "acme", "name": "Acme"}
        headers = {"Authorization": f"Bearer {SECRET.replace(' ', '-')}"}
        made = httpx.post(f"{said['url']}/v1/merchants", json=merchant, headers=headers)
    assert made.json()["origin"] == "ledger.example/acme"
    assert said["operator_key_file"] is None
    assert (tmp_path / "log").read_text("utf-8") == ""


def test_no_setting_is_said_twice() -> None:
    assert Options.model_fields.keys() < Configuration.model_fields.keys()
