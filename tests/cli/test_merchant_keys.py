from tests.cli.terminal import SALE, Terminal


def test_a_key_is_made_used_replaced_and_revoked(terminal: Terminal) -> None:
    made = terminal.json("merchant", "key", "create", "till 3", "--scope", "sales")
    assert made["scopes"] == ["sales"]
    everything = terminal.env["KVITTO_API_KEY"]
    terminal.env["KVITTO_API_KEY"] = made["api_key"]
    terminal.buy("1001")
    refused = terminal.error("merchant", "key", "list", status=1)
    assert refused["type"] == "foreign-scope"
    terminal.env["KVITTO_API_KEY"] = everything
    new = terminal.json("merchant", "key", "rotate", made["id"], "--grace", "1")
    assert (new["label"], new["replaces"]["id"]) == ("till 3", made["id"])
    said = terminal.run("merchant", "key", "revoke", made["id"]).stdout
    assert said == f"till 3 ({made['id']}) opens nothing any more\n"
    shown = terminal.run("merchant", "key", "list").stdout
    assert new["id"] in shown
    assert made["id"] not in shown
    terminal.env["KVITTO_API_KEY"] = made["api_key"]
    request = terminal.file("request", terminal.run("wallet", "request", "--order", "2").stdout)
    refused = terminal.error("merchant", "record", request, "--order", "2", *SALE, status=1)
    assert refused["type"] == "unauthorised"


def test_a_new_key_and_until_when_the_old_one_is_good_are_shown_to_people(
    terminal: Terminal,
) -> None:
    (first,) = terminal.json("merchant", "key", "list")["keys"]
    until = ("--expires", "2999-01-01T00:00:00Z")
    shown = terminal.run(
        *("merchant", "key", "create", "audit", "--scope", "keys", "--scope", "claims"), *until
    ).stdout
    assert "keys claims" in shown
    assert "2999-01-01T00:00:00Z" in shown
    assert (
        f"api_key        kv_{terminal.env['KVITTO_MERCHANT']}_"
        in terminal.run("merchant", "key", "rotate", first["id"], "--grace", "24").stdout
    )
    usage = terminal.error("merchant", "key", "rotate", first["id"], "--grace", "1_0", status=2)
    assert usage["type"] == "usage"


def test_the_operator_lets_a_merchant_in_again(terminal: Terminal) -> None:
    (first,) = terminal.json("merchant", "key", "list")["keys"]
    terminal.run("merchant", "key", "revoke", first["id"])
    terminal.error("merchant", "key", "list", status=1)
    made = terminal.json("merchant", "key", "recover", str(terminal.env["KVITTO_MERCHANT"]))
    terminal.env["KVITTO_API_KEY"] = made["api_key"]
    assert [key["label"] for key in terminal.json("merchant", "key", "list")["keys"]] == [
        "recovery"
    ]
