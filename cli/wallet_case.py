"""``kvitto wallet case``: what follows a claim, as its buyer sees it."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.attachments import MessageDirectory, attached, show_messages, shown
from cli.case_words import case_document, case_facts
from cli.options import DEFAULT_URL, MerchantId, Url
from cli.output import AsJson, facts, show
from cli.wallet import (
    DEFAULT_WALLET,
    Insecure,
    Out,
    WalletPath,
    Yes,
    at_shop,
    claimed,
    opened,
    require_consent,
    require_yes,
)

__all__ = ["app"]

app = typer.Typer(
    name="case",
    help="Follow a claim: answer, accept, withdraw, dispute, cash in. Nobody asks who you are.",
    no_args_is_help=True,
)

ClaimId = Annotated[
    str, typer.Argument(metavar="CLAIM_ID", help="A claim of this wallet: kvitto wallet list.")
]
Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="Encrypted for the merchant; photographs may say where."),
]
Words = Annotated[
    str | None, typer.Option("--message", metavar="TEXT", help="Encrypted for the merchant.")
]

_BEFORE_OPENING_AGAIN = 5  # seconds


class Dispute(StrEnum):
    """What is wrong (aftersales.steps.DISPUTE_REASONS)."""

    DECISION_WRONG = "decision_wrong"
    NOT_DONE = "not_done"
    DONE_BADLY = "done_badly"
    TOO_LATE = "too_late"
    OTHER = "other"


@app.command("show")
def show_case(
    claim_id: ClaimId,
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """What has become of a claim, verified in the merchant's log."""
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        case = mine.follow(shop, claimed(mine, claim_id))
    show(case_document(case), facts(case_facts(case)), as_json=as_json)


@app.command()
def watch(
    claim_id: ClaimId,
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Show a claim whenever something has happened, until nothing can; Ctrl-C stops it."""
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        case = None
        while case is None or case.is_open:
            if case is not None:
                time.sleep(_BEFORE_OPENING_AGAIN)
            for case in mine.watch(shop, claimed(mine, claim_id)):
                show(case_document(case), facts(case_facts(case)), as_json=as_json)
                if not case.is_open:
                    break


@app.command()
def answer(
    claim_id: ClaimId,
    files: Files = None,
    *,
    message: Words = None,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Answer what the merchant has asked, with files or a message that only it can read."""
    step = {"step": "answer", "attachments": attached(files, message)}
    _take(claim_id, step, merchant, url, wallet, insecure=insecure, as_json=as_json)


@app.command("note")
def write_note(
    claim_id: ClaimId,
    files: Files = None,
    *,
    message: Words = None,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Write to the merchant, or send it files, without being asked."""
    step = {"step": "note", "attachments": attached(files, message)}
    _take(claim_id, step, merchant, url, wallet, insecure=insecure, as_json=as_json)


@app.command()
def accept(
    claim_id: ClaimId,
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Accept what the merchant offers instead of what you have asked for."""
    _take(claim_id, {"step": "accept"}, merchant, url, wallet, insecure=insecure, as_json=as_json)


@app.command()
def withdraw(
    claim_id: ClaimId,
    *,
    yes: Yes = False,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Take a claim back, while nothing has been done for it. You can claim again later."""
    require_yes(yes=yes, as_json=as_json)
    if not yes:
        require_consent("Take the claim back?")
    _take(claim_id, {"step": "withdraw"}, merchant, url, wallet, insecure=insecure, as_json=as_json)


@app.command()
def dispute(  # noqa: PLR0913 - options of a command line
    claim_id: ClaimId,
    files: Files = None,
    *,
    reason: Annotated[Dispute, typer.Option(help="What is wrong; everybody can see it.")],
    message: Words = None,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Say that the merchant has not kept its promise, where everybody can see it."""
    step = {
        "step": "dispute",
        "reason": reason.value,
        "attachments": attached(files, message),
    }
    _take(claim_id, step, merchant, url, wallet, insecure=insecure, as_json=as_json)


@app.command()
def messages(
    claim_id: ClaimId,
    *,
    out: MessageDirectory = None,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Read what the merchant has written to you about a claim."""
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        found = mine.messages(shop, claimed(mine, claim_id))
    read = [shown(each.number, each.digest, each.content, out) for each in found]
    show_messages(read, as_json=as_json)


@app.command()
def redeem(
    claim_id: ClaimId,
    *,
    shop: Annotated[str, typer.Option(help="The name that the cash desk or workshop gives you.")],
    out: Out = None,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Make what a cash desk or workshop needs to cash an approval in: for it alone, for a day.

    It needs no connection.
    """
    from cli.files import write_document

    with opened(wallet) as mine:
        write_document(out, lambda: mine.redemption(claimed(mine, claim_id), shop), as_json=as_json)


@app.command()
def erase(
    claim_id: ClaimId,
    *,
    yes: Yes = False,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Have everything erased that was attached to a claim; the log keeps that it was there."""
    require_yes(yes=yes, as_json=as_json)
    if not yes:
        require_consent("Erase everything that was attached?")
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as service:
        mine.erase(service, claimed(mine, claim_id))
    show({"claim_id": claim_id, "erased": True}, "All attachments are erased.", as_json=as_json)


def _take(
    claim_id: str,
    step: dict[str, Any],
    merchant: str,
    url: str,
    wallet: Path,
    *,
    insecure: bool,
    as_json: bool,
) -> None:
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        case = mine.take_step(shop, claimed(mine, claim_id), **step)
    show(case_document(case), facts(case_facts(case)), as_json=as_json)
