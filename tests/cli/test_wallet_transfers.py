"""A purchase is sold on at the command line."""

import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cli.merchant_service import get
from policies.transfer import TransferBody
from sdk import Shop, Unreachable
from tests.cli.terminal import Terminal
from tests.handover import VOID_WINDOW

RING = ["--smallest-ring", "1"]
CLAIM = ["wallet", "claim", "warranty-2y", "--remedy", "repair", *RING, "--yes"]


@pytest.fixture
def buyer(terminal: Terminal) -> Terminal:
    """Somebody else, at the same shop."""
    path = terminal.directory / "other"
    other = Terminal(terminal.directory, {**terminal.env, "KVITTO_WALLET": str(path)})
    other.json("wallet", "create")
    return other


@pytest.fixture
def acceptance(terminal: Terminal, buyer: Terminal) -> Path:
    """A purchase that no void can undo, offered and accepted."""
    terminal.buy("1001")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    for _ in range(1 + VOID_WINDOW):
        terminal.run("merchant", "close")
    offer = terminal.directory / "offer.json"
    terminal.run("wallet", "offer", "1", "--out", offer)
    return buyer.file("acceptance.json", buyer.run("wallet", "accept-offer", offer).stdout)


def test_a_purchase_is_sold_on(terminal: Terminal, buyer: Terminal, acceptance: Path) -> None:
    out = terminal.directory / "handover.json"
    transfer: list[str | Path] = ["wallet", "transfer", acceptance, "--out", out, *RING]
    refused = terminal.run(*transfer, typed="n\n", status=1)
    assert "Nothing was sent." in refused.stderr
    assert not out.exists()

    kept = terminal.run(*transfer, typed="y\nn\n", status=1)
    assert "one of 1 purchases" in kept.stderr
    assert "cannot be taken back" in kept.stderr
    assert not out.exists()
    assert "approved" in terminal.run("wallet", "list").stdout

    done = terminal.run(*transfer, typed="y\n")
    assert "It goes on." in done.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    listed = terminal.run("wallet", "list").stdout
    assert "handed over" in listed
    assert "no longer yours" in listed
    assert "no longer yours" not in buyer.run("wallet", "list").stdout

    received = buyer.run("wallet", "receive", out)
    assert "claims used up  none" in received.stdout
    terminal.run("merchant", "close")
    assert buyer.json(*CLAIM)["decision"] == "approved"
    assert terminal.error(*CLAIM, status=1)["type"] == "not-eligible"


def test_a_purchase_is_sold_on_by_scripts(
    terminal: Terminal, buyer: Terminal, acceptance: Path
) -> None:
    terminal.json(*CLAIM)
    transfer: list[str | Path] = ["wallet", "transfer", acceptance, *RING]
    assert terminal.json(*transfer, status=2)["error"]["type"] == "usage"
    handover = terminal.json(*transfer, "--yes")
    again = terminal.json(*transfer, "--yes")
    assert again == handover
    (made,) = terminal.json("wallet", "list")["transfers"]
    assert (made["outcome"], made["completed"]) == ("approved", True)

    file = buyer.file("handover.json", json.dumps(handover))
    received = buyer.json("wallet", "receive", file)
    assert received["used"] == [{"policy": "warranty-2y", "number": 0}]
    assert received["sale"] == handover["sale"]
    assert buyer.json("wallet", "list")["purchases"][0]["order"] == received["order"]


def test_what_the_log_says_of_a_transfer_verifies_offline(
    terminal: Terminal, acceptance: Path
) -> None:
    handover = terminal.json("wallet", "transfer", acceptance, *RING, "--yes")
    (made,) = terminal.json("wallet", "list")["transfers"]
    url, merchant = (str(terminal.env[f"KVITTO_{name}"]) for name in ("URL", "MERCHANT"))
    key = get(url, f"merchants/{merchant}")["events_vkey"]
    answer = get(url, f"merchants/{merchant}/transfers/{made['transfer_id']}")
    said = terminal.json(
        "receipt", "verify", terminal.file("a.json", json.dumps(answer)), "--key", key
    )
    assert (said["transfer_id"], said["decision"]) == (made["transfer_id"], "approved")
    returned = json.loads(acceptance.read_text())
    assert said["commitment"] == returned["acceptance"]["commitment"]

    ended = terminal.file("ended.json", json.dumps(handover["retirement"]))
    said = terminal.json("receipt", "verify", ended, "--key", key)
    assert said["transfer_id"] == made["transfer_id"]
    assert said["ended"] == handover["retirement"]["event"]["time"]

    handover["approval"]["event"]["retire_by"] = "2099-01-01T00:00:00Z"
    changed = terminal.file("changed.json", json.dumps(handover["approval"]))
    assert (
        terminal.error("receipt", "verify", changed, "--key", key, status=1)["type"]
        == "not-verified"
    )


def test_a_handover_that_was_changed(terminal: Terminal, buyer: Terminal, acceptance: Path) -> None:
    handover = terminal.json("wallet", "transfer", acceptance, *RING, "--yes")
    changed = {**handover, "sale": {**handover["sale"], "price": 99_900}}
    file = buyer.file("handover.json", json.dumps(changed))
    assert buyer.error("wallet", "receive", file, status=1)["type"] == "not-verified"
    assert buyer.json("wallet", "list")["purchases"] == []


def test_an_interrupted_transfer_goes_on(
    terminal: Terminal, acceptance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Shop.transfer

    def lose_the_answer(shop: Shop, body: TransferBody, proof: bytes) -> NoReturn:
        send(shop, body, proof)
        raise Unreachable("no answer")

    transfer: list[str | Path] = ["wallet", "transfer", acceptance, *RING, "--yes"]
    with monkeypatch.context() as patch:
        patch.setattr(Shop, "transfer", lose_the_answer)
        terminal.run(*transfer, status=1)
    assert "no answer yet" in terminal.run("wallet", "list").stdout
    assert terminal.json(*transfer)["type"] == "handover"
    assert len(terminal.json("wallet", "list")["transfers"]) == 1


@pytest.mark.parametrize("document", [{}, [], {"type": "offer"}])
def test_files_that_are_something_else(terminal: Terminal, document: Any) -> None:
    file = terminal.file("wrong.json", json.dumps(document))
    for command in ("accept-offer", "transfer", "receive"):
        more = [*RING, "--yes"] if command == "transfer" else []
        assert terminal.error("wallet", command, file, *more, status=2)["type"] == "malformed"
    assert terminal.error("wallet", "offer", "1", status=2)["type"] == "usage"
