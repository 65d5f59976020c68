"""From the first sale to a second claim, as people and as scripts see it."""

import csv
import json
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from cli.codes_file import COLUMNS
from cli.merchant_service import get
from policies.claim import ClaimBody
from sdk import Shop, Unreachable
from tests.cli.terminal import TODAY, Terminal
from tests.world import KETTLE, REFUND
from witness.keys import WitnessKeys

CLAIM = ["wallet", "claim", "warranty-2y", "--remedy", "repair", "--smallest-ring", "1"]


def copy_of_wallet(terminal: Terminal) -> Terminal:
    """The same wallet before anything more happens to it, as from a backup."""
    path = terminal.directory / "copy"
    shutil.copy(str(terminal.env["KVITTO_WALLET"]), path)
    return Terminal(terminal.directory, {**terminal.env, "KVITTO_WALLET": str(path)})


def test_a_purchase_is_claimed_once_for_people(terminal: Terminal) -> None:
    terminal.buy("1001")
    assert (
        "warranty-2y version 1"
        in terminal.run("merchant", "policy", "publish", terminal.policy()).stdout
    )
    assert "Two-year guarantee" in terminal.run("merchant", "policy", "list").stdout
    assert "log.closed" in terminal.run("merchant", "close").stdout
    backup = copy_of_wallet(terminal)

    refused = terminal.run(*CLAIM, typed="n\n", status=1)
    assert "Nothing was sent." in refused.stderr
    assert refused.stdout == ""

    approved = terminal.run(*CLAIM, typed="y\n")
    assert "everybody learns that" in approved.stderr
    assert f"its product is {KETTLE}" in approved.stderr
    assert "decision  approved" in approved.stdout
    assert "approved" in terminal.run("wallet", "list").stdout

    assert "proving" not in approved.stderr  # nobody watches at a terminal

    backup.env["FORCE_COLOR"] = "1"  # as at one
    declined = backup.run(*CLAIM, "--yes", status=1)
    assert "proving" in declined.stderr
    del backup.env["FORCE_COLOR"]
    assert "[y/N]" not in declined.stderr
    assert "decision       declined" in declined.stdout
    assert "the same purchase was claimed with before" in declined.stdout


def test_a_purchase_is_claimed_once_for_scripts(terminal: Terminal) -> None:
    bought = terminal.buy("1001", "--batch", "L-7", "--unit", "SN-1")
    assert bought["sale"] == {
        "date": TODAY,
        "product": KETTLE,
        "price": 24_900,
        "currency": "EUR",
        "batch": "L-7",
        "unit": "SN-1",
    }
    published = terminal.json("merchant", "policy", "publish", terminal.policy())
    (listed,) = terminal.json("merchant", "policy", "list")["policies"]
    assert (listed["policy"], listed["ends"]) == (published["policy"], None)
    assert terminal.json("merchant", "close")["size"] == 1
    backup = copy_of_wallet(terminal)

    approved = terminal.json(*CLAIM, "--yes")
    assert (approved["decision"], approved["order"]) == ("approved", "1001")
    declined = backup.json(*CLAIM, "--yes", status=1)
    assert (declined["decision"], declined["reason"]) == ("declined", "already_claimed")
    assert declined["earlier"] == approved["claim_id"]

    held = terminal.json("wallet", "list")
    assert held["purchases"] == [{"number": 1, **bought, "owned": True, "warranty": None}]
    assert held["pending"] == []
    assert [each["outcome"] for each in held["claims"]] == ["approved"]
    assert terminal.error(*CLAIM, "--yes", status=1)["type"] == "not-eligible"


def test_an_approval_has_a_receipt_that_verifies_offline(terminal: Terminal) -> None:
    terminal.buy("1001")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    claim_id = terminal.json(*CLAIM, "--yes")["claim_id"]
    receipt = terminal.json("wallet", "receipt", claim_id)
    file = terminal.file("receipt.json", json.dumps(receipt))
    url, merchant = (str(terminal.env[f"KVITTO_{name}"]) for name in ("URL", "MERCHANT"))
    keys = get(url, f"merchants/{merchant}")
    verify = ("receipt", "verify", str(file), "--key")

    said = terminal.json(*verify, keys["events_vkey"])
    assert (said["claim_id"], said["decision"]) == (claim_id, "approved")
    assert "warranty-2y version 1" in terminal.run(*verify, keys["events_vkey"]).stdout
    assert terminal.error(*verify, keys["purchases_vkey"], status=1)["type"] == "not-verified"
    assert terminal.error(*verify, "no key", status=2)["type"] == "malformed"

    policy = terminal.file("none.policy", "quorum none\n")
    assert terminal.json(*verify, keys["events_vkey"], "--quorum", policy) == said
    vkey = WitnessKeys.create("w").public()["cosignature_keys"][0]
    wanted = terminal.file("one.policy", f"witness w {vkey}\nquorum w\n")
    refused = terminal.error(*verify, keys["events_vkey"], "--quorum", str(wanted), status=1)
    assert refused["message"].startswith("checkpoint: not cosigned by a quorum of witnesses; if")
    junk = str(terminal.file("junk.policy", "quorum\n"))
    assert terminal.error(*verify, keys["events_vkey"], "--quorum", junk, status=2)["field"] == junk

    receipt["event"]["claim"]["remedy"] = "replacement"
    terminal.file("receipt.json", json.dumps(receipt))
    assert terminal.error(*verify, keys["events_vkey"], status=1)["type"] == "not-verified"
    assert terminal.error("wallet", "receipt", "00", status=1)["type"] == "failure"


def test_what_does_not_qualify_is_named_and_not_sent(terminal: Terminal) -> None:
    terminal.buy("1001", "--price", "4.90", "--product", "CABLE")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    said = terminal.error(*CLAIM, "--yes", status=1)
    assert said["reasons"] == [
        "product CABLE is not covered",
        "price 4.90 EUR is 5.10 below the minimum 10.00",
    ]
    assert "  product CABLE is not covered\n" in terminal.run(*CLAIM, status=1).stderr
    assert terminal.json("wallet", "list")["claims"] == []


def test_the_purchase_can_be_named(terminal: Terminal) -> None:
    terminal.buy("1001")
    terminal.buy("1002")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    said = terminal.error(*CLAIM, "--yes", status=1)
    assert (said["type"], said["orders"]) == ("several-qualify", ["1001", "1002"])
    assert terminal.json(*CLAIM, "--yes", "--purchase", "2")["order"] == "1002"
    assert terminal.error(*CLAIM, "--yes", "--purchase", "3", status=2)["type"] == "usage"


def test_a_refund_ends_the_ownership(terminal: Terminal) -> None:
    terminal.buy("1001")
    terminal.run(
        "merchant",
        "policy",
        "publish",
        terminal.policy(
            **{name: REFUND[name] for name in ("id", "kind", "ends_ownership", "remedies")}
        ),
    )
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    refund = ["wallet", "claim", "refund-14d", "--remedy", "refund", "--smallest-ring", "1"]
    approved = terminal.run(*refund, "--yes")
    claim_id = terminal.json("wallet", "list")["claims"][0]["claim_id"]
    assert f"kvitto wallet retire {claim_id}" in approved.stdout

    retire = ["wallet", "retire", claim_id, "--smallest-ring", "1"]
    kept = terminal.run(*retire, typed="n\n", status=1)
    assert "ends the ownership of order 1001 for good" in kept.stderr
    assert terminal.json("wallet", "list")["claims"][0]["secret_sent"] is False
    assert "completed" in terminal.run(*retire, typed="y\n").stdout
    assert terminal.error(*CLAIM, "--yes", status=1)["type"] == "not-eligible"


def test_a_code_becomes_a_purchase(terminal: Terminal) -> None:
    sales = terminal.file(
        "sales.csv",
        "date,product,price,currency,batch,unit\n"
        f"{TODAY},{KETTLE},249.00,EUR,L-7,SN-1\n"
        f"{TODAY},CABLE,1200,JPY,,\n",
    )
    codes = terminal.directory / "sales.codes.csv"
    assert terminal.json("merchant", "import", sales) == {
        "recorded": 2,
        "codes": str(codes),
        "bad": [],
        "skipped": [],
    }
    assert codes.stat().st_mode & 0o777 == 0o600
    with codes.open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert [first[0], *first[2:]] == ["0", TODAY, KETTLE, "249.00", "EUR", "L-7", "SN-1"]
    assert [second[0], *second[2:]] == ["1", TODAY, "CABLE", "1200", "JPY", "", ""]

    redeemed = terminal.json("wallet", "redeem", f" {first[1].lower()}")
    assert (redeemed["order"], redeemed["index"]) == (first[1], 2)
    said = terminal.run("wallet", "redeem", second[1])
    assert "CABLE" in said.stdout
    assert "could have redeemed it" in said.stderr


def test_bad_rows_and_orders_that_are_no_sale_are_reported(terminal: Terminal) -> None:
    sales = terminal.file(
        "sales.csv",
        "date,product,price,currency,batch,unit\n"
        f"{TODAY},CABLE,4.90,EUR,,\n"
        f"{TODAY},CABLE,4.901,EUR,,\n",
    )
    said = terminal.error("merchant", "import", sales, status=2)
    assert said["rows"] == ["row 3, price: more than 2 decimals"]
    assert not (terminal.directory / "sales.codes.csv").exists()
    told = terminal.run("merchant", "import", sales, "--skip-bad", "--codes", "codes.csv")
    assert told.stdout == "recorded  1\ncodes     codes.csv\nbad       1\n"
    assert told.stderr == "left out: row 3, price: more than 2 decimals\n"


def test_receipts_pass_through_pipes(terminal: Terminal) -> None:
    request = terminal.run("wallet", "request", "--order", "1001").stdout
    sale = ["--date", TODAY, "--product", KETTLE, "--price", "1.00", "--currency", "EUR"]
    receipt = terminal.run("merchant", "record", "-", "--order", "1001", *sale, typed=request)
    accepted = terminal.run("wallet", "accept", "-", typed=receipt.stdout)
    assert "1.00 EUR" in accepted.stdout
    assert receipt.stderr == accepted.stderr == ""


def test_a_request_is_written_to_a_file(terminal: Terminal) -> None:
    out = terminal.directory / "request.json"
    document = terminal.json("wallet", "request", "--order", "1001", "--out", out)
    assert json.loads(out.read_text("utf-8")) == document
    assert terminal.json("wallet", "list")["pending"][0]["order"] == "1001"


def test_a_void_purchase_is_in_no_ring(terminal: Terminal) -> None:
    index = terminal.buy("1001")["index"]
    assert terminal.run("merchant", "void", str(index), "--reason", "returned").stdout == (
        "entry 0 is void by entry 1\n"
    )
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    assert terminal.error(*CLAIM, "--yes", status=1)["type"] == "not-verified"


def test_the_passphrase_is_asked_for(terminal: Terminal, tmp_path: Path) -> None:
    terminal.env |= {"KVITTO_PASSPHRASE": None, "KVITTO_WALLET": str(tmp_path / "new" / "wallet")}
    made = terminal.run("wallet", "create", typed="swordfish\nswordfish\n")
    assert "swordfish" not in made.output
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "wallet").stat().st_mode & 0o777 == 0o600
    assert "the wallet is empty" in terminal.run("wallet", "list", typed="swordfish\n").stdout
    wrong = terminal.run("wallet", "list", typed="shark\n", status=2)
    assert "error: wrong passphrase" in wrong.stderr
    assert "shark" not in wrong.output


def test_a_claim_whose_answer_was_lost_is_sent_again(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.buy("1001")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    submit = Shop.submit

    def lose_the_answer(shop: Shop, body: ClaimBody, proof: bytes) -> NoReturn:
        submit(shop, body, proof)
        raise Unreachable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(Shop, "submit", lose_the_answer)
        terminal.run(*CLAIM, "--yes", status=1)
    assert "no answer yet" in terminal.run("wallet", "list").stdout
    again = terminal.run(*CLAIM, typed="y\n")
    assert "It is sent again" in again.stderr
    assert "decision  approved" in again.stdout
    assert len(terminal.json("wallet", "list")["claims"]) == 1


def test_codes_that_expire(terminal: Terminal) -> None:
    sale = f"date,product,price,currency,batch,unit\n{TODAY},{KETTLE},249.00,EUR,,\n"
    sales = terminal.file("sales.csv", sale)
    late = terminal.error("merchant", "import", sales, "--redeem-by", "2026-01-01", status=1)
    assert late["type"] == "past-date"
    terminal.error("merchant", "import", sales, "--redeem-by", "soon", status=2)
    made = terminal.json("merchant", "import", sales, "--redeem-by", TODAY)
    assert (made["recorded"], made["redeem_by"]) == (1, TODAY)
    (_, code) = (terminal.directory / "sales.codes.csv").read_text().splitlines()
    assert terminal.json("wallet", "redeem", code.split(",")[1])["index"] == 1
