from pathlib import Path

from tests.cli.terminal import Terminal


def test_a_database_is_made_and_checked(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    assert terminal.error("db", "check", "--data", data, status=2)["type"] == "unreadable"
    for _ in range(2):
        terminal.run("db", "upgrade", "--data", data)
    assert terminal.json("db", "check", "--data", data) == {"status": "current"}
    assert (data / "kvitto.db").stat().st_mode & 0o077 == 0


def test_a_database_by_its_url(tmp_path: Path, database: str) -> None:
    terminal = Terminal(tmp_path, {"KVITTO_DATABASE": database})
    assert "as it should be" in terminal.run("db", "check").stdout
    terminal.env["KVITTO_DATABASE"] = "mysql://u:secret@h/d"
    assert "secret" not in terminal.run("db", "check", status=2).stderr
