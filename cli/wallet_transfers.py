"""``kvitto wallet offer``, ``accept-offer``, ``transfer`` and ``receive``: from owner to owner."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import Failure
from cli.options import DEFAULT_URL, MerchantId, Url, whole_number
from cli.output import AsJson, bar, facts, note, show, tell, waiting
from cli.wallet import (
    DEFAULT_WALLET,
    SMALLEST_RING,
    AcceptStale,
    Insecure,
    Out,
    SmallestRing,
    WalletPath,
    Yes,
    at_shop,
    numbered,
    opened,
    require_consent,
    require_yes,
)
from cli.wallet_words import in_words, received_document, received_facts, transfer_words

if TYPE_CHECKING:
    from sdk import Shop, TransferResult, Wallet

__all__ = ["accept_offer", "offer", "receive", "transfer"]


def offer(
    purchase: Annotated[
        int,
        typer.Argument(parser=whole_number, metavar="N", help="Its number in kvitto wallet list."),
    ],
    *,
    out: Out = None,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Offer a purchase to somebody: a file for this one person, which says nothing of it.

    It binds to nothing, and needs no connection.
    """
    from cli.files import write_document

    with opened(wallet) as mine:
        chosen = numbered(mine, purchase)
        write_document(out, lambda: mine.offer(chosen), as_json=as_json)


def accept_offer(
    offer: Annotated[Path, typer.Argument(metavar="OFFER.json", help="From the present owner.")],
    *,
    out: Out = None,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Accept somebody's offer: a file to be given back. Pay only after `receive`.

    It binds to nothing, and needs no connection. Your new keys are in the wallet from now on.
    """
    from cli.files import read_document, write_document

    document = read_document(offer)
    with opened(wallet) as mine:
        write_document(out, lambda: mine.accept_offer(document), as_json=as_json)


def transfer(  # noqa: PLR0913 - options of a command line
    acceptance: Annotated[
        Path, typer.Argument(metavar="ACCEPTANCE.json", help="What came back from the new owner.")
    ],
    *,
    out: Out = None,
    smallest_ring: SmallestRing = SMALLEST_RING,
    accept_stale: AcceptStale = False,
    yes: Yes = False,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Hand a purchase over, and write what its new owner needs; see first what that reveals.

    In two steps, each with a question: the transfer is sent and approved; then your secret ends
    your ownership for good. After an interruption the same command goes on, and once more it writes
    the same again, under the log's present keys. What it writes opens the purchase: it is for the
    new owner alone.
    """
    from cli.files import read_document, write_document

    require_yes(yes=yes, as_json=as_json)
    document = read_document(acceptance)
    with (
        opened(wallet, smallest_ring) as mine,
        at_shop(mine, url, merchant, insecure=insecure) as shop,
    ):

        def handover() -> dict[str, Any]:
            approved = _approval(mine, shop, document, accept_stale=accept_stale, yes=yes)
            return mine.handover(_completed(mine, shop, approved, yes=yes))

        write_document(out, handover, as_json=as_json)


def receive(
    handover: Annotated[
        Path, typer.Argument(metavar="HANDOVER.json", help="From the owner before you.")
    ],
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Check a purchase that was handed over to you, and keep it. Pay after that.

    It reads all of the merchant's log of decisions, to see which claims are used up.
    """
    from cli.files import read_document

    document = read_document(handover)
    with (
        opened(wallet) as mine,
        at_shop(mine, url, merchant, insecure=insecure) as shop,
        bar("reading the log") as advance,
    ):
        purchase = mine.receive(shop, document, progress=advance)
    note("Another day, kvitto wallet backup leaves a copy with the shop.")
    show(received_document(purchase), facts(received_facts(purchase)), as_json=as_json)


def _approval(
    mine: "Wallet",
    shop: "Shop",
    document: Any,
    *,
    accept_stale: bool,
    yes: bool,
) -> "TransferResult":
    """The approval of the transfer that was made of this acceptance, or that is made now."""
    made = mine.made_of(document)
    if made is None:
        with waiting("reading the logs"):
            preview = mine.preview_transfer(shop, document, accept_stale=accept_stale)
        if not yes:
            tell(transfer_words(preview))
            require_consent("Send the transfer?")
        with bar("proving") as advance:
            result = mine.send_transfer(shop, preview, progress=advance)
    else:
        note("This transfer was begun before. It goes on.")
        with waiting("asking what became of it"):
            result = mine.resend_transfer(shop, made)
    if result.decision != "approved":
        raise Failure(f"the transfer was declined: {in_words(result.reason)}")
    return result


def _completed(
    mine: "Wallet", shop: "Shop", approved: "TransferResult", *, yes: bool
) -> "TransferResult":
    if approved.status == "completed":
        return approved
    if not yes:
        tell([f"The transfer of order {approved.order} is approved until {approved.retire_by}."])
        tell(["Your secret completes it, and cannot be taken back: nothing is yours then."])
        require_consent("End the ownership?")
    with waiting("handing in the secret"):
        return mine.complete_transfer(shop, approved)
