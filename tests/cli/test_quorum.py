from tests.cli.terminal import Terminal
from witness.keys import WitnessKeys


def test_a_wallet_that_asks_for_a_witness(terminal: Terminal) -> None:
    keys = WitnessKeys.create("w.example").public()["cosignature_keys"]
    file = terminal.file("policy", f"witness w {keys[1]}\nquorum w\n")
    seeds = WitnessKeys.create("w.example").public()["seed_key"]
    said = terminal.json("wallet", "quorum", file, "--seed-witness", seeds)
    merchant = terminal.env["KVITTO_MERCHANT"]
    assert said == {"merchant": merchant, "witnesses": 1, "quorum": "w", "seed_witnesses": 1}
    terminal.run("wallet", "quorum", file, "--seed-witness", keys[1], status=2)
    request = terminal.file("request", terminal.run("wallet", "request", "--order", "1").stdout)
    sale = ["--date", "2026-01-02", "--product", "9522310003041", "--price", "1.00"]
    record = ["merchant", "record", str(request), "--order", "1", *sale, "--currency", "EUR"]
    receipt = str(terminal.file("receipt", terminal.run(*record).stdout))
    error = terminal.error("wallet", "accept", receipt, status=1)
    assert error["message"].endswith("(checkpoint: not cosigned by a quorum of witnesses)")
    terminal.run("wallet", "quorum", terminal.file("none", "quorum none\n"))
    terminal.run("wallet", "accept", receipt)


def test_a_file_that_is_no_policy_is_named(terminal: Terminal) -> None:
    junk = str(terminal.file("junk", "witness w\n"))
    serve = ("serve", "--port", "0")
    for command in (
        ("wallet", "quorum", junk),
        (*serve, "--witnesses", junk),
        (*serve, "--seed-witnesses", junk),
    ):
        where = () if command[0] == "wallet" else ("--data", str(terminal.directory / "data"))
        error = terminal.error(*command, *where, status=2)
        assert error["field"] == junk
        assert error["message"].startswith("line 1: ")
