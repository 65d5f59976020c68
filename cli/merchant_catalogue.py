"""``kvitto merchant product``: what a merchant sells."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_URL, MerchantId, MerchantKey, Url
from cli.output import AsJson, bar, facts, note, show, table

__all__ = ["app"]

_CHUNK = 1000  # products in a request: what the service reads

app = typer.Typer(name="product", help="The list of what you sell.", no_args_is_help=True)


class Sold(StrEnum):
    """Sales of which products are recorded."""

    LISTED = "listed"
    ANY = "any"


@app.command("import")
def import_products(
    products: Annotated[
        Path, typer.Argument(metavar="PRODUCTS.csv", help="Columns code, name, group.")
    ],
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Enter the products of a file, or change those that are listed. GTINs are checked."""
    from issuer.products_import import read_products

    wanted = [product.document() for product in read_products(products)]
    summary: dict[str, Any] = {"accepted": 0, "duplicate": 0, "rejected": []}
    with bar("entering", len(wanted)) as advance:
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            answer = _post(url, key, f"{_at(merchant)}/products", {"products": chunk})
            for product, row in zip(chunk, answer["rows"], strict=True):
                if row["status"] == "rejected":
                    problem = {"code": product["code"], "reason": row["problem"]["detail"]}
                    summary["rejected"].append(problem)
                else:
                    summary[row["status"]] += 1
            advance(start + len(chunk))
    for rejected in summary["rejected"]:
        note(f"left out: {rejected['code']}: {rejected['reason']}")
    counts = {**summary, "rejected": len(summary["rejected"])}
    show(summary, facts(counts), as_json=as_json)
    if summary["rejected"]:
        raise typer.Exit(1)


@app.command("list")
def list_products(
    *, merchant: MerchantId, key: MerchantKey, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """All products, in the order of their codes."""
    from urllib.parse import quote

    from cli.merchant_service import get

    products: list[dict[str, Any]] = []
    query = "limit=100"
    while query:
        answer = get(url, f"{_at(merchant)}/products?{query}", key)
        products += answer["products"]
        following = answer["next"]
        query = "" if following is None else f"limit=100&cursor={quote(following, safe='')}"
    columns = ("code", "name", "group")
    rows = [[one[name] for name in columns] for one in products]
    show({"products": products}, table(columns, rows), as_json=as_json)


@app.command()
def remove(
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="Of the products.")],
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Take products off the list. What was sold of them stays recorded."""
    answer = _post(url, key, f"{_at(merchant)}/removals", {"codes": codes})
    show(answer, facts(answer), as_json=as_json)


@app.command()
def allow(
    sold: Annotated[Sold, typer.Argument(help="Products whose sales are recorded.")],
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Have sales of products that are not listed rejected, or not."""
    answer = _post(url, key, _at(merchant), {"only_listed": sold is Sold.LISTED})
    show(answer, facts(answer), as_json=as_json)


def _at(merchant: str) -> str:
    return f"merchants/{merchant}/catalogue"


def _post(url: str, key: str, path: str, document: Any) -> Any:
    from cli.merchant_service import post

    return post(url, key, path, document)
