"""``kvitto wallet``: the buyer's side."""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import Failure
from cli.forks import keeping_proof
from cli.handover import AsLink, AsQr, hand_over, read_receipt
from cli.options import DEFAULT_URL, MaybeMerchantId, MerchantId, Remedy, Url, whole_number
from cli.output import AsJson, agreed, bar, facts, note, show, tell, waiting
from cli.wallet_words import (
    claim_words,
    decision_facts,
    ending_words,
    purchase_document,
    purchase_facts,
    wallet_document,
    wallet_tables,
)

if TYPE_CHECKING:
    from sdk import Claim, Purchase, Shop, Wallet

__all__ = [
    "DEFAULT_WALLET",
    "READING",
    "SMALLEST_RING",
    "AcceptStale",
    "ForSandboxes",
    "Insecure",
    "Out",
    "PurchaseNumber",
    "SmallestRing",
    "WalletPath",
    "Yes",
    "app",
    "ask_passphrase",
    "at_shop",
    "claimed",
    "numbered",
    "opened",
    "require_consent",
    "require_yes",
]

app = typer.Typer(
    name="wallet",
    help="Keep receipts, and claim with them. KVITTO_PASSPHRASE saves typing the passphrase.",
    no_args_is_help=True,
)

DEFAULT_WALLET = Path("~/.kvitto/wallet")
READING = "reading the logs, bytes"
SMALLEST_RING = 16  # as sdk.open_wallet.SMALLEST_RING, which takes long to import
Out = Annotated[Path | None, typer.Option(help="Write to this new file, not to stdout.")]
WalletPath = Annotated[
    Path, typer.Option("--wallet", envvar="KVITTO_WALLET", help="The wallet's file.")
]
SmallestRing = Annotated[
    int,
    typer.Option(parser=whole_number, metavar="N", help="Never hide among fewer purchases."),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow http to another machine, open to all on the way.")
]
PurchaseNumber = Annotated[
    int | None,
    typer.Option(parser=whole_number, metavar="N", help="Its number in kvitto wallet list."),
]
AcceptStale = Annotated[
    bool, typer.Option("--accept-stale", help="Though newer closes may be hidden.")
]
ForSandboxes = Annotated[
    bool, typer.Option("--sandbox", help="For sandboxes, and for nothing that is real.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask. --json takes it.")]


@app.command()
def create(
    *, sandbox: ForSandboxes = False, wallet: WalletPath = DEFAULT_WALLET, as_json: AsJson = False
) -> None:
    """Make a new wallet, encrypted under a passphrase."""
    from sdk import Wallet

    path = wallet.expanduser()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    Wallet.create(path, ask_passphrase(new=True), sandbox=sandbox).close()
    ready = f"{path} is ready. Write down its words before you buy anything: kvitto wallet words"
    show({"wallet": str(path)}, ready, as_json=as_json)


@app.command()
def request(  # noqa: PLR0913 - options of a command line
    *,
    order: Annotated[str, typer.Option(help="The shop's reference for the unit that you buy.")],
    origin: Annotated[
        str | None,
        typer.Option(help="The shop's log, as ledger.example/acme, instead of --merchant."),
    ] = None,
    link: AsLink = False,
    qr: AsQr = False,
    out: Out = None,
    merchant: MaybeMerchantId = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Make the request that the cash desk needs to record your purchase.

    It needs no network with --origin, or where the wallet knows the merchant. It is no secret, and
    serves this order with this shop only.
    """
    from sdk.links import request_link
    from sdk.state import GROUP
    from zk.issuance import parse_request

    if origin is None and merchant is None:
        raise typer.BadParameter("one of the two is needed", param_hint="--origin, --merchant")
    with opened(wallet) as mine, ExitStack() as shops:

        def make() -> dict[str, str]:
            shop = origin or shops.enter_context(
                at_shop(mine, url, merchant or "", insecure=insecure)
            )
            return mine.request(shop, order).document()

        def links(document: dict[str, str]) -> list[str]:
            return [request_link(parse_request(document, GROUP))]

        hand_over(make, links, links, out, link=link, qr=qr, as_json=as_json)


@app.command()
def accept(
    receipt: Annotated[
        list[str],
        typer.Argument(
            metavar="RECEIPT...", help="From the cash desk: a file, - for stdin, or its links."
        ),
    ],
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Check a receipt against the merchant's log, and keep it."""
    document = read_receipt(receipt)
    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        purchase = mine.accept(shop, document)
    show(purchase_document(purchase), facts(purchase_facts(purchase)), as_json=as_json)


@app.command()
def quorum(
    policy: Annotated[
        Path, typer.Argument(metavar="FILE", help="A tlog-policy, not from the merchant.")
    ],
    *,
    seed_witness: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="Trusted to sign the closes of the log; repeatable."),
    ] = None,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """From now on believe a merchant's logs only what these witnesses have cosigned.

    And warn before claims if a witness signs the closes whom you have not named here.
    """
    from cli.files import read_quorum
    from ledger.note import parse_vkey

    wanted = read_quorum(policy)
    signers = [parse_vkey(vkey) for vkey in seed_witness or ()]
    with opened(wallet) as mine, at_shop(mine, url, merchant) as shop:
        mine.require_quorum(shop, wanted)
        mine.trust_seed_witnesses(shop, signers)
    document = {
        "merchant": merchant,
        "witnesses": len(wanted.witnesses),
        "quorum": wanted.quorum,
        "seed_witnesses": len(signers),
    }
    show(document, facts(document), as_json=as_json)


@app.command()
def redeem(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The one-time code on the slip.")],
    *,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Turn a one-time code into a purchase of your own.

    Do it soon: until then the shop, which made the code, and whoever sees the slip can do it in
    your place. Where the answer is lost, do it again: the code counts once, and for you.
    """
    from sdk.redeeming import UNTIL_NOW
    from sdk.redeeming import redeem as redeem_code

    with opened(wallet) as mine, at_shop(mine, url, merchant, insecure=insecure) as shop:
        purchase = redeem_code(mine, shop, code)
    if not as_json:
        note(UNTIL_NOW)
    show(purchase_document(purchase), facts(purchase_facts(purchase)), as_json=as_json)


@app.command("list")
def list_purchases(*, wallet: WalletPath = DEFAULT_WALLET, as_json: AsJson = False) -> None:
    """Purchases, requests without a receipt, and claims."""
    with opened(wallet) as mine:
        found = mine.prospects(mine.look_offline())
        document, views = wallet_document(mine, found), wallet_tables(mine, found)
    show(document, *views, as_json=as_json)


@app.command()
def claim(  # noqa: PLR0913 - options of a command line
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="The policy's id.")],
    *,
    remedy: Annotated[Remedy, typer.Option(help="What to ask for.")],
    purchase: PurchaseNumber = None,
    smallest_ring: SmallestRing = SMALLEST_RING,
    accept_stale: AcceptStale = False,
    yes: Yes = False,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Prove that a purchase qualifies, without saying which; see first what that reveals.

    Exit status 1 when the claim is declined, or when no purchase qualifies: then nothing is sent,
    and each condition that fails is named.
    """
    require_yes(yes=yes, as_json=as_json)
    with (
        opened(wallet, smallest_ring) as mine,
        at_shop(mine, url, merchant, insecure=insecure) as shop,
    ):
        named = None if purchase is None else numbered(mine, purchase)
        if mine.unanswered(shop, policy, remedy=remedy, purchase=named):
            note("An earlier claim of yours got no answer. It is sent again.")
            preview = None
        else:
            with bar(READING) as advance:
                shop.watch(advance)
                preview = mine.preview(
                    shop, policy, remedy=remedy, purchase=named, accept_stale=accept_stale
                )
            if not as_json:
                tell(claim_words(preview))
        if not yes:
            require_consent("Send the claim?")
        if preview is None:
            with waiting("sending"):
                result = mine.claim(shop, policy, remedy=remedy, purchase=named)
        else:
            with bar("proving") as advance:
                result = mine.send(shop, preview, progress=advance)
    show(asdict(result), facts(decision_facts(result)), as_json=as_json)
    if result.decision == "declined":
        raise typer.Exit(1)


@app.command()
def receipt(
    claim_id: Annotated[str, typer.Argument(metavar="CLAIM_ID", help="An approved claim.")],
    *,
    out: Out = None,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Print an approval's receipt, which `kvitto receipt verify` checks. It is public."""
    from cli.files import write_document

    with opened(wallet) as mine:
        approved = claimed(mine, claim_id)
        if approved.receipt is None:
            raise Failure("this claim was not approved")
        write_document(out, lambda: approved.receipt, as_json=as_json)


@app.command()
def retire(
    claim_id: Annotated[str, typer.Argument(metavar="CLAIM_ID", help="An approved refund.")],
    *,
    smallest_ring: SmallestRing = SMALLEST_RING,
    yes: Yes = False,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Complete a refund: end the ownership by handing in the purchase's secret."""
    require_yes(yes=yes, as_json=as_json)
    with (
        opened(wallet, smallest_ring) as mine,
        at_shop(mine, url, merchant, insecure=insecure) as shop,
    ):
        approved = claimed(mine, claim_id)
        if not as_json:
            tell(ending_words(approved, mine.claims))
        if not yes:
            require_consent("End the ownership?")
        with waiting("handing in the secret"):
            result = mine.retire(shop, approved)
    show(asdict(result), facts(decision_facts(result)), as_json=as_json)


# ---- the wallet


@contextmanager
def opened(path: Path, smallest_ring: int = SMALLEST_RING) -> Iterator["Wallet"]:
    """The wallet at ``path``, for which a passphrase is asked; closed in the end."""
    from sdk import Shop, Wallet

    path = path.expanduser()
    if not path.is_file():  # before a passphrase is asked for
        reason = "no wallet here; kvitto wallet create makes one"
        raise FileNotFoundError(errno.ENOENT, reason, str(path))
    opened = Wallet.open(path, ask_passphrase(), smallest_ring=smallest_ring)
    with opened, keeping_proof(path), ExitStack() as shops:
        if opened.is_sandbox:
            note("This wallet is for sandboxes: nothing in it is real.")
            for merchant in opened.merchants[-1:]:  # whose clock commands without a shop go by
                shop = Shop.at(merchant.address, insecure=True)
                opened.follow_clock(shops.enter_context(shop))
        yield opened


@contextmanager
def at_shop(
    wallet: "Wallet", url: str, merchant: str, *, insecure: bool = False
) -> Iterator["Shop"]:
    """The shop that a command is about; a wallet for sandboxes goes by its clock."""
    from sdk import Shop

    with Shop(url, merchant, insecure=insecure) as shop:
        if wallet.is_sandbox:
            wallet.follow_clock(shop)
        yield shop


def ask_passphrase(*, new: bool = False) -> str:
    """The passphrase of a wallet: from the environment, or typed, twice when it is a new one."""
    given = os.environ.get("KVITTO_PASSPHRASE")
    if given:
        return given
    asked: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
    return asked


def numbered(wallet: "Wallet", number: int) -> "Purchase":
    """The purchase that `kvitto wallet list` shows under this number."""
    if not 1 <= number <= len(wallet.purchases):
        raise typer.BadParameter("the wallet has no purchase of this number", param_hint="purchase")
    return wallet.purchases[number - 1]


def claimed(wallet: "Wallet", claim_id: str) -> "Claim":
    """The claim of this wallet with this id."""
    found = next((each for each in wallet.claims if each.claim_id == claim_id), None)
    if found is None:
        raise Failure("the wallet has made no such claim")
    return found


def require_yes(*, yes: bool, as_json: bool) -> None:
    """A script cannot be asked, and what it sends cannot be taken back: it says so beforehand."""
    if as_json and not yes:
        raise typer.BadParameter("with --json nothing is asked: it takes --yes", param_hint="--yes")


def require_consent(question: str) -> None:
    """Ends the program unless somebody answers yes."""
    if not agreed(question):
        note("Nothing was sent.")
        raise typer.Exit(1)
