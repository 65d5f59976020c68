"""Query parameters, as strict as bodies: one spelling for a number, no unknown or repeated name."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from fastapi import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)
from starlette.exceptions import HTTPException

from aftersales.claims import STATES
from aftersales.report_events import REPORT_PUBLISHED
from aftersales.versions import READ_EVENTS
from api.documents.claims import State
from api.webhooks.schema import DeliveryState
from commitments.errors import FormatError
from commitments.sale import check_product, parse_day
from commitments.wire import parse_decimal
from ledger.events import TRANSFER_APPROVED
from ledger.key_history import KEY_EVENTS
from verifier.watching import CLAIM_EVENTS

__all__ = [
    "ALL_EVENTS",
    "ClaimsQuery",
    "Decimal",
    "DeliveriesQuery",
    "DirectoryQuery",
    "EventsQuery",
    "PageQuery",
    "RingQuery",
    "SearchQuery",
    "StreamQuery",
    "refuse_nul",
    "refuse_repeats",
]

# What a wallet needs, and few of each; claims are read page by page, or as tiles.
_SHOWN_EVENTS = (*KEY_EVENTS, *READ_EVENTS, "recall.published")
ALL_EVENTS = (*_SHOWN_EVENTS, *CLAIM_EVENTS, TRANSFER_APPROVED, REPORT_PUBLISHED)
"""The types of events that a log has."""
_LARGEST_PAGE = 100


async def refuse_nul(request: Request) -> None:
    """A dependency that finds nothing at ``/%00``: PostgreSQL has no such text to look for."""
    if any("\0" in str(part) for part in request.path_params.values()):
        raise HTTPException(404)


async def refuse_repeats(request: Request) -> None:
    """A dependency that refuses ``?lane=1&lane=2``, of which each reader takes another."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1:
            raise FormatError("given more than once", name)


def _decimal(given: Any) -> int:
    try:
        return parse_decimal(given, "")
    except FormatError as error:
        raise ValueError(str(error)) from None


def _some_of(known: Sequence[str]) -> AfterValidator:
    def check(given: str) -> str:
        types = given.split(",")
        if len(set(types)) != len(types) or not set(types) <= set(known):
            raise ValueError(f"not some of {', '.join(known)}, separated by commas")
        return given

    return AfterValidator(check)


def _day(given: str) -> str:
    try:
        parse_day(given)
    except FormatError as error:
        raise ValueError(str(error)) from None
    return given


def _product_code(given: str) -> str:
    try:
        check_product(given)
    except FormatError as error:
        raise ValueError(str(error)) from None
    return given


_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}
_DELIVERY_STATE: dict[str, Any] = {"type": "string", "enum": [*get_args(DeliveryState)]}
_PAGE: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": _LARGEST_PAGE}

_STATE: dict[str, Any] = {"type": "string", "enum": [*STATES]}
_BOOLEAN: dict[str, Any] = {"type": "boolean"}

Decimal = Annotated[int, PlainValidator(_decimal), WithJsonSchema(_NUMBER)]
PageSize = Annotated[
    int, PlainValidator(_decimal), Field(ge=1, le=_LARGEST_PAGE), WithJsonSchema(_PAGE)
]


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RingQuery(_Query):
    """Which ring (docs/protocol.md 4)."""

    first: Decimal = Field(description="Where its span begins: 0, or the size of a close.")
    size: Decimal = Field(description="Where its span ends: the size of a close.")
    voided_at: Decimal = Field(description="Voids below this count: the size of a close.")
    lane: Decimal = Field(description="Which cell of the span.")


class EventsQuery(_Query):
    """Which events to show."""

    types: Annotated[str, _some_of(_SHOWN_EVENTS)] = Field(
        default=",".join(_SHOWN_EVENTS), description="Types of events, separated by commas."
    )


class ImportQuery(_Query):
    """What holds for all sales of an import."""

    redeem_by: Annotated[str, AfterValidator(_day)] = Field(
        default="",
        description="The last day on which the codes can be redeemed; without it they do not"
        " expire.",
        json_schema_extra={"format": "date"},
    )


class ProductQuery(_Query):
    """Which page of a list of products."""

    cursor: Annotated[str, AfterValidator(_product_code)] = Field(
        default="", description="`next` of the page before."
    )
    limit: PageSize = Field(default=50, description="How many at most.")


class PageQuery(_Query):
    """Which page of a list."""

    cursor: Decimal = Field(default=0, description="`next` of the page before.")
    limit: PageSize = Field(default=50, description="How many at most.")


class ClaimsQuery(PageQuery):
    """Which claims."""

    state: Annotated[State | None, WithJsonSchema(_STATE)] = Field(
        default=None, description="Those whose case is in this state."
    )
    overdue: Annotated[Literal["true", "false"] | None, WithJsonSchema(_BOOLEAN)] = Field(
        default=None, description="Those that wait for the merchant for too long, or all others."
    )


class DirectoryQuery(_Query):
    """Which merchants to list."""

    sandboxes: Annotated[Literal["true", "false"], WithJsonSchema(_BOOLEAN)] = Field(
        default="false", description="Whether to list sandboxes too, in which nothing is real."
    )


class SearchQuery(_Query):
    """What to look for."""

    q: str = Field(
        min_length=1,
        max_length=200,
        description="An entry's index; a claim id or at least 8 digits of it; a tag; how the id of"
        " a policy begins.",
    )


class StreamQuery(_Query):
    """Which events to stream."""

    types: Annotated[str, _some_of(ALL_EVENTS)] = Field(
        default=",".join(ALL_EVENTS), description="Types of events, separated by commas."
    )


class DeliveriesQuery(_Query):
    """Which deliveries of a webhook."""

    state: Annotated[DeliveryState | None, WithJsonSchema(_DELIVERY_STATE)] = Field(
        default=None, description="Only those in this state."
    )
    cursor: Annotated[int | None, PlainValidator(_decimal), WithJsonSchema(_NUMBER)] = Field(
        default=None, description="`next` of the page before."
    )
    limit: PageSize = Field(default=50, description="How many at most.")
