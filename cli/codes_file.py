"""Recording many sales whose buyers are absent, without ever losing a one-time code.

A code exists in two places only: on the slip that the buyer gets, and in the file written here.
So each request's codes are on the disk before the next request is sent.
"""

import csv
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from cli.cells import ShopSale
from cli.errors import error_code
from cli.files import new_file
from commitments.errors import KvittoError
from sdk.eligibility import amount
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
) -> None:
    """Send ``sales`` in chunks, and write their codes to a new file.

    ``send`` posts a chunk and returns the answer; ``progress`` is told how many sales are done.
    ``FileExistsError`` before anything is sent if there is a file; ``ImportStopped`` later.
    """
    with new_file(path) as file:
        for start in range(0, len(sales), CHUNK):
            chunk = sales[start : start + CHUNK]
            try:
                slips = _slips(send([sale.document() for sale in chunk]), len(chunk))
            except KvittoError as error:
                raise _stopped(error, start, len(sales), path) from None
            _save(file, _rows(slips, chunk, with_header=start == 0), path)
            progress(start + len(chunk))


def _slips(answer: Any, count: int) -> list[tuple[int, str]]:
    """Index and code of each slip of an answer."""
    try:
        slips = [(slip["index"], slip["code"]) for slip in answer["slips"]]
    except (KeyError, TypeError):
        slips = []
    if len(slips) != count:
        raise UnexpectedAnswer("the service did not answer with a code for each sale")
    return slips


def _rows(slips: Sequence[tuple[int, str]], sales: Sequence[ShopSale], *, with_header: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if with_header:
        writer.writerow(COLUMNS)
    for (index, code), sale in zip(slips, sales, strict=True):
        price, money = amount(sale.price, sale.currency).split(" ")
        writer.writerow([index, code, sale.date, sale.product, price, money, sale.batch, sale.unit])
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


def _stopped(error: KvittoError, done: int, total: int, path: Path) -> ImportStopped:
    """What is known to be recorded, and what may be."""
    kept = f"; their codes are in {path}" if done else ""
    last = min(done + CHUNK, total)
    doubt = f"; sales {done + 1} to {last} may be too" if isinstance(error, ShopError) else ""
    message = f"{error} ({done} of {total} sales are recorded{kept}{doubt})"
    return ImportStopped(message, error_code(error))
