"""``kvitto merchant``: the shop's side, over the service's HTTP interface."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import (
    merchant_catalogue,
    merchant_claims,
    merchant_contact_key,
    merchant_keys,
    merchant_reports,
    merchant_webhooks,
)
from cli.handover import AsLink, AsQr, hand_over, read_request
from cli.merchant_policies import app as policy
from cli.options import DEFAULT_URL, MerchantId, MerchantKey, OperatorKey, Url, whole_number
from cli.output import AsJson, bar, facts, note, show
from commitments.errors import FormatError

__all__ = ["app"]

app = typer.Typer(
    name="merchant", help="Record sales, publish policies, close periods.", no_args_is_help=True
)
app.add_typer(policy)

recall = typer.Typer(
    name="recall", help="Recalls and alerts about goods that were sold.", no_args_is_help=True
)
app.add_typer(recall)
app.add_typer(merchant_keys.app)
app.add_typer(merchant_catalogue.app)
app.add_typer(merchant_webhooks.app)
app.add_typer(merchant_claims.app)
app.add_typer(merchant_contact_key.app)
app.add_typer(merchant_reports.app)


class Period(StrEnum):
    """When a purchase log closes a period (docs/protocol.md 4)."""

    DAILY = "P1D"
    MANUAL = "manual"


class VoidReason(StrEnum):
    """Why a purchase is void (docs/protocol.md 4, Events)."""

    RETURNED = "returned"
    ORDER_CANCELED = "order_canceled"
    PAYMENT_FAILED = "payment_failed"
    SUSPECTED_FRAUD = "suspected_fraud"
    DUPLICATE = "duplicate"
    ENTRY_ERROR = "entry_error"


@app.command()
def create(
    merchant_id: Annotated[str, typer.Argument(metavar="ID", help="As in URLs: a-z, 0-9, -.")],
    *,
    name: Annotated[str, typer.Option(help="As people read it.")],
    key: OperatorKey,
    period: Annotated[
        Period, typer.Option(help="Close each UTC day, or when told to.")
    ] = Period.DAILY,
    capacity: Annotated[
        int | None, typer.Option(parser=whole_number, help="Most purchases in a ring.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Create a merchant with its logs. The API key it prints is shown only once."""
    wanted: dict[str, Any] = {"id": merchant_id, "name": name, "period": period.value}
    if capacity is not None:
        wanted |= {"capacity": capacity}
    created = _post(url, key, "merchants", wanted)
    show(created, facts(created), as_json=as_json)


@app.command()
def record(  # noqa: PLR0913 - options of a command line
    request: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST", help="From the buyer's wallet: a file, - for stdin, or its link."
        ),
    ],
    *,
    order: Annotated[str, typer.Option(help="The shop's reference for this unit sold.")],
    date: Annotated[str, typer.Option(help="Day of the sale, YYYY-MM-DD.")],
    product: Annotated[str, typer.Option(help="A GTIN, or the shop's own code.")],
    price: Annotated[str, typer.Option(help="In the major unit, as 249.00.")],
    currency: Annotated[str, typer.Option(help="Three letters, as EUR.")],
    batch: Annotated[str, typer.Option(help="Production batch, if known.")] = "",
    unit: Annotated[str, typer.Option(help="Serial number, if known.")] = "",
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    link: AsLink = False,
    qr: AsQr = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the receipt to this new file, not to stdout.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record a sale to a buyer who is there, and print the receipt for the buyer's wallet."""
    from commitments.currency import currency as known_currency
    from commitments.sale import Sale, parse_day
    from issuer.cells import parse_batch, parse_price, parse_product, parse_unit
    from sdk.links import receipt_link, receipt_parts

    sale = Sale(
        date=parse_day(date),
        product=parse_product(product),
        price=parse_price(price, known_currency(currency)),
        currency=currency,
        batch=parse_batch(batch),
        unit=parse_unit(unit),
    )
    body = {"order": order, "sale": sale.document(), "request": read_request(request)}
    hand_over(
        lambda: _post(url, key, f"merchants/{merchant}/purchases", body),
        lambda document: [receipt_link(document)],
        receipt_parts,
        out,
        link=link,
        qr=qr,
        as_json=as_json,
    )


@app.command("import")
def import_sales(
    sales: Annotated[
        Path,
        typer.Argument(
            metavar="SALES.csv",
            help="Columns date, product, price, currency, batch, unit; or Shopify's order export.",
        ),
    ],
    *,
    codes: Annotated[
        Path | None, typer.Option(help="New file for the codes; else SALES.codes.csv.")
    ] = None,
    redeem_by: Annotated[
        str | None, typer.Option(metavar="DAY", help="Last day for the codes; else they stay good.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out rows that cannot be recorded.")
    ] = False,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Record the sales of a shop's export, and write a one-time code for each buyer.

    Whoever has a code can turn the sale into a purchase of their own: keep the file safe.
    """
    from cli.codes_file import record_sales
    from cli.merchant_service import today
    from commitments.sale import parse_day
    from issuer.sales_import import read_sales

    if redeem_by is not None:
        parse_day(redeem_by)  # before anything is sent
    file = read_sales(sales, today=today(url, merchant, key), skip_bad=skip_bad)
    path = codes or sales.with_suffix(".codes.csv")
    if not file.sales:
        raise FormatError("there is no sale in it", str(sales))
    with bar("recording", len(file.sales)) as advance:
        rejected = record_sales(
            file.sales,
            lambda chunk: _post(
                url, key, f"merchants/{merchant}/sales", {"sales": chunk, "redeem_by": redeem_by}
            ),
            path,
            advance,
        )
    bad = sorted([*file.bad, *rejected])
    for left_out in bad:
        note(f"left out: {left_out}")
    for order in file.skipped:
        note(f"no sale: order {order.order} ({order.reason})")
    summary: dict[str, Any] = {
        "recorded": len(file.sales) - len(rejected),
        "codes": str(path),
        **({} if redeem_by is None else {"redeem_by": redeem_by}),
        "bad": [one._asdict() for one in bad],
        "skipped": [{"order": order.order, "reason": order.reason} for order in file.skipped],
    }
    counts = {name: len(summary[name]) or None for name in ("bad", "skipped")}
    show(summary, facts(summary | counts), as_json=as_json)
    if rejected and not skip_bad:
        raise typer.Exit(1)


@app.command()
def void(
    index: Annotated[
        int, typer.Argument(metavar="INDEX", parser=whole_number, help="The purchase's entry.")
    ],
    *,
    reason: Annotated[VoidReason, typer.Option(help="Why. It becomes public.")],
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Declare a purchase void: it returned to the shop, or never happened."""
    wanted = {"index": index, "reason": reason.value}
    answer = _post(url, key, f"merchants/{merchant}/voids", wanted)
    show(answer, f"entry {index} is void by entry {answer['index']}", as_json=as_json)


@app.command()
def close(
    *, merchant: MerchantId, key: MerchantKey, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """Close the period now (of a log made with --period manual); claims need a close."""
    event = _post(url, key, f"merchants/{merchant}/closes", {})
    show(event, facts(event), as_json=as_json)


@recall.command("publish")
def publish_notice(
    file: Annotated[Path, typer.Argument(metavar="NOTICE.json", help="- for stdin.")],
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Publish a recall or an alert, for good; wallets see by themselves whom it concerns."""
    from cli.files import read_document

    answer = _post(url, key, f"merchants/{merchant}/notices", read_document(file))
    published = answer["notice"]
    line = f"{published['kind']} {published['id']} is event {answer['index']}"
    show(answer, line, as_json=as_json)


def _post(url: str, key: str, path: str, document: Any) -> Any:
    from cli.merchant_service import post

    return post(url, key, path, document)
