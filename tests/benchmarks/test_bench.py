"""The benchmark measures what it says; how fast this machine is asserts nothing."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring and batches that take a second."""
    monkeypatch.setattr("benchmarks.claims._RING", 20)
    monkeypatch.setattr("benchmarks.recording._BATCH", 3)


def test_the_json_has_the_figures_that_scripts_ask_for() -> None:
    result = CliRunner().invoke(app, ["bench", "--quick", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    for key in ("verify_one_ms", "msm_same_terms_ms", "prove_ms", "proof_bytes", "ring"):
        figure = document["figures"][key]
        assert document[key] == pytest.approx(figure["median"], abs=1e-3)
        assert figure["min"] <= figure["median"] <= figure["max"]
    assert document["ring"] == 20
    assert document["proof_bytes"] == 1919 - 2 * (33 + 3 * 32)  # two digits of the position less
    assert {"processor", "cores", "python", "petlib"} <= document["machine"].keys()


def test_the_table_names_machine_and_spread() -> None:
    result = CliRunner().invoke(app, ["bench", "--quick"])
    assert result.exit_code == 0, result.output
    assert "verify one claim" in result.stdout
    assert "min – max" in result.stdout
    assert "petlib: " in result.stdout
