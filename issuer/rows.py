"""What has become of each row of a request that has many: one that is bad spoils no other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from commitments.errors import FormatError, Refused, VerificationError

__all__ = [
    "ACCEPTED",
    "DUPLICATE",
    "REJECTED",
    "Done",
    "Rejection",
    "attempt",
    "rows_of",
    "the_one",
]

T = TypeVar("T")
R = TypeVar("R")

ACCEPTED, DUPLICATE, REJECTED = "accepted", "duplicate", "rejected"

Rejection = FormatError | Refused | VerificationError
"""Why a row is not recorded; its ``field`` is a part of the row."""


@dataclass(frozen=True)
class Done(Generic[T]):
    """A row that is recorded: now, or before and to the letter the same (``duplicate``)."""

    value: T
    duplicate: bool = False


def attempt(rows: Iterable[T | Rejection], prepare: Callable[[T], R]) -> list[R | Rejection]:
    """``prepare`` for each row that has not been rejected before, or why it rejects it."""
    prepared: list[R | Rejection] = []
    for row in rows:
        if isinstance(row, Rejection):
            prepared.append(row)
            continue
        try:
            prepared.append(prepare(row))
        except (FormatError, Refused, VerificationError) as error:
            prepared.append(error)
    return prepared


def rows_of(outcomes: Iterable[Done[Any] | Rejection]) -> list[dict[str, Any]]:
    """The rows as JSON: ``status``, and ``value``, or ``code``, ``detail`` and ``field``."""
    return [_row(outcome) for outcome in outcomes]


def the_one(outcomes: Iterable[Done[T] | Rejection]) -> T:
    """What the only row has led to; raises why it is rejected."""
    (outcome,) = outcomes
    if isinstance(outcome, Done):
        return outcome.value
    raise outcome


def _row(outcome: Done[Any] | Rejection) -> dict[str, Any]:
    if isinstance(outcome, Done):
        return {"status": DUPLICATE if outcome.duplicate else ACCEPTED, "value": outcome.value}
    match outcome:
        case Refused():
            code = outcome.code
        case FormatError():
            code = "malformed"
        case VerificationError():
            code = "not-verified"
    return {"status": REJECTED, "code": code, "detail": str(outcome), "field": outcome.field}
