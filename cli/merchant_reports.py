"""``kvitto merchant report``: reports of months, which the service computes from the log."""

from typing import Annotated

import typer

from cli.options import DEFAULT_URL, MerchantId, MerchantKey, Url
from cli.output import AsJson, show, table

__all__ = ["app"]

app = typer.Typer(
    name="report", help="Service-quality reports, as events of the log.", no_args_is_help=True
)


@app.command()
def publish(
    month: Annotated[str, typer.Argument(metavar="MONTH", help="As 2026-10; it has ended.")],
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Publish the report of a month, for good. What it says is what the log says.

    Look at it first: kvitto report.
    """
    from cli.merchant_service import post

    answer = post(url, key, f"merchants/{merchant}/reports", {"month": month})
    line = f"the report of {answer['event']['month']} is event {answer['index']}"
    show(answer, line, as_json=as_json)


@app.command("list")
def list_reports(*, merchant: MerchantId, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """The reports that were published; of several for a month the last counts."""
    from cli.merchant_service import get

    answer = get(url, f"merchants/{merchant}/reports")
    columns = ("number", "month", "time", "index", "counts")
    rows = [[report[name] for name in columns] for report in answer["reports"]]
    show(answer, table(columns, rows), as_json=as_json)
