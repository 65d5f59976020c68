"""What follows a claim, at the merchant's command line; the buyer uses the wallet's."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.merchant_service import MerchantService, get
from policies.attachments import seal_attachment
from tests.cli.terminal import Terminal

RING = ["--smallest-ring", "1"]
CLAIM = ("merchant", "claim")
CASE = ("wallet", "case")


@pytest.fixture
def contact(terminal: Terminal) -> Path:
    return terminal.directory / "contact.key"


@pytest.fixture
def claim(terminal: Terminal, contact: Path) -> str:
    """A claim that is looked at."""
    terminal.buy("1001")
    key = terminal.json("merchant", "contact-key", "create", contact)["contact_key"]
    changes: dict[str, Any] = {"review": True, "contact_key": key}
    policy = terminal.policy(**changes, remedies=["repair", "refund"])
    terminal.run("merchant", "policy", "publish", policy)
    terminal.run("merchant", "close")
    made = terminal.json("wallet", "claim", "warranty-2y", "--remedy", "repair", *RING, "--yes")
    claim_id: str = made["claim_id"]
    return claim_id


def test_a_claim_is_looked_at_and_completed(terminal: Terminal, claim: str, contact: Path) -> None:
    (listed,) = terminal.json(*CLAIM, "list", "--state", "under_review")["claims"]
    assert (listed["claim_id"], listed["remedy"], listed["overdue"]) == (claim, "repair", False)
    assert terminal.json(*CLAIM, "list", "--overdue")["claims"] == []
    assert claim in terminal.run(*CLAIM, "list", "--not-overdue").stdout
    ask = ("--for", "description", "--for", "photo", "--message", "Where did it break?")
    asked = terminal.json(*CLAIM, "ask", claim, *ask)
    assert (asked["state"], asked["wants"]) == ("needs_information", ["photo", "description"])
    (letter,) = terminal.json(*CASE, "messages", claim)["messages"]
    assert letter["text"] == "Where did it break?"
    photo = terminal.file("photo.jpg", b"\xff\xd8 ../../etc/passwd \x00")
    terminal.run(*CASE, "answer", claim, photo, "--message", "At the handle.")
    opened = ("--contact-key", contact, "--out", terminal.directory / "evidence")
    text, file = terminal.json(*CLAIM, "evidence", claim, *opened)["messages"]
    assert text["text"] == "At the handle."
    assert Path(file["file"]) == terminal.directory / "evidence" / file["digest"]
    assert Path(file["file"]).read_bytes() == photo.read_bytes()
    part = ("--resolution", "refund", "--share", "40")
    approved = terminal.json(*CLAIM, "approve", claim, *part)
    assert (approved["granted"], approved["agreed"]) == (
        {"resolution": "refund", "share": 40},
        False,
    )
    terminal.run(*CASE, "accept", claim)
    assert terminal.json(*CLAIM, "offer", claim, "--resolution", "repair")["offer"]["share"] == 100
    assert terminal.json(*CLAIM, "start", claim)["state"] == "in_process"
    done = terminal.run(*CLAIM, "complete", claim, "--message", "It is in the post.").stdout
    assert "completed" in done
    assert "refund, 40 % of it" in terminal.run(*CLAIM, "show", claim).stdout


def test_a_decline_is_disputed_and_what_was_written_is_erased(
    terminal: Terminal, claim: str, contact: Path
) -> None:
    declined = terminal.json(*CLAIM, "decline", claim, "--reason", "caused_by_use")
    assert (declined["state"], declined["reason"]) == ("declined", "caused_by_use")
    terminal.run(*CASE, "dispute", claim, "--reason", "decision_wrong", "--message", "It was not.")
    terminal.run(*CLAIM, "note", claim, "--message", "We look again.")
    assert terminal.json(*CLAIM, "approve", claim)["state"] == "approved"
    (said,) = terminal.json(*CLAIM, "evidence", claim, "--contact-key", contact)["messages"]
    assert said["text"] == "It was not."
    kept = terminal.run(*CLAIM, "erase", claim, typed="n\n", status=1)
    assert "nothing was erased" in kept.stderr
    assert terminal.json(*CLAIM, "erase", claim, "--yes")["erased"]
    (gone,) = terminal.json(*CLAIM, "evidence", claim, "--contact-key", contact)["messages"]
    assert (gone["erased"], gone["text"]) == (True, None)


def test_a_step_is_verified_by_its_receipt(terminal: Terminal, claim: str) -> None:
    terminal.run(*CLAIM, "decline", claim, "--reason", "no_fault_found")
    url, merchant = str(terminal.env["KVITTO_URL"]), str(terminal.env["KVITTO_MERCHANT"])
    key = get(url, f"merchants/{merchant}")["events_vkey"]
    (step,) = get(url, f"merchants/{merchant}/claims/{claim}/case")["steps"]
    receipt = {name: step[name] for name in ("event", "proof")}
    file = terminal.file("step.json", json.dumps(receipt))
    said = terminal.json("receipt", "verify", file, "--key", key)
    assert (said["step"], said["by"], said["reason"]) == ("decline", "merchant", "no_fault_found")
    receipt["event"]["reason"] = "other"
    terminal.error(
        "receipt", "verify", terminal.file("no", json.dumps(receipt)), "--key", key, status=1
    )


def test_what_cannot_be_done_is_said_in_one_line(terminal: Terminal, claim: str) -> None:
    assert terminal.error(*CLAIM, "complete", claim, status=1)["type"] == "wrong-state"
    assert terminal.error(*CLAIM, "show", "ab" * 32, status=1)["type"] == "unknown-claim"
    assert terminal.error(*CLAIM, "show", "../keys", status=2)["field"] == "CLAIM_ID"
    reason = terminal.error(*CLAIM, "decline", claim, "--reason", "dislike", status=2)
    assert reason["type"] == "usage"
    share = terminal.error(*CLAIM, "approve", claim, "--share", "101", status=2)
    assert share["type"] == "usage"
    assert terminal.error(*CLAIM, "note", claim, status=2)["field"] == "step.attachments"
    key = terminal.env.pop("KVITTO_API_KEY")
    terminal.error(*CLAIM, "approve", claim, status=2)
    terminal.env["KVITTO_API_KEY"] = key
    assert terminal.json(*CLAIM, "show", claim)["state"] == "under_review"
    other = terminal.directory / "other.key"
    terminal.run("merchant", "contact-key", "create", other)
    terminal.run(*CASE, "note", claim, "--message", "Hello")
    wrong = terminal.error(*CLAIM, "evidence", claim, "--contact-key", other, status=1)
    assert "does not open" in wrong["message"]


def test_a_contact_key_is_kept_as_other_secrets_are(terminal: Terminal, contact: Path) -> None:
    made = terminal.json("merchant", "contact-key", "create", contact)
    assert contact.stat().st_mode & 0o777 == 0o600
    assert terminal.json("merchant", "contact-key", "show", contact) == made
    assert made["contact_key"] not in contact.read_text()
    terminal.error("merchant", "contact-key", "create", contact, status=2)
    secret = terminal.file("passphrase", "a passphrase\n")
    sealed = terminal.directory / "sealed.key"
    terminal.run("merchant", "contact-key", "create", sealed, "--passphrase-file", secret)
    terminal.error("merchant", "contact-key", "show", sealed, status=1)
    terminal.run("merchant", "contact-key", "show", sealed, "--passphrase-file", secret)
    for content in (b"\xff\n", b"00\n", b""):
        terminal.error("merchant", "contact-key", "show", terminal.file("no", content), status=2)


def test_a_service_that_gives_another_attachment_is_found_out(
    terminal: Terminal, claim: str, contact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.run(*CASE, "note", claim, "--message", "mine")
    public = terminal.json("merchant", "contact-key", "show", contact)["contact_key"]
    forged = seal_attachment(b"theirs", claim, public)
    monkeypatch.setattr("cli.merchant_service.MerchantService.octets", lambda *_: forged)
    wrong = terminal.error(*CLAIM, "evidence", claim, "--contact-key", contact, status=1)
    assert wrong["message"] == "not the attachment that the log names"


def test_a_service_that_shows_another_claim_is_found_out(
    terminal: Terminal, claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the service's key in it, and not the buyer's, messages would be the service's."""
    honest = MerchantService.get

    def swapped(service: MerchantService, path: str) -> Any:
        document = honest(service, path)
        if path.endswith("/case"):
            document["decision"]["event"]["claim"]["buyer"]["inbox"] = "09" + "00" * 31
        return document

    monkeypatch.setattr(MerchantService, "get", swapped)
    wrong = terminal.error(*CLAIM, "ask", claim, "--for", "address", status=1)
    assert wrong["message"] == "the service shows another claim"
