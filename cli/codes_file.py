"""Recording many sales whose buyers are absent, without ever losing a one-time code.

A code exists in two places only: on the slip that the buyer gets, and in the file written here.
So each request's codes are on the disk before the next request is sent.
"""

import csv
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from cli.errors import error_code
from cli.files import new_file
from commitments.currency import amount
from commitments.errors import KvittoError
from issuer.cells import BadRow, ShopSale
from sdk.errors import ShopError, UnexpectedAnswer

__all__ = ["COLUMNS", "ImportStopped", "record_sales"]

COLUMNS = ("index", "code", "date", "product", "price", "currency", "batch", "unit")
"""Of the file of codes; ``index`` is the sale's entry in the purchase log."""
CHUNK = 500  # sales in a request: the service reads 1,000, and a progress bar likes more steps


class ImportStopped(KvittoError):  # noqa: N818 - the name is what happened
    """Some sales are recorded, and then something went wrong.

    ``code`` is that of what went wrong, ``unsaved`` the rows of codes that could not be written.
    """

    def __init__(self, message: str, code: str, unsaved: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.unsaved = tuple(unsaved)


def record_sales(
    sales: Sequence[ShopSale],
    send: Callable[[list[dict[str, Any]]], Any],
    path: Path,
    progress: Callable[[int], None],
) -> list[BadRow]:
    """Send ``sales`` in chunks, and write their codes to a new file; those that are rejected.

    ``send`` posts a chunk and returns the answer; ``progress`` is told how many sales are done.
    ``FileExistsError`` before anything is sent if there is a file; ``ImportStopped`` later.
    """
    rejected: list[BadRow] = []
    with new_file(path) as file:
        for start in range(0, len(sales), CHUNK):
            chunk = sales[start : start + CHUNK]
            try:
                rows = _read(send([sale.document() for sale in chunk]), chunk)
            except KvittoError as error:
                raise _stopped(error, start - len(rejected), start, len(sales), path) from None
            slips = [row for row in rows if isinstance(row, _Slip)]
            rejected += [row for row in rows if isinstance(row, BadRow)]
            _save(file, _lines(slips, with_header=start == 0), path)
            progress(start + len(chunk))
    return rejected


@dataclass(frozen=True)
class _Slip:
    index: int
    code: str
    sale: ShopSale


def _read(answer: Any, sales: Sequence[ShopSale]) -> list[_Slip | BadRow]:
    """What an answer says of each sale."""
    try:
        return [_outcome(row, sale) for row, sale in zip(answer["rows"], sales, strict=True)]
    except (KeyError, TypeError, ValueError):
        message = "the service did not answer with a code for each sale"
        raise UnexpectedAnswer(message) from None


def _outcome(row: Any, sale: ShopSale) -> _Slip | BadRow:
    if row["status"] == "rejected":
        problem = {"field": "all", **row["problem"]}
        return BadRow(sale.row, str(problem["field"]), str(problem["detail"]))
    return _Slip(row["slip"]["index"], row["slip"]["code"], sale)


def _lines(slips: Sequence[_Slip], *, with_header: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if with_header:
        writer.writerow(COLUMNS)
    for slip in slips:
        sale = slip.sale
        price, money = amount(sale.price, sale.currency).split(" ")
        writer.writerow(
            [slip.index, slip.code, sale.date, sale.product, price, money, sale.batch, sale.unit]
        )
    return text.getvalue()


def _save(file: TextIO, rows: str, path: Path) -> None:
    """On the disk when this returns: the codes exist nowhere else."""
    try:
        file.write(rows)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        reason = f"{path}: {error.strerror}. Some of the codes below are not in it"
        raise ImportStopped(reason, "failed", rows.splitlines()) from None


def _stopped(error: KvittoError, done: int, sent: int, total: int, path: Path) -> ImportStopped:
    """What is known to be recorded, and what may be."""
    kept = f"; their codes are in {path}" if done else ""
    last = min(sent + CHUNK, total)
    doubt = f"; sales {sent + 1} to {last} may be too" if isinstance(error, ShopError) else ""
    message = f"{error} ({done} of {total} sales are recorded{kept}{doubt})"
    return ImportStopped(message, error_code(error))
