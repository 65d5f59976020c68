"""Webhooks and their deliveries."""

from typing import Annotated, Literal

from pydantic import Field

from api.documents.common import Count, Document, Moment
from api.webhooks.messages import EventType
from api.webhooks.schema import DeliveryState
from api.webhooks.sending import Failure

__all__ = [
    "Deliveries",
    "Delivery",
    "NewWebhook",
    "ReplayDead",
    "Replayed",
    "Tested",
    "Webhook",
    "WebhookDeleted",
    "WebhookSettings",
    "WebhookWithSecret",
    "Webhooks",
]


Url = Annotated[str, Field(max_length=500, description="Where to: `https://shop.example/hooks`.")]
Types = Annotated[
    list[EventType] | None,
    Field(description="Of events that are sent; null is all of them."),
]
Description = Annotated[str, Field(max_length=200, description="For people.")]
PublicKey = Annotated[str, Field(pattern=r"^whpk_[A-Za-z0-9+/]{43}=$")]
Status = Annotated[int | None, Field(description="The HTTP status; null if there was none.")]
Error = Annotated[Failure | None, Field(description="Why it failed; null if it did not.")]


class NewWebhook(Document):
    """Where a merchant wants its events sent."""

    url: Url
    types: Types = None
    description: Description = ""


class WebhookSettings(Document):
    """What a webhook is to be from now on."""

    url: Url
    types: Types
    description: Description
    enabled: bool = Field(description="Whether anything is sent there.")


class Webhook(Document):
    """A webhook. What it is sent is signed so that `public_keys` verify it (`v1a`)."""

    id: str
    url: Url
    types: Types
    description: Description
    created: Moment = Field(description="When it was made.")
    enabled: bool = Field(description="Whether anything is sent there.")
    disabled_because: Literal["merchant", "gone", "failing"] | None = Field(
        description="Its merchant said so, it answered 410, or it failed for five days."
    )
    failing_since: Moment | None = Field(description="Since when nothing has reached it.")
    public_keys: list[PublicKey] = Field(description="The newest last.")


class WebhookWithSecret(Webhook):
    """A webhook with its new secret (`v1`), which is not shown again."""

    secret: str = Field(
        pattern=r"^whsec_[A-Za-z0-9+/]{43}=$", description="Keep it: it is shown this once."
    )


class Webhooks(Document):
    """All webhooks of a merchant, oldest first."""

    webhooks: list[Webhook] = Field(description="The oldest first.")


class WebhookDeleted(Document):
    """Nothing more is sent there."""

    status: Literal["deleted"]


class Tested(Document):
    """What came of a test message: it was answered with 2xx, or why not."""

    delivered: bool = Field(description="Whether it was answered with 2xx.")
    status: Status
    error: Error


class Delivery(Document):
    """What became of one event. `status` and `error` are of the last attempt."""

    id: str = Field(description="The `webhook-id`.")
    index: Count = Field(description="Of the event, in the event log.")
    type: str = Field(description="Of the event.")
    state: DeliveryState = Field(description="Still to be sent, answered with 2xx, or given up.")
    attempts: Count = Field(description="How often it was sent since `since`.")
    since: Moment = Field(description="When it was first, or again, to be sent.")
    due: Moment | None = Field(description="When it is tried next.")
    tried: Moment | None = Field(description="When it was last sent.")
    status: Status
    error: Error


class Deliveries(Document):
    """Deliveries, the newest event first; `next` is where the next page begins."""

    deliveries: list[Delivery] = Field(description="The newest event first.")
    next: Count | None


class ReplayDead(Document):
    """Which of the deliveries that were given up to send again."""

    since: Moment = Field(description="Those last tried then or later.")


class Replayed(Document):
    """How many deliveries are sent again."""

    replayed: Count = Field(description="How many.")
