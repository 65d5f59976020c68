"""``kvitto wallet words``, ``backup``, ``restore``, ``merge``: what outlives the wallet's file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DEFAULT_URL, MerchantId, Url
from cli.output import AsJson, bar, facts, note, show
from cli.wallet import DEFAULT_WALLET, Insecure, WalletPath, ask_passphrase, opened
from cli.wallet_words import purchase_document

if TYPE_CHECKING:
    from sdk.restoring import Restored

__all__ = ["backup", "merge", "restore", "words"]


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
    from sdk import Shop

    with opened(wallet) as mine, Shop(url, merchant, insecure=insecure) as shop:
        left = mine.back_up(shop)
        shown = mine.words_shown
    if shown is None:
        note("The words that restore it were never shown: kvitto wallet words")
    document = {"left": left, "words_shown": shown}
    show(document, facts({"left in the mailbox": left, "words shown": shown}), as_json=as_json)


def restore(
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    accept_stale: Annotated[
        bool, typer.Option("--accept-stale", help="Though later claims may be hidden.")
    ] = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Bring back purchases and claims from the twelve words, one merchant after the other.

    Where there is no wallet yet it asks for the words (or takes KVITTO_WORDS) and makes one. It
    reads both of the merchant's logs from end to end; that may take a while.
    """
    from sdk import Shop, Wallet

    path = wallet.expanduser()
    if not path.is_file():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        typed = os.environ.get("KVITTO_WORDS") or typer.prompt("The twelve words", err=True)
        Wallet.create(path, ask_passphrase(new=True), words=typed).close()
    with (
        opened(wallet) as mine,
        Shop(url, merchant, insecure=insecure) as shop,
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
