"""The list of a merchant's products."""

from typing import Annotated

from pydantic import Field

from api.documents.common import Count, Document, Problem, RowStatus

__all__ = [
    "Catalogue",
    "CatalogueRule",
    "NewProducts",
    "ProductRows",
    "Products",
    "Removal",
    "Removed",
]

Code = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="A GTIN, whose check digit must be right, or the shop's own code.",
    ),
]


class Product(Document):
    """A product."""

    code: Code
    name: str = Field(min_length=1, max_length=200)
    group: str | None = Field(
        default=None, max_length=200, description="Whatever products belong together."
    )


class NewProducts(Document):
    """Products to enter or to change, each for itself."""

    products: list[Product] = Field(min_length=1, max_length=1000)


class ProductRow(Document):
    """What has become of one row."""

    status: RowStatus
    product: Product | None = Field(default=None, description="Unless it is rejected.")
    problem: Problem | None = Field(default=None, description="Only if it is rejected.")


class ProductRows(Document):
    """A row for each product, in the same order."""

    rejected: Count = Field(description="How many rows are.")
    rows: list[ProductRow]


class Products(Document):
    """Products in the order of their codes, GTINs as 14 digits."""

    products: list[Product] = Field(description="Those of this page.")
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


class Removal(Document):
    """Products to take off the list."""

    codes: list[Code] = Field(min_length=1, max_length=1000, description="Of these products.")


class Removed(Document):
    """What was taken off."""

    removed: Count = Field(description="How many of them were on the list.")


class CatalogueRule(Document):
    """What the list is used for."""

    only_listed: bool = Field(description="Whether sales of other products are rejected.")


class Catalogue(CatalogueRule):
    """The list as a whole."""

    products: Count = Field(description="How many there are.")
