"""The notice: what a merchant tells the owners of some units, as a public JSON object.

A recall or an alert is written to the merchant's event log (docs/protocol.md 4, *Events*) and
matched by each wallet with its own purchases. Nobody asks whether a notice concerns a unit.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from commitments.gtin import normalise_product
from commitments.sale import Sale, check_code
from policies.policy import Batch, Code, Day, Identifier, Text, checked, read_document, require_text

__all__ = ["NOTICE_PUBLISHED", "Notice", "parse_notice"]

NOTICE_PUBLISHED = "recall.published"
"""The type of the event that publishes one."""

_MOST_CODES = 256  # as in a policy
_Words = Annotated[str, Field(min_length=1, max_length=2000), checked(require_text)]
_Unit = Annotated[Text, checked(lambda unit: check_code(unit, "units"))]
_Codes = Field(default=None, min_length=1, max_length=_MOST_CODES)


class Notice(BaseModel):
    """A recall or an alert: it concerns purchases of these products, batches or units.

    Without ``batches`` and ``units`` all units of the products; ``policy`` is the id of the one
    to claim under, if there is one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    schema_: Literal["kvitto-notice/v1"] = Field(alias="schema")
    origin: Identifier = Field(description="The purchase log whose purchases it concerns.")
    id: Identifier
    kind: Literal["recall", "alert"]
    title: Text
    text: _Words
    date: Day
    products: tuple[Code, ...] | None = _Codes
    batches: tuple[Batch, ...] | None = _Codes
    units: tuple[_Unit, ...] | None = _Codes
    policy: Identifier | None = None

    @model_validator(mode="after")
    def _concerns_somebody(self) -> Self:
        if self.products is None and self.batches is None and self.units is None:
            raise ValueError("it names no products, batches or units")
        return self

    def concerns(self, sale: Sale) -> bool:
        """Whether it is about a unit that was sold so."""
        if self.products is not None:
            known = map(normalise_product, self.products)
            if normalise_product(sale.product) not in known:
                return False
        if self.batches is None and self.units is None:
            return True
        return sale.batch in (self.batches or ()) or sale.unit in (self.units or ())

    def document(self) -> dict[str, Any]:
        """The notice as a JSON object, without members that are not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


_ADAPTER = TypeAdapter(Notice)


def parse_notice(document: Any) -> Notice:
    """A notice from parsed JSON; ``FormatError`` naming the first member that is wrong."""
    return read_document(_ADAPTER, document)
