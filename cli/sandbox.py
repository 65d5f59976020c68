"""``kvitto sandbox``: a merchant's place to try everything, with a clock that it sets."""

from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from cli.merchant import Period
from cli.options import DEFAULT_URL, MerchantId, MerchantKey, Url, whole_number
from cli.output import AsJson, bar, facts, note, show, table

__all__ = ["app"]

app = typer.Typer(
    name="sandbox",
    help="Try everything in a merchant's sandbox, where nothing is real.",
    no_args_is_help=True,
)


@app.command()
def create(
    *,
    period: Annotated[
        Period, typer.Option(help="Close each UTC day, or when told to.")
    ] = Period.MANUAL,
    capacity: Annotated[
        int, typer.Option(parser=whole_number, help="Most purchases in a ring.")
    ] = 64,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Make the sandbox of a merchant; the key may be its own or the operator's.

    It prints the sandbox's id, for --merchant, and a key for it, which is shown only once.
    """
    wanted = {"period": period.value, "capacity": capacity}
    created = _post(url, key, f"merchants/{merchant}/sandbox", wanted)
    show(created, facts(created), as_json=as_json)


@app.command()
def remove(
    *, merchant: MerchantId, key: MerchantKey, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """Throw away the sandbox of a merchant, so that a new one can be made."""
    gone = _post(url, key, f"merchants/{merchant}/sandbox/removal", {})
    show(gone, f"{gone['id']} is thrown away", as_json=as_json)


@app.command()
def clock(
    *,
    time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Move it to 2027-03-01T09:00:00Z.")
    ] = None,
    advance: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Move it on: P14D, P1Y, PT1H.")
    ] = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Move the clock of a sandbox forward, or print what it shows. --merchant is the sandbox."""
    from cli.merchant_service import get

    path = f"merchants/{merchant}/clock"
    if time is None and advance is None:
        shown = get(url, path)
    else:
        shown = _post(url, key, path, {"time": time, "advance": advance})
    show(shown, shown["time"], as_json=as_json)


@app.command()
def fill(
    *,
    wallets: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the buyers' wallets in this new directory."),
    ] = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Leave a claim of each outcome in a sandbox, made by buyers with wallets.

    --merchant is the sandbox. Its clock moves on by eight days. With --wallets a passphrase is
    asked for, and everything can go on from there: answer, accept, dispute.
    """
    from secrets import token_hex

    from cli.merchant_service import MerchantService
    from cli.sandbox_fill import OUTCOMES
    from cli.sandbox_fill import fill as fill_sandbox
    from cli.wallet import ask_passphrase
    from sdk import Shop

    with ExitStack() as stack:
        if wallets is None:
            directory = Path(stack.enter_context(TemporaryDirectory()))
            passphrase = token_hex(16)
        else:
            wallets.mkdir(mode=0o700, parents=True)
            directory, passphrase = wallets, ask_passphrase(new=True)
        shop = stack.enter_context(Shop(url, merchant, insecure=True))
        advance = stack.enter_context(bar("claiming", len(OUTCOMES)))
        service = stack.enter_context(closing(MerchantService(url, key)))
        outcomes = fill_sandbox(shop, service, directory, passphrase, advance)
    if wallets is None:
        note("The buyers' wallets are gone; --wallets keeps them.")
    rows = [
        {**asdict(each), "wallet": None if wallets is None else each.wallet} for each in outcomes
    ]
    columns = ("outcome", "state", "policy", "claim")
    names = ("name", "state", "policy", "claim_id")
    cells = [[row[name] for name in names] for row in rows]
    show({"claims": rows}, table(columns, cells), as_json=as_json)


def _post(url: str, key: str, path: str, document: Any) -> Any:
    from cli.merchant_service import post

    return post(url, key, path, document)
