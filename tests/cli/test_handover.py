"""At the counter: a request and a receipt as links and as QR codes."""

import json
from pathlib import Path

import pytest

from tests.cli.terminal import SALE, Terminal

REQUEST = ["wallet", "request", "--order", "1001"]
RECORD = ["--order", "1001", *SALE]
NOWHERE = "http://127.0.0.1:1"


def origin(terminal: Terminal) -> str:
    return f"ledger.example/{terminal.env['KVITTO_MERCHANT']}"


def offline(terminal: Terminal) -> Terminal:
    return Terminal(terminal.directory, {**terminal.env, "KVITTO_URL": NOWHERE})


def test_a_purchase_by_links(terminal: Terminal) -> None:
    link = terminal.run(*REQUEST, "--link").stdout.strip()
    assert len(link) < 300
    receipt = terminal.run("merchant", "record", link, *RECORD, "--link").stdout.strip()
    assert terminal.json("wallet", "accept", receipt)["order"] == "1001"


def test_a_purchase_by_codes(terminal: Terminal) -> None:
    (link,) = terminal.json(*REQUEST, "--qr")["links"]
    parts = terminal.json("merchant", "record", link, *RECORD, "--qr")["links"]
    assert len(parts) > 1
    error = terminal.error("wallet", "accept", *parts[1:], status=2)
    assert error["message"] == f"part 1 of {len(parts)} is missing"
    assert terminal.json("wallet", "accept", *reversed(parts))["order"] == "1001"


def test_what_a_scanner_types_comes_through_stdin_or_a_file(terminal: Terminal) -> None:
    (link,) = terminal.json(*REQUEST, "--qr")["links"]
    typed = terminal.run("merchant", "record", "-", *RECORD, typed=f"{link}\n").stdout
    assert json.loads(typed)["order"] == "1001"
    parts = terminal.json("merchant", "record", link, *RECORD, "--qr")["links"]
    lines = "".join(f"{part}\r\n" for part in parts)
    terminal.run("wallet", "accept", terminal.file("parts.txt", lines))
    terminal.run("wallet", "accept", "-", typed=lines)
    again = terminal.file("again.txt", f"{link}\n{link}\n")
    assert terminal.error("merchant", "record", again, *RECORD, status=2)["field"] == "link"


def test_the_request_needs_no_network(terminal: Terminal) -> None:
    away = offline(terminal)
    away.run(*REQUEST, status=1)
    asked = away.run(*REQUEST, "--origin", origin(terminal), "--link").stdout.strip()
    receipt = terminal.run("merchant", "record", asked, *RECORD, "--link").stdout.strip()
    terminal.run("wallet", "accept", receipt)


def test_a_shop_is_named_one_way_or_the_other(terminal: Terminal) -> None:
    terminal.env["KVITTO_MERCHANT"] = None
    assert "--origin, --merchant" in terminal.error(*REQUEST, status=2)["message"]
    error = terminal.error(*REQUEST, "--origin", "no origin", status=2)
    assert error["field"] == "origin"


def test_codes_are_drawn_and_saved(terminal: Terminal) -> None:
    drawn = terminal.run(*REQUEST, "--qr").stdout.splitlines()
    assert len(drawn) == 35
    assert {len(line) for line in drawn} == {69}
    for name, begin in (("request.png", b"\x89PNG"), ("request.svg", b"<?xml")):
        path = terminal.directory / name
        assert terminal.json(*REQUEST, "--qr", "--out", path)["files"] == [str(path)]
        assert path.read_bytes().startswith(begin)
        assert path.stat().st_mode & 0o777 == 0o600
        assert terminal.error(*REQUEST, "--qr", "--out", path, status=2)["field"] == str(path)
    link = terminal.run(*REQUEST, "--link").stdout.strip()
    parts = terminal.directory / "receipt.svg"
    said = terminal.run("merchant", "record", link, *RECORD, "--qr").stdout
    assert said.startswith("1 of ")
    made = terminal.json("merchant", "record", link, *RECORD, "--qr", "--out", parts)
    assert [Path(file).name for file in made["files"]][:2] == ["receipt-1.svg", "receipt-2.svg"]
    assert all(Path(file).exists() for file in made["files"])


@pytest.mark.parametrize(
    "options",
    [("--link", "--qr"), ("--qr", "--out", "request.txt"), ("--qr", "--out", "request")],
)
def test_forms_that_do_not_go_together(terminal: Terminal, options: tuple[str, ...]) -> None:
    terminal.error(*REQUEST, *options, status=2)


@pytest.mark.parametrize("junk", ["kvitto:", "kvitto:request/2/AAAA", "kvitto:request/1/AAAA"])
def test_a_link_that_is_none(terminal: Terminal, junk: str) -> None:
    assert terminal.error("merchant", "record", junk, *RECORD, status=2)["field"] == "link"
    assert terminal.error("wallet", "accept", junk, status=2)["field"] == "link"
    assert terminal.error("wallet", "accept", "a.json", "b.json", status=2)["type"] == "usage"


def test_a_request_is_for_one_order_only(terminal: Terminal) -> None:
    link = terminal.run(*REQUEST, "--link").stdout.strip()
    error = terminal.error("merchant", "record", link, "--order", "1002", *SALE, status=1)
    assert error["type"] == "not-verified"
    terminal.run("merchant", "record", link, *RECORD)
