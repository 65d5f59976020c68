"""Sales out of a shop's export, as the command line imports them."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.bodies import MAX_ITEMS, BulkBody
from api.dependencies import KEY_PROBLEMS, MerchantWith, TheService
from api.documents.imports import ImportRows
from api.idempotency import SentAs
from api.openapi import described
from api.queries import ImportQuery
from api.rows import row_documents
from commitments.errors import FormatError
from commitments.sale import Sale, parse_day
from issuer.cells import BadRow
from issuer.merchants import Merchant
from issuer.rows import Rejection
from issuer.sales_import import SalesFile, read_sales

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/sales", tags=["purchases"])

Own = Annotated[Merchant, MerchantWith("sales")]
_DESCRIBED = described(
    {200: ImportRows},
    f"malformed {KEY_PROBLEMS} too-large past-date too-many idempotency-key-reused",
)
_CSV = {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}


@router.post("/import", **{**_DESCRIBED, "openapi_extra": {"requestBody": _CSV}})
def import_sales(
    service: TheService,
    merchant: Own,
    sent_as: SentAs,
    query: Annotated[ImportQuery, Query()],
    body: BulkBody,
) -> JSONResponse:
    """Record the sales of a CSV file, each for itself: up to 1,000 rows with 1,000 sales.

    The columns are `date,product,price,currency,batch,unit` in any order, prices in the major unit
    (`249.00`); or the file is Shopify's order export. The answer has a row for each sale:
    `accepted` with a slip as `POST …/sales` gives it, or `rejected` with a problem whose `field` is
    the column. Send each file with an `Idempotency-Key`: sent again without, it is recorded again.
    """
    # The day is judged when it is recorded; read like this, a file says the same on any day.
    file = read_sales(body, today=date.max, skip_bad=True, most=MAX_ITEMS)
    until = parse_day(query.redeem_by) if query.redeem_by else None
    rows = _in_order(file)
    once = sent_as(f"{query.redeem_by}\n".encode() + body)
    recorded = service.issuer.record_sales(
        merchant, [sale for _, sale in rows], once, redeem_by=until
    )
    answer = row_documents(recorded, "slip")
    numbered = [
        {"row": number, **row} for (number, _), row in zip(rows, answer["rows"], strict=True)
    ]
    return JSONResponse({**answer, "rows": numbered, "skipped": _skipped(file)})


def _in_order(file: SalesFile) -> list[tuple[int, Sale | Rejection]]:
    """Number and sale of each row, or what is wrong with it."""
    bad: dict[int, list[BadRow]] = {}
    for cell in file.bad:
        bad.setdefault(cell.row, []).append(cell)
    rows: list[tuple[int, Sale | Rejection]] = [(sale.row, sale) for sale in file.sales]
    for number, cells in bad.items():
        reasons = "; ".join(f"{cell.column}: {cell.reason}" for cell in cells)
        rows.append((number, FormatError(reasons, cells[0].column)))
    return sorted(rows, key=lambda row: row[0])


def _skipped(file: SalesFile) -> list[dict[str, Any]]:
    return [{"order": order.order, "reason": order.reason} for order in file.skipped]
