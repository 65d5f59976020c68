"""Merchants."""

from typing import Literal

from pydantic import Field

from api.documents.common import Count, Document, MerchantId, Moment, Origin, Vkey
from api.documents.keys import Secret

__all__ = ["Merchant", "MerchantCreated", "MerchantDetails", "Merchants", "NewMerchant"]


class NewMerchant(Document):
    """A merchant to be. The last three are fixed for the life of its logs."""

    id: MerchantId
    name: str = Field(min_length=1, max_length=100)
    capacity: Literal[64, 256, 1024, 4096] = Field(
        default=1024, description="A ring has about this many members."
    )
    period: Literal["P1D", "manual"] = Field(
        default="P1D", description="The log is closed each UTC day, or by a call."
    )
    void_window: int = Field(
        default=14, ge=0, le=1 << 20, description="How many periods a void comes in time."
    )


class Merchant(Document):
    """A shop."""

    id: MerchantId
    name: str
    origin: Origin


class MerchantCreated(Merchant):
    """A new merchant with its first key, for everything, which is not shown again."""

    api_key: Secret
    purchases_vkey: Vkey
    events_vkey: Vkey


class Merchants(Document):
    """All merchants, by id."""

    merchants: list[Merchant]


class Declaration(Document):
    """Event 0 of an event log: what a merchant fixed for the life of its two logs."""

    type: Literal["log.declared"]
    time: Moment
    origin: Origin
    suite: str
    capacity: int
    period: Literal["P1D", "manual"]
    void_window: Count
    seed_witnesses: list[Vkey]
    purchases_vkey: Vkey
    events_vkey: Vkey


class MerchantDetails(Merchant):
    """A merchant with the keys and the declaration of its logs."""

    purchases_vkey: Vkey
    events_vkey: Vkey
    declaration: Declaration
