"""Merchants: made by the operator, seen by all."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, members, text
from api.dependencies import AnyMerchant, OperatorOnly, TheService
from api.documents.merchants import MerchantCreated, MerchantDetails, Merchants, NewMerchant
from api.openapi import described
from api.service import Service
from commitments.errors import KvittoError
from issuer.merchants import Merchant, create_merchant, list_merchants
from ledger.events import LogDeclaration, events_origin, parse_event
from ledger.farewells import stored_key_history
from ledger.key_history import KeyHistory
from ledger.log import Log

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants", tags=["merchants"])

_CHOICES = ("capacity", "period", "void_window")


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
    document = members(body, ("id", "name"), _CHOICES)
    merchant_id, name = text(document, "id"), text(document, "name")
    merchant = Merchant(merchant_id, name, service.settings.origin(merchant_id))
    choices = {choice: document[choice] for choice in _CHOICES if choice in document}
    key, declaration = _create(service, merchant, choices)
    log_keys = _log_keys(KeyHistory.declared(declaration))
    created = {**_summary(merchant), "api_key": key, **log_keys}
    return JSONResponse(created, 201)


def _create(
    service: Service, merchant: Merchant, choices: dict[str, Any]
) -> tuple[str, LogDeclaration]:
    # The key first: a crash in between leaves a key that nobody has, not a merchant without one.
    key = service.keys.issue_first(merchant.id)
    try:
        settings = service.settings
        return key, create_merchant(
            service.store,
            settings.group,
            service.clocks,
            merchant,
            seed_witnesses=service.seed_witnesses.keys,
            **choices,
        )
    except KvittoError:
        service.keys.withdraw(key)
        raise


@router.get("", **described({200: Merchants}))
def list_all_merchants(service: TheService) -> JSONResponse:
    """All merchants, by id."""
    return JSONResponse({"merchants": [_summary(m) for m in list_merchants(service.store)]})


@router.get("/{merchant}", **described({200: MerchantDetails}, "unknown-merchant"))
def read_a_merchant(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """A merchant, the present keys of its logs, and what it fixed for their life."""
    with service.store.read() as connection:
        event = parse_event(Log(connection, events_origin(merchant.origin)).entry(0))
        log_keys = _log_keys(stored_key_history(connection, merchant.origin))
    return JSONResponse({**_summary(merchant), **log_keys, "declaration": event})


def _summary(merchant: Merchant) -> dict[str, str]:
    return {"id": merchant.id, "name": merchant.name, "origin": merchant.origin}


def _log_keys(history: KeyHistory) -> dict[str, str]:
    """The newest of each log; one that it takes over from may sign besides."""
    return {
        "purchases_vkey": history.purchases.keys[-1].vkey,
        "events_vkey": history.events.keys[-1].vkey,
    }
