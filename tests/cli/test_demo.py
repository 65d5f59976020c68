import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

SALES = Path(__file__).parents[2] / "examples" / "sales.csv"


@pytest.fixture(scope="module")
def fewer_sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fourth sale of the example: a smaller town with all the parts in it."""
    file = tmp_path_factory.mktemp("demo") / "sales.csv"
    with SALES.open(encoding="utf-8", newline="") as source, file.open("w", newline="") as target:
        header, *rows = csv.reader(source)
        csv.writer(target).writerows([header, *rows[::4]])
    return file


def test_every_scene_ends_as_it_must(
    fewer_sales: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.demo._OTHER_SHOPS_SALES", 400)
    directory = tmp_path / "town"
    arguments = ["demo", "--sales", str(fewer_sales), "--directory", str(directory), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["as_expected"]
    outcomes = {scene["what"]: scene["came"] for scene in document["scenes"]}
    assert outcomes["an eligible purchase"] == "approved"
    assert outcomes["the same purchase again"] == "declined"
    assert outcomes["a tampered proof"] == "declined"
    assert outcomes["the first one, repaired"] == "completed"
    assert set(outcomes.values()) == {"approved", "completed", "declined", "not eligible"}
    assert f"serve --data {directory}" in result.stderr
    assert (directory / "kvitto.db").exists()
    assert (directory / "witness-2.example.db").exists()


def test_a_directory_that_exists_is_left_alone(fewer_sales: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    result = CliRunner().invoke(
        app, ["demo", "--sales", str(fewer_sales), "--directory", str(tmp_path)]
    )
    assert result.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_that_is_no_export_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.csv"
    result = CliRunner().invoke(app, ["demo", "--sales", str(missing)])
    assert result.exit_code == 2
    assert "missing.csv" in result.output
