import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.demo import town
from cli.main import app
from examples.tampering.lies import Lie
from examples.tampering.run import tell_lies

SALES = Path(__file__).parents[2] / "examples" / "sales.csv"


@pytest.fixture(scope="module")
def fewer_sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fourth sale of the example: a smaller town with all the parts in it."""
    file = tmp_path_factory.mktemp("demo") / "sales.csv"
    with SALES.open(encoding="utf-8", newline="") as source, file.open("w", newline="") as target:
        header, *rows = csv.reader(source)
        csv.writer(target).writerows([header, *rows[::4]])
    return file


@pytest.fixture(scope="module")
def played(
    fewer_sales: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Result]]:
    """Where the demo has left its shop, and what it said."""
    directory = tmp_path_factory.mktemp("played") / "town"
    arguments = ["demo", "--sales", str(fewer_sales), "--directory", str(directory), "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.demo._OTHER_SHOPS_SALES", 400)
        patch.setitem(town._POLICY, "smallest_ring", 16)
        yield directory, CliRunner().invoke(app, arguments)


def test_every_scene_ends_as_it_must(played: tuple[Path, Result]) -> None:
    directory, result = played
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["as_expected"]
    outcomes = {scene["what"]: scene["came"] for scene in document["scenes"]}
    assert outcomes["an eligible purchase"] == "approved"
    assert outcomes["the same purchase again"] == "declined"
    assert outcomes["a tampered proof"] == "declined"
    assert outcomes["the first one, repaired"] == "completed"
    assert {*outcomes.values()} == {
        *("approved", "completed", "declined", "not eligible", "published")
    }
    assert f"serve --data {directory}" in result.stderr
    assert (directory / "kvitto.db").exists()
    assert (directory / "witness-2.example.db").exists()


def test_every_lie_about_the_shop_is_found(
    played: tuple[Path, Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell_lies(played[0], tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "passes   the logs as they are"
    assert len(said) >= 1 + 10
    assert all(line.startswith("found ") for line in said[1:])


def test_a_lie_that_is_not_found_is_told(
    played: tuple[Path, Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("examples.tampering.run.LIES", [Lie("nothing is changed", "anything")])
    assert not tell_lies(played[0], tmp_path)
    assert "MISSED   nothing is changed" in capsys.readouterr().out


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
