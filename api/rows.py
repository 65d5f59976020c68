"""Requests of many rows, of which each is answered for itself."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from fastapi.responses import JSONResponse

from api.problems import problem_document
from commitments.errors import FormatError
from issuer.rows import REJECTED, Rejection

__all__ = ["answer_rows", "read_rows", "row_documents"]

T = TypeVar("T")


def read_rows(documents: Iterable[Any], read: Callable[[Any], T]) -> list[T | Rejection]:
    """What each row says, or why it cannot be read."""
    rows: list[T | Rejection] = []
    for document in documents:
        try:
            rows.append(read(document))
        except FormatError as error:
            rows.append(error)
    return rows


def answer_rows(rows: Sequence[dict[str, Any]], name: str) -> JSONResponse:
    """The answer to rows as :func:`issuer.rows.rows_of` has them, whose values are ``name``."""
    return JSONResponse(row_documents(rows, name))


def row_documents(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """The same as a document."""
    rejected = sum(row["status"] == REJECTED for row in rows)
    return {"rejected": rejected, "rows": [_answer(row, name) for row in rows]}


def _answer(row: dict[str, Any], name: str) -> dict[str, Any]:
    if row["status"] != REJECTED:
        return {"status": row["status"], name: row["value"]}
    problem = problem_document(row["code"], row["detail"], row["field"])
    return {"status": REJECTED, "problem": problem}
