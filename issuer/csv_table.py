"""A CSV file as a header and rows, read strictly (RFC 4180)."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from commitments.errors import FormatError, Refused
from issuer.cells import BadRow, Row

__all__ = ["CsvTable", "read_table"]

_MOST_COLUMNS = 500  # Shopify's export has some eighty


@dataclass(frozen=True)
class CsvTable:
    """``rows`` have one cell for each of ``columns``; ``misshapen`` lists those that had not."""

    columns: tuple[str, ...]
    rows: list[Row]
    misshapen: list[BadRow]


def read_table(source: Path | bytes | str, most: int | None = None) -> CsvTable:
    """The table in a file, or in its content as bytes or text; a BOM and CRLF are accepted.

    Row 1 is the header; blank lines are counted and left out. ``FormatError`` for a file that is
    not UTF-8, not CSV, has no header, or names a column twice; ``Refused`` for one with more than
    ``most`` rows, of which no more are read.
    """
    header, *records = _records(_text(source), most) or [[]]
    table = CsvTable(_checked(header), [], [])
    for number, record in enumerate(records, start=2):
        if len(record) == len(header):
            table.rows.append(Row(number, dict(zip(header, record, strict=True))))
        elif record:
            reason = f"{len(record)} fields instead of {len(header)}"
            table.misshapen.append(BadRow(number, "all", reason))
    return table


def _text(source: Path | bytes | str) -> str:
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    content = source.read_bytes() if isinstance(source, Path) else source
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError("not UTF-8", "file") from None


def _records(text: str, most: int | None) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        records = list(islice(reader, None if most is None else most + 2))
    except csv.Error:
        raise FormatError(f"not CSV near line {reader.line_num}", "file") from None
    if most is not None and len(records) > most + 1:
        raise Refused("too-many", f"more than {most} rows", "file")
    return records


def _checked(header: list[str]) -> tuple[str, ...]:
    if not any(header):
        raise FormatError("no header", "header")
    if len(header) > _MOST_COLUMNS:
        raise FormatError(f"more than {_MOST_COLUMNS} columns", "header")
    twice = sorted(column for column, count in Counter(header).items() if count > 1)
    if twice:
        raise FormatError(f"columns that occur twice: {', '.join(twice)}", "header")
    return tuple(header)
