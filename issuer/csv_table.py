"""A CSV file as a header and rows, read strictly (RFC 4180)."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from commitments.errors import FormatError
from issuer.cells import BadRow, Row

__all__ = ["CsvTable", "read_table"]


@dataclass(frozen=True)
class CsvTable:
    """``rows`` have one cell for each of ``columns``; ``misshapen`` lists those that had not."""

    columns: tuple[str, ...]
    rows: list[Row]
    misshapen: list[BadRow]


def read_table(source: Path | bytes | str) -> CsvTable:
    """The table in a file, or in its content as bytes or text; a BOM and CRLF are accepted.

    Row 1 is the header; blank lines are counted and left out. ``FormatError`` for a file that is
    not UTF-8, not CSV, has no header, or names a column twice.
    """
    header, *records = _records(_text(source)) or [[]]
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


def _records(text: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error:
        raise FormatError(f"not CSV near line {reader.line_num}", "file") from None


def _checked(header: list[str]) -> tuple[str, ...]:
    if not any(header):
        raise FormatError("no header", "header")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise FormatError(f"columns that occur twice: {', '.join(twice)}", "header")
    return tuple(header)
