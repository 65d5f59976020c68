"""Merchants: made by the operator, seen by all."""

from functools import partial

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, members, text
from api.dependencies import AnyMerchant, OperatorOnly, TheService
from api.documents.merchants import MerchantCreated, MerchantDetails, Merchants, NewMerchant
from api.making import CHOICES, key_members, make_merchant, summary
from api.openapi import described
from issuer.merchants import Merchant, create_merchant, list_merchants
from ledger.events import events_origin, parse_event
from ledger.farewells import stored_key_history
from ledger.log import Log

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants", tags=["merchants"])


@router.post(
    "",
    dependencies=[OperatorOnly],
    **described(
        {201: MerchantCreated},
        "malformed unauthorised duplicate-merchant too-large",
        NewMerchant,
    ),
)
def create_a_merchant(service: TheService, body: Body) -> JSONResponse:
    """Create a merchant with its purchase log and its event log.

    The answer holds the merchant's first API key, which may do everything. It is not stored and
    not shown again.
    """
    document = members(body, ("id", "name"), CHOICES)
    merchant_id, name = text(document, "id"), text(document, "name")
    merchant = Merchant(merchant_id, name, service.settings.origin(merchant_id))
    make = partial(
        create_merchant,
        service.store,
        service.settings.group,
        service.clocks,
        merchant,
        seed_witnesses=service.seed_witnesses.keys,
        **{choice: document[choice] for choice in CHOICES if choice in document},
    )
    return JSONResponse(make_merchant(service, merchant, make), 201)


@router.get("", **described({200: Merchants}))
def list_all_merchants(service: TheService) -> JSONResponse:
    """All merchants, by id, without their sandboxes."""
    return JSONResponse({"merchants": [summary(m) for m in list_merchants(service.store)]})


@router.get("/{merchant}", **described({200: MerchantDetails}, "unknown-merchant"))
def read_a_merchant(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """A merchant, the present keys of its logs, and what it fixed for their life."""
    with service.store.read() as connection:
        event = parse_event(Log(connection, events_origin(merchant.origin)).entry(0))
        log_keys = key_members(stored_key_history(connection, merchant.origin))
    return JSONResponse({**summary(merchant), **log_keys, "declaration": event})
