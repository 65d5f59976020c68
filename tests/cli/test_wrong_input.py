"""What each command says to what it cannot use. The same commands succeed in test_story."""

import json
import os
import socket
from pathlib import Path

import pytest

from cli import wallet
from sdk.open_wallet import SMALLEST_RING
from tests.cli.terminal import SALE, TODAY, Terminal
from tests.world import KETTLE

RECORD = ["merchant", "record", "request.json", "--order", "1", *SALE]
CODE = "ABCD-EFGH-IJKL-MNOP-QRST-UVWX"
CLAIM = ["wallet", "claim", "warranty-2y", "--remedy", "repair"]
HEADER = "date,product,price,currency,batch,unit\n"

RECEIPT = {
    "type": "receipt",
    "origin": "ledger.example/other",
    "order": "1",
    "sale": {"date": TODAY, "product": KETTLE, "price": 24_900, "currency": "EUR"},
    "index": 0,
    "proof": "",
}

NEED_KEY = {
    "record": RECORD,
    "import": ["merchant", "import", "sales.csv"],
    "publish": ["merchant", "policy", "publish", "policy.json"],
    "void": ["merchant", "void", "0", "--reason", "returned"],
    "close": ["merchant", "close"],
}
NEED_SERVICE = {
    **NEED_KEY,
    "create": ["merchant", "create", "another", "--name", "Another"],
    "policies": ["merchant", "policy", "list"],
    "request": ["wallet", "request", "--order", "1"],
    "accept": ["wallet", "accept", "receipt.json"],
    "redeem": ["wallet", "redeem", CODE],
    "claim": [*CLAIM, "--yes"],
}
NEED_WALLET = {
    "list": ["wallet", "list"],
    "retire": ["wallet", "retire", "00", "--yes"],
    **{name: NEED_SERVICE[name] for name in ("request", "accept", "redeem", "claim")},
}


@pytest.fixture
def prepared(terminal: Terminal) -> Terminal:
    """With files that the commands could use."""
    request = terminal.run("wallet", "request", "--order", "1").stdout
    terminal.file("request.json", request)
    terminal.file("receipt.json", json.dumps(RECEIPT))
    terminal.file("sales.csv", f"{HEADER}{TODAY},{KETTLE},249.00,EUR,,\n")
    terminal.policy().rename(terminal.directory / "policy.json")
    return terminal


@pytest.mark.parametrize("command", NEED_SERVICE.values(), ids=NEED_SERVICE)
def test_no_service_there(prepared: Terminal, command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        prepared.env["KVITTO_URL"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
    said = prepared.error(*command, status=1)
    assert "no answer" in said["message"]
    assert not (prepared.directory / "sales.codes.csv").exists()


@pytest.mark.parametrize("command", NEED_KEY.values(), ids=NEED_KEY)
def test_wrong_key(prepared: Terminal, command: list[str]) -> None:
    prepared.env["KVITTO_API_KEY"] = "kv_wrong"
    said = prepared.error(*command, status=1)
    assert "API key" in said["message"]
    assert not (prepared.directory / "sales.codes.csv").exists()


def test_wrong_operator_key(terminal: Terminal) -> None:
    terminal.env["KVITTO_OPERATOR_KEY"] = "wrong"
    said = terminal.error("merchant", "create", "another", "--name", "Another", status=1)
    assert said["type"] == "unauthorised"


def test_a_taken_merchant_id_is_named(terminal: Terminal) -> None:
    taken = str(terminal.env["KVITTO_MERCHANT"])
    said = terminal.error("merchant", "create", taken, "--name", "Another", status=1)
    assert (said["type"], said["field"]) == ("duplicate-merchant", "id")


@pytest.mark.parametrize("command", NEED_WALLET.values(), ids=NEED_WALLET)
def test_wrong_passphrase(prepared: Terminal, command: list[str]) -> None:
    prepared.env["KVITTO_PASSPHRASE"] = "guess"
    assert prepared.error(*command, status=2)["type"] == "wrong-passphrase"


@pytest.mark.parametrize("command", NEED_WALLET.values(), ids=NEED_WALLET)
def test_no_wallet_there(prepared: Terminal, command: list[str]) -> None:
    for name in ("absent", "."):
        prepared.env["KVITTO_WALLET"] = str(prepared.directory / name)
        said = prepared.error(*command, status=2)
        assert (said["type"], said["field"]) == ("unreadable", str(prepared.directory / name))
        assert "kvitto wallet create" in said["message"]


def test_no_wallet_in_the_file(terminal: Terminal) -> None:
    terminal.env["KVITTO_WALLET"] = str(terminal.file("other", "{}"))
    assert terminal.error("wallet", "list", status=2)["type"] == "damaged-file"


def test_a_wallet_is_not_overwritten(terminal: Terminal) -> None:
    before = Path(str(terminal.env["KVITTO_WALLET"])).read_bytes()
    terminal.error("wallet", "create", status=1)
    assert Path(str(terminal.env["KVITTO_WALLET"])).read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        ["merchant", "record", "FILE", "--order", "1", *SALE],
        ["merchant", "import", "FILE"],
        ["merchant", "policy", "publish", "FILE"],
        ["wallet", "accept", "FILE"],
    ],
    ids=["record", "import", "publish", "accept"],
)
@pytest.mark.parametrize("name", ["absent", "directory", "noise"])
def test_files_that_cannot_be_read(terminal: Terminal, command: list[str], name: str) -> None:
    (terminal.directory / "directory").mkdir()
    terminal.file("noise", os.urandom(8) + b"\xff")
    said = terminal.error(*(name if word == "FILE" else word for word in command), status=2)
    assert said["field"] in (name, "file", "header")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ('{"a": 1, "a": 2}', "a member occurs twice"),
        ('{"a": NaN}', "only whole numbers are allowed"),
        ('"' + "a" * (1 << 24) + '"', "too large"),
    ],
    ids=["cut off", "twice", "NaN", "huge"],
)
def test_documents_are_read_strictly(terminal: Terminal, content: str, message: str) -> None:
    terminal.file("policy.json", content)
    said = terminal.error("merchant", "policy", "publish", "policy.json", status=2)
    assert said == {"type": "malformed", "message": message, "field": "policy.json"}


def test_what_the_service_cannot_read_is_wrong_input_too(terminal: Terminal) -> None:
    path = terminal.policy(smallest_ring=0)
    said = terminal.error("merchant", "policy", "publish", path, status=2)
    assert (said["type"], said["field"]) == ("malformed", "smallest_ring")


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--date", "2026-11-31", "date"),
        ("--date", "tomorrow", "date"),
        ("--product", "4006381333930", "product"),
        ("--price", "249.001", "price"),
        ("--price", "1e3", "price"),
        ("--currency", "XAU", "currency"),
        ("--batch", " L-7", "batch"),
        ("--unit", "SN\n1", "unit"),
        ("--order", "", "order"),
    ],
)
def test_a_sale_that_cannot_be(prepared: Terminal, option: str, value: str, field: str) -> None:
    out = prepared.directory / "receipt"
    said = prepared.error(*RECORD, option, value, "--out", out, status=2)
    assert (said["type"], said["field"]) == ("malformed", field)
    assert not out.exists()


def test_a_receipt_is_not_lost_for_want_of_a_file(prepared: Terminal) -> None:
    there = prepared.file("receipt", "precious")
    assert prepared.error(*RECORD, "--out", there, status=2)["field"] == str(there)
    assert there.read_text("utf-8") == "precious"
    assert prepared.json(*RECORD)["order"] == "1"  # nothing was recorded before


def test_codes_are_not_overwritten(prepared: Terminal) -> None:
    there = prepared.file("sales.codes.csv", "precious")
    said = prepared.error("merchant", "import", "sales.csv", status=2)
    assert said == {"type": "unreadable", "message": "File exists", "field": "sales.codes.csv"}
    assert there.read_text("utf-8") == "precious"
    codes = prepared.json("merchant", "import", "sales.csv", "--codes", "other.csv")["codes"]
    assert (prepared.directory / codes).read_text("utf-8").splitlines()[1].startswith("0,")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("", "header"),
        ("date,product\n", "header"),
        (HEADER, "sales.csv"),
        (f"{HEADER}2026-11-20,A,1.00,EUR\n", "rows"),
        (f"{HEADER}2026-02-30,,x,XXX,,\n", "rows"),
        (f'{HEADER}"2026-11-20,A,1.00,EUR,,\n', "file"),
    ],
    ids=["empty", "columns", "no sale", "short row", "bad cells", "quotes"],
)
def test_bad_csv(terminal: Terminal, content: str, field: str) -> None:
    terminal.file("sales.csv", content)
    said = terminal.error("merchant", "import", "sales.csv", status=2)
    assert (said["type"], said["field"]) == ("malformed", field)
    assert not (terminal.directory / "sales.codes.csv").exists()


@pytest.mark.parametrize("index", ["1_0", "+1", " 1", "\u0661", "-1", "01", "9" * 30])
def test_numbers_have_one_spelling(terminal: Terminal, index: str) -> None:
    said = terminal.error("merchant", "void", "--merchant", "shop", "--", index, status=2)
    assert (said["type"], "INDEX" in said["message"]) == ("usage", True)


def test_what_the_rules_refuse(terminal: Terminal) -> None:
    assert terminal.error(*NEED_KEY["void"], status=1)["type"] == "unknown-entry"
    said = terminal.error("wallet", "redeem", CODE, status=1)
    assert (said["type"], said["field"]) == ("unknown-code", "code")
    said = terminal.error("wallet", "retire", "00", "--yes", status=1)
    assert said["message"] == "the wallet has made no such claim"


def test_somebody_elses_receipt_is_refused(terminal: Terminal) -> None:
    receipt = terminal.directory / "1001.receipt"
    terminal.buy("1001")
    terminal.env["KVITTO_WALLET"] = str(terminal.directory / "other")
    terminal.run("wallet", "create")
    terminal.run("wallet", "request", "--order", "1001")
    assert terminal.error("wallet", "accept", receipt, status=1)["type"] == "not-verified"
    assert terminal.json("wallet", "list")["purchases"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["marchant"], "No such command"),
        (["merchant", "close", "--loud"], "No such option"),
        (["merchant", "record", "request.json"], "Missing option"),
        (["wallet", "redeem"], "Missing argument"),
        (["wallet", "claim", "p", "--remedy", "praise"], "--remedy"),
        (["merchant", "close", "--url", "localhost:8000"], "--url"),
        (["merchant", "close", "--url", "http://host:port"], "--url"),
        (["merchant", "close", "--merchant", "../other"], "--merchant"),
        (["merchant", "close", "--key", "kv_secret\nHost: other"], "--key"),
        (["serve", "--port", "8_000"], "--port"),
    ],
)
def test_wrong_usage(terminal: Terminal, arguments: list[str], message: str) -> None:
    said = terminal.error(*arguments, status=2)
    assert (said["type"], message in said["message"]) == ("usage", True)
    assert "secret" not in said["message"]


def test_an_unanswered_question_is_not_a_yes(terminal: Terminal) -> None:
    terminal.buy("1001")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    silent = terminal.run(*CLAIM, "--smallest-ring", "1", typed="", status=2)
    assert "error: there is nobody to answer a question" in silent.stderr
    assert terminal.json("wallet", "list")["claims"] == []


@pytest.mark.parametrize("command", [CLAIM, ["wallet", "retire", "00"]], ids=["claim", "retire"])
def test_a_wish_for_json_is_not_a_yes(terminal: Terminal, command: list[str]) -> None:
    said = terminal.json(*command, status=2)["error"]
    assert (said["type"], "--yes" in said["message"]) == ("usage", True)


def test_plain_http_to_another_machine_is_asked_for(terminal: Terminal) -> None:
    request = ["wallet", "request", "--order", "1", "--url", "http://127.0.0.2:9"]
    assert terminal.error(*request, status=2)["field"] == "base_url"
    assert terminal.error(*request, "--insecure", status=1)["type"] == "unreachable"


def test_the_default_ring_is_the_wallets(terminal: Terminal) -> None:
    assert wallet.SMALLEST_RING == SMALLEST_RING
    terminal.buy("1001")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    assert terminal.error(*CLAIM, "--yes", status=1)["type"] == "ring-too-small"


def test_a_choice_that_is_missing_is_told_in_one_line(terminal: Terminal) -> None:
    said = terminal.error("merchant", "void", "0", status=2)
    assert said["message"].startswith("Missing option '--reason'. Choose from: returned, ")
