"""``kvitto wallet advice``, ``preview`` and ``list``: what they say, and what they ask nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from sdk import Unreachable, Wallet
from tests.cli.terminal import Terminal
from tests.world import NOTICE

PREVIEW = ["wallet", "preview", "warranty-2y", "--remedy", "repair", "--smallest-ring", "1"]


def notice(terminal: Terminal, **changes: Any) -> Path:
    origin = f"ledger.example/{terminal.env['KVITTO_MERCHANT']}"
    return terminal.file("notice.json", json.dumps({**NOTICE, "origin": origin, **changes}))


@pytest.fixture
def buyer(terminal: Terminal) -> Terminal:
    """With a kettle of the batch B7."""
    terminal.buy("1001", "--batch", "B7")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    return terminal


def test_a_recall_reaches_the_buyer(buyer: Terminal) -> None:
    published = buyer.run("merchant", "recall", "publish", notice(buyer))
    assert "recall handle-2026 is event" in published.stdout
    (purchase,) = buyer.json("wallet", "advice")["purchases"]
    assert [each["id"] for each in purchase["notices"]] == ["handle-2026"]
    assert [each["policy"] for each in purchase["options"]] == ["warranty-2y"]
    said = buyer.run("wallet", "advice").stdout
    assert "RECALL handle-2026 of 2026-11-01: The handle may come off." in said
    assert "repair" in said
    again = buyer.error("merchant", "recall", "publish", notice(buyer), status=1)
    assert again["type"] == "duplicate-notice"
    bad = buyer.error("merchant", "recall", "publish", notice(buyer, text="\x1b[2J"), status=2)
    assert bad["field"] == "text"


def test_without_the_network(buyer: Terminal) -> None:
    assert buyer.json("wallet", "list")["purchases"][0]["warranty"] is None
    assert buyer.error(*PREVIEW, "--offline", status=1)["type"] == "not-kept"
    online = buyer.json(*PREVIEW)
    offline = buyer.json(*PREVIEW, "--offline")
    assert {**offline, "offline": False} == online
    said = buyer.run(*PREVIEW, "--offline").stdout
    assert "everybody learns that" in said
    listed = buyer.json("wallet", "list")["purchases"][0]["warranty"]
    assert (listed["policy"], listed["claims_left"]) == ("warranty-2y", 1)
    assert "██████████ 7" in buyer.run("wallet", "list").stdout
    (advised,) = buyer.json("wallet", "advice", "--offline")["purchases"]
    assert advised["options"][0]["last_day"] == listed["last_day"]


def test_a_calendar_is_written_once(buyer: Terminal) -> None:
    calendar = buyer.directory / "warranties.ics"
    assert buyer.json("wallet", "advice", "--ics", calendar)["ics"] == str(calendar)
    content = calendar.read_bytes()
    assert content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"order 1001" in content
    buyer.error("wallet", "advice", "--ics", calendar, status=2)
    assert calendar.read_bytes() == content


def test_a_remedy_picks_policies(buyer: Terminal) -> None:
    assert buyer.json("wallet", "advice", "--remedy", "refund")["purchases"][0]["options"] == []
    said = buyer.run("wallet", "advice", "--remedy", "refund").stdout
    assert "nothing is known that it can be claimed under" in said


def test_of_a_merchant_that_is_not_reached_the_last_is_told(
    buyer: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = buyer.json("wallet", "advice")

    def unreachable(*_: object) -> None:
        raise Unreachable("no answer from the shop")

    monkeypatch.setattr(Wallet, "look", unreachable)
    assert buyer.json("wallet", "advice") == known
    assert "What follows of it was read before." in buyer.run("wallet", "advice").stderr
