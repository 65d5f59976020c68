"""``kvitto wallet words``, ``backup``, ``forget``, ``restore``, ``merge``: beyond the file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DEFAULT_URL, MerchantId, Url, whole_number
from cli.output import AsJson, bar, facts, note, show, tell
from cli.wallet import (
    DEFAULT_WALLET,
    ForSandboxes,
    Insecure,
    WalletPath,
    Yes,
    ask_passphrase,
    at_shop,
    numbered,
    opened,
    require_consent,
    require_yes,
)
from cli.wallet_words import purchase_document

if TYPE_CHECKING:
    from sdk.restoring import Restored

__all__ = ["backup", "forget", "merge", "restore", "words"]


def words(*, wallet: WalletPath = DEFAULT_WALLET, as_json: AsJson = False) -> None:
    """Show the twelve words that restore the wallet, to be written down on paper.

    Whoever has them has the wallet, without its file and its passphrase.
    """
    with opened(wallet) as mine:
        text = mine.words()
    numbered = (f"{number:2}. {word}" for number, word in enumerate(text.split(), start=1))
    show({"words": text}, *numbered, as_json=as_json)


def backup(
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Leave those purchases in the merchant's mailbox that are not there yet, encrypted.

    `accept` does it by itself unless the mailbox could not be reached. Not around a claim: the
    merchant sees that whoever comes has bought something.
    """
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        left, last, shown = mine.back_up(shop), mine.backed_up, mine.words_shown
    if shown is None:
        note("The words that restore it were never shown: kvitto wallet words")
    document = {"left": left, "backed_up": last, "words_shown": shown}
    said = {"left in the mailbox": left, "last copy left": last, "words shown": shown}
    show(document, facts(said), as_json=as_json)


def forget(
    purchase: Annotated[
        int,
        typer.Argument(parser=whole_number, metavar="N", help="Its number in kvitto wallet list."),
    ],
    *,
    yes: Yes = False,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Delete a purchase, here and in the merchant's mailbox. Nothing brings it back."""
    require_yes(yes=yes, as_json=as_json)
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        chosen = numbered(mine, purchase)
        if not yes:
            tell([f"Order {chosen.order} of {chosen.origin}: no claim can be made with it again."])
            require_consent("Delete the purchase?")
        mine.forget(shop, chosen)
    show({"forgotten": chosen.order}, f"{chosen.order} is forgotten", as_json=as_json)


def restore(
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    accept_stale: Annotated[
        bool, typer.Option("--accept-stale", help="Though later claims may be hidden.")
    ] = False,
    sandbox: ForSandboxes = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Bring back purchases and claims from the twelve words, one merchant after the other.

    Where there is no wallet yet it asks for the words (or takes KVITTO_WORDS) and makes one. It
    reads both of the merchant's logs from end to end; that may take a while.
    """
    from sdk import Wallet

    path = wallet.expanduser()
    if not path.is_file():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        typed = os.environ.get("KVITTO_WORDS") or typer.prompt("The twelve words", err=True)
        Wallet.create(path, ask_passphrase(new=True), words=typed, sandbox=sandbox).close()
    with (
        opened(wallet) as mine,
        at_shop(mine, url, merchant, insecure=insecure) as shop,
        bar("reading the logs") as advance,
    ):
        restored = mine.restore(shop, accept_stale=accept_stale, progress=advance)
        nothing = not mine.purchases
    if nothing:
        note("Nothing lies there under this wallet's words. For other words name a new --wallet.")
    show(_document(restored), facts(_facts(restored)), as_json=as_json)


def merge(
    other: Annotated[Path, typer.Argument(metavar="FILE", help="Another device's wallet.")],
    *,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Take in what another wallet with the same words knows; it stays as it is."""
    with opened(wallet) as mine:
        before = len(mine.purchases), len(mine.claims)
        with opened(other) as theirs:
            mine.merge(theirs)
        purchases, claims = len(mine.purchases) - before[0], len(mine.claims) - before[1]
    document: dict[str, object] = {"purchases": purchases, "claims": claims}
    show(document, facts(document), as_json=as_json)


def _document(restored: "Restored") -> dict[str, Any]:
    return {
        "purchases": [purchase_document(purchase) for purchase in restored.purchases],
        "claims": [claim.claim_id for claim in restored.claims],
        "transfers": [transfer.transfer_id for transfer in restored.transfers],
        "unconfirmed": list(restored.unconfirmed),
    }


def _facts(restored: "Restored") -> dict[str, object]:
    return {
        "purchases": len(restored.purchases),
        "claims": len(restored.claims),
        "transfers": len(restored.transfers) or None,
        "not in the log": ", ".join(restored.unconfirmed) or None,
    }
