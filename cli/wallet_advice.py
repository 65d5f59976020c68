"""``kvitto wallet advice`` and ``preview``: what a wallet can say without claiming."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_URL, MerchantId, Remedy, Url
from cli.output import AsJson, bar, lines, note, show
from cli.wallet import (
    DEFAULT_WALLET,
    READING,
    SMALLEST_RING,
    Insecure,
    PurchaseNumber,
    SmallestRing,
    WalletPath,
    at_shop,
    numbered,
    opened,
)
from cli.wallet_words import claim_words, preview_document

if TYPE_CHECKING:
    from sdk import Wallet
    from sdk.logs import MerchantView

__all__ = ["advice", "preview"]

Offline = Annotated[
    bool, typer.Option("--offline", help="Ask nobody: from what the wallet kept when it last did.")
]


def advice(
    *,
    remedy: Annotated[
        Remedy | None, typer.Option(help="Only policies that offer this for the fault.")
    ] = None,
    ics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="New calendar file of when warranties end.")
    ] = None,
    offline: Offline = False,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """What ends soon, what has become better, recalls, and which policy to claim under.

    All merchants' policies and notices are downloaded whole, and compared on this computer with
    what you have: nobody learns what that is.
    """
    from cli.advice_words import advice_document, advice_views
    from cli.files import new_file
    from commitments.clock import system_clock
    from sdk.calendar import calendar_of

    with opened(wallet) as mine:
        views = mine.look_offline() if offline else _look_around(mine, insecure=insecure)
        found = mine.prospects(views, remedy)
    if ics is not None:
        with new_file(ics) as file:
            file.write(calendar_of(found, system_clock()))
    document = {**advice_document(found), "ics": ics and str(ics)}
    written = [f"the calendar is in {ics}"] if ics else []
    show(document, *advice_views(found), *written, as_json=as_json)


def preview(  # noqa: PLR0913 - options of a command line
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="The policy's id.")],
    *,
    remedy: Annotated[Remedy, typer.Option(help="What you would ask for.")],
    purchase: PurchaseNumber = None,
    smallest_ring: SmallestRing = SMALLEST_RING,
    offline: Offline = False,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """What a claim would show. The merchant is asked for the ring, or nobody with --offline."""
    with (
        opened(wallet, smallest_ring) as mine,
        at_shop(mine, url, merchant, insecure=insecure) as shop,
    ):
        named = None if purchase is None else numbered(mine, purchase)
        if offline:
            shown = mine.preview_offline(shop, policy, remedy=remedy, purchase=named)
        else:
            with bar(READING) as advance:
                shop.watch(advance)
                shown = mine.preview(shop, policy, remedy=remedy, purchase=named, accept_stale=True)
    show(preview_document(shown), lines(claim_words(shown)), as_json=as_json)


def _look_around(wallet: "Wallet", *, insecure: bool) -> "dict[str, MerchantView]":
    """What the logs of all merchants say; of those that cannot be reached, what they said last."""
    from commitments.errors import Overloaded
    from sdk import Shop, ShopError

    views = wallet.look_offline()
    for known in wallet.merchants:
        try:
            with Shop.at(known.address, insecure=insecure) as shop, bar(READING) as advance:
                shop.watch(advance)
                views[known.origin] = wallet.look(shop)
        except (Overloaded, ShopError) as error:
            note(f"{known.origin}: {error}. What follows of it was read before.")
    return views
