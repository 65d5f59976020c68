"""``kvitto sandbox``: the whole of test mode, as a shop's developer uses it."""

from typing import Any

import pytest

from cli.merchant_service import get
from cli.sandbox_fill import OUTCOMES
from ledger.metrics import DECISIONS, ENTRIES
from tests.cli.terminal import OPERATOR, Terminal


@pytest.fixture
def sandbox(terminal: Terminal) -> dict[str, Any]:
    """The sandbox of the terminal's merchant; commands are about it, with a wallet for it."""
    created: dict[str, Any] = terminal.json("sandbox", "create")
    terminal.env |= {
        "KVITTO_MERCHANT": created["id"],
        "KVITTO_API_KEY": created["api_key"],
        "KVITTO_WALLET": str(terminal.directory / "sandbox.wallet"),
    }
    terminal.run("wallet", "create", "--sandbox")
    return created


def shop_of(sandbox: dict[str, Any]) -> str:
    """The merchant whose sandbox it is."""
    merchant_id: str = sandbox["id"]
    return merchant_id.removesuffix("-test")


def counted() -> list[tuple[dict[str, str], float]]:
    """All that the service counts of entries and decisions."""
    samples = [
        sample
        for metric in (DECISIONS, ENTRIES)
        for each in metric.collect()
        for sample in each.samples
    ]
    return [(sample.labels, sample.value) for sample in samples if sample.name.endswith("_total")]


def test_a_sandbox_is_filled_with_each_outcome(terminal: Terminal, sandbox: dict[str, Any]) -> None:
    kept, before = terminal.directory / "buyers", counted()
    filled = terminal.json("sandbox", "fill", "--wallets", kept)["claims"]
    states = {claim["name"]: claim["state"] for claim in filled}
    assert tuple(states) == OUTCOMES
    expected = {name: name.partition("-")[0] for name in OUTCOMES}
    assert states == {**expected, "refunded": "completed"}
    assert counted() == before  # no statistics are of sandboxes
    assert len({claim["claim_id"] for claim in filled}) == len(OUTCOMES)

    # A buyer goes on with a wallet that was kept, under the sandbox's clock.
    asked = next(claim for claim in filled if claim["name"] == "needs_information")
    terminal.env["KVITTO_WALLET"] = asked["wallet"]
    answered = terminal.run(
        "wallet", "case", "answer", asked["claim_id"], "--message", "The handle came off."
    )
    assert "under review" in answered.stdout
    assert "nothing in it is real" in answered.stderr

    # A receipt says what it is, and counts for nothing unless that is said, too.
    approved = next(claim for claim in filled if claim["name"] == "approved")
    terminal.env["KVITTO_WALLET"] = approved["wallet"]
    receipt = terminal.file(
        "receipt.json", terminal.run("wallet", "receipt", approved["claim_id"]).stdout
    )
    verify = ["receipt", "verify", str(receipt), "--key"]
    refused = terminal.error(*verify, sandbox["events_vkey"], status=1)
    assert "nothing is real" in refused["message"]
    said = terminal.json(*verify, sandbox["events_vkey"], "--sandbox")
    assert (said["sandbox"], said["log"]) == (True, f"{sandbox['origin']}/events")
    live = get(str(terminal.env["KVITTO_URL"]), f"merchants/{shop_of(sandbox)}")
    terminal.error(*verify, live["events_vkey"], "--sandbox", status=1)

    # So does a token that a cash desk is shown; it is signed under the sandbox's clock.
    token = str(terminal.directory / "token.json")
    terminal.run(
        "wallet", "case", "redeem", approved["claim_id"], "--shop", "till-1", "--out", token
    )
    desk = ["receipt", "redeem", token, "--shop", "till-1", "--key", sandbox["events_vkey"]]
    assert "nothing is real" in terminal.error(*desk, status=1)["message"]
    assert terminal.json(*desk, "--sandbox")["redeemed"] > "2026"


def test_a_sandbox_that_closes_each_day_is_filled_twice(terminal: Terminal) -> None:
    created = terminal.json("sandbox", "create", "--period", "P1D")
    terminal.env |= {"KVITTO_MERCHANT": created["id"], "KVITTO_API_KEY": created["api_key"]}
    filled = terminal.run("sandbox", "fill")
    heading, *rows = [line.split() for line in filled.stdout.splitlines()]
    assert heading == ["outcome", "state", "policy", "claim"]
    assert tuple(row[0] for row in rows) == OUTCOMES
    assert {row[1] for row in rows} > {"approved", "declined", "lapsed", "overdue"}
    assert "wallets are gone" in filled.stderr

    again = terminal.json("sandbox", "fill")["claims"]
    assert [claim["state"] for claim in again] == [row[1] for row in rows]
    assert not {claim["claim_id"] for claim in again} & {row[3] for row in rows}


def test_nothing_is_filled_into_a_live_log(terminal: Terminal) -> None:
    before = terminal.json("merchant", "policy", "list")
    refused = terminal.error("sandbox", "fill", status=1)
    assert "no sandbox" in refused["message"]
    assert terminal.json("merchant", "policy", "list") == before


def test_the_clock_of_a_sandbox(terminal: Terminal, sandbox: dict[str, Any]) -> None:
    first = terminal.json("sandbox", "clock")
    assert first["ahead"] == 0
    moved = terminal.run("sandbox", "clock", "--advance", "P1Y").stdout.strip()
    assert moved > first["time"]
    assert terminal.json("sandbox", "clock")["ahead"] >= 365 * 86400
    back = terminal.error("sandbox", "clock", "--time", first["time"], status=1)
    assert back["type"] == "clock-backwards"
    live = terminal.error("sandbox", "clock", "--merchant", shop_of(sandbox), status=1)
    assert live["type"] == "not-a-sandbox"


def test_days_of_a_sandbox_are_those_of_its_clock(
    terminal: Terminal, sandbox: dict[str, Any]
) -> None:
    sale = "date,product,price,currency,batch,unit\n2031-05-01,CABLE,4.90,EUR,,\n"
    file = terminal.file("sales.csv", sale)
    assert terminal.error("merchant", "import", file, status=2)["type"] == "malformed"
    terminal.run("sandbox", "clock", "--time", "2031-05-02T00:00:00Z")
    assert terminal.json("merchant", "import", file)["recorded"] == 1
    policy = terminal.policy(origin=sandbox["origin"])
    terminal.run("merchant", "policy", "publish", policy)
    ended = terminal.run("merchant", "policy", "withdraw", "warranty-2y", "1")
    assert "2031-05-03" in ended.stdout


def test_a_sandbox_is_made_anew(terminal: Terminal) -> None:
    first = terminal.json("sandbox", "create", "--key", OPERATOR)
    assert terminal.error("sandbox", "create", status=1)["type"] == "duplicate-sandbox"
    assert terminal.json("sandbox", "remove")["id"] == first["id"]
    second = terminal.json("sandbox", "create")
    assert second["origin"] != first["origin"]


def test_wallets_say_what_they_are_for(terminal: Terminal, sandbox: dict[str, Any]) -> None:
    listed = terminal.run("wallet", "list")
    assert "nothing in it is real" in listed.stderr
    live = terminal.directory / "wallet"
    refused = terminal.error("wallet", "request", "--order", "1", "--wallet", live, status=1)
    assert refused["type"] == "wrong-wallet"
    other = terminal.json(
        "wallet", "request", "--order", "1", "--merchant", shop_of(sandbox), status=1
    )
    assert other["error"]["type"] == "wrong-wallet"
    assert terminal.json("wallet", "request", "--order", "1").keys() == {"commitment", "proof"}
