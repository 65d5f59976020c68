"""A purchase shown to an insurer, as people and as scripts see it."""

import json
from pathlib import Path

import pytest

from cli.merchant_service import get
from tests.cli.terminal import TODAY, Terminal
from tests.world import KETTLE
from witness.keys import WitnessKeys

FOR = ["--recipient", "Insurer Ltd", "--purpose", "claim 77/2026"]
DISCLOSE = ["wallet", "disclose", "--purchase", "1", *FOR]
SHOWN = ["--show", "product", "--show", "price=200.00..300.00"]


@pytest.fixture
def key(terminal: Terminal) -> str:
    terminal.buy("1001")
    url, merchant = str(terminal.env["KVITTO_URL"]), terminal.env["KVITTO_MERCHANT"]
    found: str = get(url, f"merchants/{merchant}")["purchases_vkey"]
    return found


@pytest.fixture
def file(terminal: Terminal, key: str) -> Path:  # noqa: ARG001 - after the purchase
    path = terminal.directory / "disclosure.json"
    said = terminal.run(*DISCLOSE, *SHOWN, "--out", path, typed="y\n")
    assert "entry 0 of the log" in said.stderr
    assert "200.00 EUR to 300.00 EUR" in said.stderr
    assert "Be aware" in said.stderr
    return path


def test_an_insurer_checks_it_without_asking_anyone(
    terminal: Terminal, file: Path, key: str
) -> None:
    offline = Terminal(terminal.directory)
    said = offline.run("disclosure", "verify", file, "--key", key, *FOR).stdout
    assert KETTLE in said
    assert "from 200.00 EUR to 300.00 EUR" in said
    assert "size 1 of the log" in said
    found = offline.json("disclosure", "verify", file, "--key", key, *FOR)
    assert found["shown"] == {
        "product": {"equals": KETTLE},
        "price": {"from": 20_000, "to": 30_000},
        "currency": {"equals": "EUR"},
    }
    assert (found["index"], found["as_of_size"], found["recipient"]) == (0, 1, "Insurer Ltd")


def test_exit_status_0_only_if_all_of_it_holds(terminal: Terminal, file: Path, key: str) -> None:
    def ends_with(status: int, content: object, *options: str) -> None:
        shown = terminal.file("shown.json", json.dumps(content))
        terminal.run("disclosure", "verify", shown, "--key", key, *FOR, *options, status=status)

    good = json.loads(file.read_text())
    ends_with(0, good)
    body = good["disclosure"]
    other = {**body["predicates"], "product": {"equals": "other"}}
    ends_with(1, {**good, "disclosure": {**body, "predicates": other}})
    ends_with(1, {**good, "disclosure": {**body, "recipient": "me"}})
    ends_with(2, {**good, "schema": "kvitto-disclosure/v2"})
    ends_with(1, good, "--recipient", "Another")
    ends_with(1, good, "--purpose", "another")
    witness = WitnessKeys.create("w.example").public()["cosignature_keys"][1]
    policy = terminal.file("policy", f"witness w {witness}\nquorum w\n")
    ends_with(1, good, "--quorum", str(policy))
    ends_with(2, good, "--key", key[:-1] + ("A" if key[-1] != "A" else "B"))


def test_nothing_is_written_without_consent(terminal: Terminal, key: str) -> None:
    path = terminal.directory / "disclosure.json"
    said = terminal.run(*DISCLOSE, *SHOWN, "--out", path, typed="n\n", status=1)
    assert "Nothing was written." in said.stderr
    assert not path.exists()
    script = terminal.json(*DISCLOSE, "--out", path, status=2)
    assert "--yes" in script["error"]["message"]
    terminal.run(*DISCLOSE, *SHOWN, "--out", path, "--yes")
    terminal.run("disclosure", "verify", path, "--key", key, *FOR)


@pytest.mark.usefixtures("key")
def test_it_needs_no_network(terminal: Terminal) -> None:
    away = Terminal(terminal.directory, {**terminal.env, "KVITTO_URL": "http://127.0.0.1:1"})
    shown = ["--show", f"date={TODAY}..{TODAY}", "--show", "currency", "--yes"]
    made = away.json(*DISCLOSE, *shown)
    assert made["disclosure"]["predicates"]["date"] == {"equals": TODAY}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("shown", "status"),
    [("price=1..2", 1), ("unit", 1), ("colour", 1), ("price=1", 2), ("price=2..1", 2)],
)
def test_what_cannot_be_shown(terminal: Terminal, shown: str, status: int) -> None:
    terminal.error(*DISCLOSE, "--show", shown, "--yes", status=status)
    terminal.error("wallet", "disclose", "--purchase", "2", *FOR, "--yes", status=2)
