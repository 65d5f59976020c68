"""Exports of shops."""

from typing import Annotated

from pydantic import Field

from api.documents.common import Count, Document, Problem, RowStatus
from api.documents.purchases import Slip

__all__ = ["ImportRows"]


class ImportRow(Document):
    """What has become of one sale, or of a row that cannot be read."""

    row: Annotated[int, Field(ge=2, description="As a spreadsheet counts: the header is row 1.")]
    status: RowStatus
    slip: Slip | None = Field(default=None, description="Unless it is rejected.")
    problem: Problem | None = Field(default=None, description="Only if it is rejected.")


class SkippedOrder(Document):
    """An order that is no sale."""

    order: str = Field(description="As the export names it.")
    reason: str = Field(description="Its status in the export, or `cancelled`.")


class ImportRows(Document):
    """A row for each sale in the order of the file; a line of three units has three."""

    rejected: Count = Field(description="How many rows are.")
    rows: list[ImportRow]
    skipped: list[SkippedOrder] = Field(description="Orders that were not paid, or called off.")
