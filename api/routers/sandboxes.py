"""Sandboxes: a merchant's own place to try everything, with a clock that it sets."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, members
from api.dependencies import (
    KEY_PROBLEMS,
    AnyMerchant,
    MerchantWith,
    OwnOrOperator,
    TheService,
)
from api.documents.merchants import Merchant as Summary
from api.documents.merchants import MerchantCreated
from api.documents.sandboxes import Clock, ClockMove, NewSandbox
from api.idempotency import SentAs
from api.making import CHOICES, make_merchant, summary
from api.openapi import described
from issuer.merchants import Merchant
from issuer.sandbox_clocks import parse_move
from issuer.sandboxes import create_sandbox, find_sandbox, plan_sandbox, throw_sandbox_away

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}", tags=["sandboxes"])


@router.post(
    "/sandbox",
    **described(
        {201: MerchantCreated},
        f"malformed {KEY_PROBLEMS} unknown-merchant already-sandbox duplicate-sandbox"
        " duplicate-merchant too-large",
        NewSandbox,
    ),
)
def create_a_sandbox(service: TheService, owner: OwnOrOperator, body: Body) -> JSONResponse:
    """Make the sandbox of this merchant: a merchant of its own on which nothing is real.

    The answer holds its id, under which it is used as any other, and its first key, which is not
    shown again. Neither that key nor any of the merchant's opens the other of the two. Its origin
    has `/test/` in it, by which wallets and auditors tell it from a shop.
    """
    choices = members(body, (), CHOICES)
    sandbox = plan_sandbox(service.store, service.settings.service_name, owner)
    make = partial(
        create_sandbox,
        service.store,
        service.settings.group,
        service.clocks,
        owner,
        sandbox,
        **choices,
    )
    return JSONResponse(make_merchant(service, sandbox, make), 201)


@router.post(
    "/sandbox/removal",
    **described({200: Summary}, f"{KEY_PROBLEMS} unknown-merchant unknown-sandbox"),
)
def throw_a_sandbox_away(service: TheService, owner: OwnOrOperator) -> JSONResponse:
    """Throw away the sandbox of this merchant, which has then room for another.

    From then on it is unknown, and its keys open nothing. No later one has its id or its origin.
    """
    sandbox = find_sandbox(service.store, owner)
    service.keys.withdraw_all(sandbox)
    service.webhooks.endpoints.delete_all(sandbox)
    throw_sandbox_away(service.store, sandbox)
    return JSONResponse(summary(sandbox))


@router.get("/clock", **described({200: Clock}, "unknown-merchant not-a-sandbox"))
def read_the_clock(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """What the clock of a sandbox shows."""
    return JSONResponse(service.clocks.show(merchant.origin))


@router.post(
    "/clock",
    **described(
        {200: Clock},
        f"malformed {KEY_PROBLEMS} too-large not-a-sandbox clock-backwards clock-too-far"
        " idempotency-key-reused",
        ClockMove,
    ),
)
def move_the_clock(
    service: TheService,
    merchant: Annotated[Merchant, MerchantWith("keys")],
    sent_as: SentAs,
    body: Body,
) -> JSONResponse:
    """Move the clock of a sandbox forward; everything in its logs goes by it at once.

    Days that end thereby are closed, in a log that closes each day. The clock of a merchant that is
    no sandbox cannot be moved by anybody.
    """
    move = parse_move(members(body, (), ("time", "advance")))
    shown = service.clocks.move(merchant.origin, move, sent_as(body))
    service.closer.close_yesterday(merchant.origin)
    return JSONResponse(shown)
