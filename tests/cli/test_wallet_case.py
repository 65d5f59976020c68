"""What follows a claim, at the buyer's command line; the merchant speaks HTTP."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cli.merchant_service import get, post
from commitments.wire import encode_base64
from policies.attachments import attachment_digest, open_attachment, seal_attachment
from tests.cli.terminal import Terminal

RING = ["--smallest-ring", "1"]
CONTACT = X25519PrivateKey.from_private_bytes(b"c" * 32)


@pytest.fixture
def claim(terminal: Terminal) -> str:
    """A claim that is looked at."""
    terminal.buy("1001")
    key = CONTACT.public_key().public_bytes_raw().hex()
    changes: dict[str, Any] = {"review": True, "contact_key": key}
    policy = terminal.policy(**changes, remedies=["repair", "refund"])
    terminal.run("merchant", "policy", "publish", policy)
    terminal.run("merchant", "close")
    made = terminal.json("wallet", "claim", "warranty-2y", "--remedy", "repair", *RING, "--yes")
    assert made["decision"] == "under_review"
    claim_id: str = made["claim_id"]
    return claim_id


def step(terminal: Terminal, claim: str, name: str, *messages: bytes, **members: Any) -> None:
    """A step of the merchant's."""
    url, merchant, key = (
        str(terminal.env[n]) for n in ("KVITTO_URL", "KVITTO_MERCHANT", "KVITTO_API_KEY")
    )
    case = get(url, f"merchants/{merchant}/claims/{claim}/case")
    inbox = case["decision"]["event"]["claim"]["buyer"]["inbox"]
    sealed = [seal_attachment(message, claim, inbox) for message in messages]
    event = {
        "type": "claim.step",
        "claim_id": claim,
        "number": case["number"],
        "by": "merchant",
        "step": name,
        "attachments": [attachment_digest(each) for each in sealed],
        **members,
    }
    body = {"step": event, "attachments": [encode_base64(each) for each in sealed]}
    post(url, key, f"merchants/{merchant}/claims/{claim}/steps", body)


def test_a_claim_is_followed_to_the_cash_desk(terminal: Terminal, claim: str) -> None:
    assert "under review" in terminal.run("wallet", "list").stdout
    step(terminal, claim, "ask", b"Where did it break?", b"\xff\xd8\x00", wants=["photo"])
    shown = terminal.run("wallet", "case", "show", claim).stdout
    assert "needs information" in shown
    assert "photo" in shown

    told = terminal.run("wallet", "case", "messages", claim)
    assert "Where did it break?" in told.stdout
    assert "--out" in told.stderr
    out = terminal.directory / "messages"
    text, photo = terminal.json("wallet", "case", "messages", claim, "--out", out)["messages"]
    assert (text["text"], photo["text"]) == ("Where did it break?", None)
    assert Path(photo["file"]).read_bytes() == b"\xff\xd8\x00"
    assert Path(photo["file"]).stat().st_mode & 0o777 == 0o600

    answer = terminal.file("photo.jpg", b"\xff\xd8\x01")
    words = ["--message", "at the handle"]
    assert terminal.json("wallet", "case", "answer", claim, answer, *words)["state"] == (
        "under_review"
    )
    step(terminal, claim, "approve", resolution="refund", share=40)
    assert "refund, 40 % of it" in terminal.run("wallet", "case", "show", claim).stdout
    assert terminal.json("wallet", "case", "accept", claim)["agreed"]
    tokens = [terminal.directory / f"{desk}.json" for desk in ("desk-1", "desk-2")]
    for token in tokens:
        desk: list[str | Path] = ["--shop", f"acme/{token.stem}", "--out", token]
        terminal.run("wallet", "case", "redeem", claim, *desk)
    shop = get(str(terminal.env["KVITTO_URL"]), f"merchants/{terminal.env['KVITTO_MERCHANT']}")
    redeem = ["receipt", "redeem", tokens[0], "--key", shop["events_vkey"], "--shop"]
    told = terminal.error(*redeem, "acme/desk-1", "--offline", status=1)["message"]
    assert told == "whether the claim is approved only the service can tell"
    assert terminal.error(*redeem, "acme/desk-2", status=1)["message"] == "it is for another shop"
    assert terminal.json(*redeem, "acme/desk-1")["redeemed"]
    redeem[2] = tokens[1]
    assert terminal.error(*redeem, "acme/desk-2", status=1)["type"] == "already-redeemed"
    step(terminal, claim, "complete")
    disputed = terminal.json("wallet", "case", "dispute", claim, "--reason", "not_done")
    assert (disputed["state"], disputed["reason"]) == ("disputed", "not_done")


def test_what_was_answered_can_be_read_by_the_merchant_only(terminal: Terminal, claim: str) -> None:
    noted = terminal.json("wallet", "case", "note", claim, "--message", "Is it coming?")
    assert noted["number"] == 1
    url, merchant, key = (
        str(terminal.env[n]) for n in ("KVITTO_URL", "KVITTO_MERCHANT", "KVITTO_API_KEY")
    )
    case = get(url, f"merchants/{merchant}/claims/{claim}/case")
    (digest,) = case["steps"][0]["event"]["attachments"]
    path = f"merchants/{merchant}/claims/{claim}/attachments/{digest}"
    answer = httpx.get(f"{url}/v1/{path}", headers={"Authorization": f"Bearer {key}"})
    assert open_attachment(answer.content, claim, CONTACT) == b"Is it coming?"
    assert httpx.get(f"{url}/v1/{path}").status_code == httpx.codes.UNAUTHORIZED


def test_a_claim_is_withdrawn_and_made_again(terminal: Terminal, claim: str) -> None:
    refused = terminal.run("wallet", "case", "withdraw", claim, typed="n\n", status=1)
    assert "Nothing was sent." in refused.stderr
    assert "canceled" in terminal.run("wallet", "case", "withdraw", claim, typed="y\n").stdout
    again = ["wallet", "claim", "warranty-2y", "--remedy", "repair", *RING, "--yes"]
    assert terminal.json(*again)["decision"] == "under_review"


def test_what_was_attached_is_erased(terminal: Terminal, claim: str) -> None:
    step(terminal, claim, "note", b"hello")
    assert terminal.json("wallet", "case", "erase", claim, "--yes")["erased"]
    (message,) = terminal.json("wallet", "case", "messages", claim)["messages"]
    assert (message["text"], message["erased"]) == (None, True)


def test_mistakes_are_told_in_one_line(terminal: Terminal, claim: str) -> None:
    case = ["wallet", "case"]
    assert terminal.error(*case, "accept", claim, status=1)["type"] == "wrong-state"
    unknown = terminal.error(*case, "show", "ab" * 32, status=1)
    assert "no such claim" in unknown["message"]
    assert "redeem" in terminal.run(*case, "--help").stdout
    early = terminal.error(*case, "redeem", claim, "--shop", "acme/desk-1", status=1)
    assert "no approval" in early["message"]
    large = terminal.file("large", bytes(1 << 22))
    assert "too large" in terminal.error(*case, "note", claim, large, status=2)["message"]
    nothing = terminal.error(*case, "note", claim, status=2)
    assert nothing["field"] == "attachments"
    assert json.loads(terminal.run(*case, "withdraw", claim, "--json", status=2).stdout)["error"]
