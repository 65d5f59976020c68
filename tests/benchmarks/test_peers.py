"""Peers are measured in turn, and what goes wrong with one is said and not guessed."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.peers import catalogue
from benchmarks.peers.catalogue import ENVIRONMENTS, KVITTO, KVITTO_ALONE, PEERS, Contestant
from benchmarks.peers.rounds import Measured, all_cores, measure, one_core, ratios
from benchmarks.peers.runners.protocol import _Runner
from cli.main import app

ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).with_name("runner.py")
INSTALLED = sorted((ROOT / "benchmarks/peers").glob("npm/*/package-lock.json"))


def contestant(how: str, *, name: str = "", batches: bool = False) -> Contestant:
    return Contestant(
        name=name or how,
        says="all",
        lacks="nothing",
        trusted_setup="no",
        command=(sys.executable, STAND_IN, how),
        directory=STAND_IN.parent,
        batches=batches,
    )


def measured(contestants: Sequence[Contestant]) -> list[Measured]:
    return measure(contestants, one_core(), rounds=2, progress=lambda _doing: None)


def test_each_is_asked_in_each_round() -> None:
    ours, theirs = measured([contestant("honest", batches=True), contestant("slow")])
    assert (ours.failure, theirs.failure) == (None, None)
    assert ours.times == {word: [2.0, 2.0] for word in ("prove", "verify", "batch")}
    assert theirs.times == {word: [8.0, 8.0] for word in ("prove", "verify")}
    assert theirs.worked == {word: [5.0, 5.0] for word in ("prove", "verify")}
    assert ratios(ours.times["batch"], theirs.times["verify"]) == [4.0, 4.0]
    assert set(theirs.bytes) == {300}
    assert theirs.setup["versions"] == {"stand-in": "1"}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("garbled", "prove: answered with something that is not JSON"),
        ("list", "prove: answered with something that is not an object"),
        ("without", "prove: answered without a time that can be"),
        ("idle", "prove: answered without a time that can be"),
        ("negative", "prove: answered without a time that can be"),
        ("endless", "prove: answered without a time that can be"),
        ("yes", "prove: answered without a time that can be"),
        ("text", "prove: answered without a time that can be"),
        ("bytes", "prove: answered without a time that can be"),
        ("error", "prove: ValueError: a true claim was refused"),
        ("dies", "prove: ended with status 3: unanswerable"),
        ("no setup", "setup: ended with status 3: unanswerable"),
    ],
)
def test_a_runner_that_fails_is_reported_and_the_others_go_on(how: str, why: str) -> None:
    bad, good = measured([contestant(how), contestant("honest")])
    assert bad.failure == why
    assert (bad.times, bad.bytes) == ({}, [])
    assert bad.document()["failure"] == why
    assert "prove_ms" not in bad.document()
    assert good.times["verify"] == [2.0, 2.0]


def test_a_runner_that_never_answers_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.rounds._SECONDS", 0.2)
    bad, good = measured([contestant("silent"), contestant("honest")])
    assert bad.failure == "prove: no answer within 0.2 s"
    assert good.failure is None


def test_a_peer_that_is_not_installed_says_why(tmp_path: Path) -> None:
    absent = Contestant("absent", "all", "", "no", ("nothing",), tmp_path / "absent")
    [result] = measured([absent])
    assert result.failure == "not installed: see scripts/peers"
    (tmp_path / "absent.why").write_text("no wheel for this Python\n", encoding="utf-8")
    [result] = measured([absent])
    assert result.failure == "not installed: no wheel for this Python"


def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    gone = Contestant("gone", "all", "", "no", (tmp_path / "gone",), tmp_path)
    [result] = measured([gone])
    assert result.failure == "cannot be started: No such file or directory"


def test_a_runner_has_the_cores_that_it_is_given() -> None:
    asks = (
        "import os, json; input(); n = len(os.sched_getaffinity(0));"
        "print(json.dumps({'ms': n, 'worked_ms': n}))"
    )
    command = (sys.executable, "-c", asks)
    counter = Contestant("counter", "all", "", "no", command, STAND_IN.parent)
    before = all_cores()
    for cores in (one_core(), all_cores()):
        [result] = measure([counter], cores, rounds=0, progress=lambda _doing: None)
        assert result.setup["ms"] == len(cores)
    assert all_cores() == before


def test_the_kvitto_runner_answers_as_the_driver_expects() -> None:
    [result] = measured([KVITTO_ALONE])
    assert result.failure is None
    assert set(result.times) == {"prove", "verify", "batch"}
    assert set(result.bytes) == {1403}
    assert result.setup["versions"].keys() == {"petlib"}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins in the places of Kvitto and two of its peers; AnonCreds has failed."""
    ours = [contestant("honest", name=one.name, batches=True) for one in (KVITTO, KVITTO_ALONE)]
    anoncreds = contestant("dies", name=catalogue.ANONCREDS.name)
    groth16 = contestant("slow", name=catalogue.GROTH16.name)
    monkeypatch.setattr(catalogue, "KVITTO", ours[0])
    monkeypatch.setattr(catalogue, "KVITTO_ALONE", ours[1])
    monkeypatch.setattr(catalogue, "PEERS", (anoncreds, groth16))


@pytest.mark.usefixtures("few")
def test_the_table_says_what_was_promised_and_what_failed() -> None:
    result = CliRunner().invoke(app, ["bench-peers", "--rounds", "1"])
    assert result.exit_code == 0, result.output
    for part in ("one core", "all cores", "not measured", "ended with status 3", "at least 4"):
        assert part in result.stdout
    assert "at least 12" not in result.stdout  # of AnonCreds there is nothing to compare with


@pytest.mark.usefixtures("few")
def test_the_json_has_figures_promises_and_the_machine() -> None:
    result = CliRunner().invoke(app, ["bench-peers", "--rounds", "1", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["machine"]["asked for"] == "bench-peers --rounds 1"
    promises = document["one core"]["promises"]
    assert {key: promise["median"] for key, promise in promises.items()} == {
        "groth16py_verify_batch": 4,
        "groth16py_verify_batch_worked": 5,
        "groth16py_prove": 4,
        "groth16py_prove_worked": 5,
    }
    assert "groth16py_verify_batch" not in document["all cores"]["promises"]
    failed = document["all cores"]["figures"]["AnonCreds"]
    assert "failure" in failed
    assert "verify_ms" not in failed


def test_kvitto_itself_must_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "KVITTO", contestant("error", batches=True))
    monkeypatch.setattr(catalogue, "KVITTO_ALONE", contestant("honest", batches=True))
    monkeypatch.setattr(catalogue, "PEERS", ())
    result = CliRunner().invoke(app, ["bench-peers", "--rounds", "1"])
    assert result.exit_code == 1
    assert "a true claim was refused" in result.stderr


def test_no_rounds_are_refused() -> None:
    assert CliRunner().invoke(app, ["bench-peers", "--rounds", "0"]).exit_code == 2


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_each_peer_has_a_runner_and_is_pinned(peer: Contestant) -> None:
    tool = peer.directory.relative_to(ENVIRONMENTS).name
    assert Path(peer.command[1]).is_file()
    pinned = ROOT / "benchmarks/peers"
    assert (pinned / f"requirements/{tool}.txt").is_file() != (pinned / f"npm/{tool}").is_dir()


@pytest.mark.parametrize("lock", INSTALLED, ids=lambda path: path.parent.name)
def test_npm_packages_are_pinned_by_hash_and_name_no_address(lock: Path) -> None:
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    wanted = packages.pop("")
    assert packages
    assert all(re.fullmatch(r"[0-9.]+", v) for v in wanted["dependencies"].values())
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package["integrity"].startswith("sha512-"), name


class Gullible:
    """A peer whose verifier believes anything, or nothing."""

    packages = ("typer",)

    def __init__(self, *, believes: bool) -> None:
        self.believes = believes

    def setup(self) -> int:
        return 5

    def prove(self) -> str:
        return "proof"

    def size(self, proof: str) -> int:
        return len(proof)

    def verify(self, _proof: str) -> bool:
        return self.believes

    def verify_false(self, _proof: str) -> bool:
        return self.believes


class Strict(Gullible):
    def verify_false(self, _proof: str) -> bool:
        raise ValueError("refused in a way of its own")


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (Gullible(believes=True), "a false claim was accepted"),
        (Gullible(believes=False), "a true claim was refused"),
    ],
)
def test_a_verifier_that_does_not_tell_true_from_false_is_not_measured(
    peer: Gullible, why: str
) -> None:
    with pytest.raises(RuntimeError, match=why):
        _Runner(peer).do_setup()


def test_a_verifier_that_does_is_measured() -> None:
    runner = _Runner(Strict(believes=True))
    answer = runner.do_setup()
    assert (answer["bytes"], answer["versions"].keys()) == (5, {"typer"})
    assert runner.do_prove()["bytes"] == len("proof")
    assert runner.do_verify().keys() == {"ms", "worked_ms"}


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("verifies", "failure"),
    [
        ("true, verifyFalse: () => { throw new Error('no'); }", None),
        ("true, verifyFalse: () => true", "setup: Error: a false claim was accepted"),
        ("false, verifyFalse: () => false", "setup: Error: a true claim was refused"),
        ("missing.name", "setup: ReferenceError: missing is not defined"),
    ],
)
def test_a_runner_in_javascript(tmp_path: Path, verifies: str, failure: str | None) -> None:
    protocol = ROOT / "benchmarks/peers/runners/protocol.cjs"
    script = tmp_path / "with_nothing.cjs"
    script.write_text(
        f"""
        require({json.dumps(str(protocol))}).serve({{
          packages: [],
          setup: () => console.log("not an answer") || {{ bytes: 5 }},
          prove: () => "proof",
          size: (proof) => proof.length,
          verify: () => {verifies},
        }});
        """,
        encoding="utf-8",
    )
    [result] = measured([Contestant("js", "all", "", "no", ("node", script), tmp_path)])
    assert result.failure == failure
    if failure is None:
        assert set(result.bytes) == {len("proof")}
        assert len(result.times["verify"]) == len(result.worked["prove"]) == 2
