"""Webhooks: a merchant's program hears of events without asking."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from api.bodies import Body, boolean, members, text
from api.dependencies import KEY_PROBLEMS, MerchantWith, TheService
from api.documents.webhooks import (
    Deliveries,
    Delivery,
    NewWebhook,
    ReplayDead,
    Replayed,
    Tested,
    Webhook,
    WebhookDeleted,
    Webhooks,
    WebhookSettings,
    WebhookWithSecret,
)
from api.idempotency import SentAs
from api.openapi import described
from api.queries import DeliveriesQuery
from api.webhooks.messages import parse_types
from commitments.clock import unix_seconds
from commitments.errors import FormatError
from issuer.merchants import Merchant
from ledger.events import parse_event_time

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/webhooks", tags=["webhooks"])

Own = Annotated[Merchant, MerchantWith("webhooks")]
WebhookId = Annotated[str, Path(description="From the webhook.")]
DeliveryId = Annotated[str, Path(description="The `webhook-id`.")]

_LONGEST_DESCRIPTION = 200
_PROBLEMS = f"{KEY_PROBLEMS} unknown-webhook"
_ONCE = f"malformed {_PROBLEMS} idempotency-key-reused"


@router.post(
    "",
    **described(
        {201: WebhookWithSecret},
        f"malformed {KEY_PROBLEMS} duplicate-webhook too-large forbidden-address too-many"
        " idempotency-key-reused",
        NewWebhook,
    ),
)
def create_a_webhook(
    service: TheService, merchant: Own, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Have events sent to a URL from now on, by the Standard Webhooks specification.

    At least once each, for three days if it must be, mostly in the order of the log. The answer
    holds the secret, which is not shown again.
    """
    document = members(body, ("url",), ("types", "description"))
    types = parse_types(document.get("types"))
    description = _description({"description": "", **document})
    url = text(document, "url")
    created = service.webhooks.endpoints.create(merchant, url, types, description, sent_as(body))
    return JSONResponse(created, 201)


@router.get("", **described({200: Webhooks}, KEY_PROBLEMS))
def list_webhooks(service: TheService, merchant: Own) -> JSONResponse:
    """All webhooks, oldest first."""
    found = service.webhooks.endpoints.of(merchant)
    return JSONResponse({"webhooks": [endpoint.document() for endpoint in found]})


@router.get("/{webhook_id}", **described({200: Webhook}, _PROBLEMS))
def read_a_webhook(service: TheService, merchant: Own, webhook_id: WebhookId) -> JSONResponse:
    """One webhook, with the keys that verify what it is sent."""
    return JSONResponse(service.webhooks.endpoints.find(merchant, webhook_id).document())


@router.put(
    "/{webhook_id}",
    **described(
        {200: Webhook},
        f"malformed {_PROBLEMS} duplicate-webhook too-large forbidden-address",
        WebhookSettings,
    ),
)
def change_a_webhook(
    service: TheService, merchant: Own, webhook_id: WebhookId, body: Body
) -> JSONResponse:
    """Change a webhook. One that is enabled again is sent what has happened meanwhile."""
    document = members(body, ("url", "types", "description", "enabled"))
    endpoint = service.webhooks.endpoints.change(
        merchant,
        webhook_id,
        text(document, "url"),
        parse_types(document["types"]),
        _description(document),
        enabled=boolean(document, "enabled"),
    )
    return JSONResponse(endpoint.document())


@router.delete("/{webhook_id}", **described({200: WebhookDeleted}, _PROBLEMS))
def delete_a_webhook(service: TheService, merchant: Own, webhook_id: WebhookId) -> JSONResponse:
    """Send nothing more there, and forget what was sent."""
    service.webhooks.endpoints.delete(merchant, webhook_id)
    return JSONResponse({"status": "deleted"})


@router.post("/{webhook_id}/rotation", **described({200: WebhookWithSecret}, _ONCE))
def rotate_the_secret(
    service: TheService, merchant: Own, webhook_id: WebhookId, sent_as: SentAs
) -> JSONResponse:
    """Give a webhook a new secret and a new key pair.

    For a day the old ones sign too, so that nothing is lost. Rotate once more to end that at once.
    """
    return JSONResponse(service.webhooks.endpoints.rotate(merchant, webhook_id, sent_as(b"")))


@router.post("/{webhook_id}/test", **described({200: Tested}, _ONCE))
async def test_a_webhook(
    service: TheService, merchant: Own, webhook_id: WebhookId, sent_as: SentAs
) -> JSONResponse:
    """Send a message of type `webhook.test` now, and say what came of it."""
    return JSONResponse(await service.webhooks.test(merchant, webhook_id, sent_as(b"")))


@router.post("/{webhook_id}/replay", **described({200: Replayed}, f"{_ONCE} too-large", ReplayDead))
def replay_dead_deliveries(
    service: TheService, merchant: Own, webhook_id: WebhookId, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Send all again that was given up, and last tried at a moment or later."""
    since = unix_seconds(parse_event_time(members(body, ("since",))["since"], "since"))
    endpoint = service.webhooks.endpoints.find(merchant, webhook_id)
    deliveries = service.webhooks.deliveries
    replayed = deliveries.replay_dead(merchant, endpoint, since, sent_as(body))
    return JSONResponse({"replayed": replayed})


@router.get("/{webhook_id}/deliveries", **described({200: Deliveries}, f"malformed {_PROBLEMS}"))
def list_deliveries(
    service: TheService,
    merchant: Own,
    webhook_id: WebhookId,
    query: Annotated[DeliveriesQuery, Query()],
) -> JSONResponse:
    """What became of the events of the last weeks, the newest first, some at a time.

    Those in the state `dead` were given up after three days.
    """
    endpoint = service.webhooks.endpoints.find(merchant, webhook_id)
    found = service.webhooks.deliveries.of(
        merchant, endpoint, query.state, query.cursor, query.limit
    )
    page: dict[str, Any] = {"deliveries": [delivery.document() for delivery in found]}
    page["next"] = found[-1].index if len(found) == query.limit else None
    return JSONResponse(page)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    **described({200: Delivery}, f"{_ONCE} unknown-delivery"),
)
def replay_a_delivery(
    service: TheService,
    merchant: Own,
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
    sent_as: SentAs,
) -> JSONResponse:
    """Send an event again, whatever became of it, under its `webhook-id`."""
    endpoint = service.webhooks.endpoints.find(merchant, webhook_id)
    deliveries = service.webhooks.deliveries
    return JSONResponse(deliveries.replay(merchant, endpoint, delivery_id, sent_as(b"")))


def _description(document: dict[str, Any]) -> str:
    description = text(document, "description")
    if len(description) > _LONGEST_DESCRIPTION or not (description + " ").isprintable():
        raise FormatError(f"not at most {_LONGEST_DESCRIPTION} printable characters", "description")
    return description
