"""What routes ask for: the service, the merchant of the path, and who may speak for it.

A dependency that waits for nothing is ``async``: any other costs each request a change of threads.
"""

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.keys import check_operator_key
from api.service import Service
from issuer.merchants import Merchant

__all__ = ["AnyMerchant", "MerchantId", "MerchantKey", "OperatorOnly", "OwnMerchant", "TheService"]

_operator_key = HTTPBearer(
    scheme_name="operatorKey",
    description="Creates merchants. A setting of the service.",
    auto_error=False,  # a missing key is a problem document like any other
)
_merchant_key = HTTPBearer(
    scheme_name="merchantKey",
    description="Writes to one merchant's logs. Shown once, when the merchant is created.",
    auto_error=False,
)

MerchantId = Annotated[
    str, Path(alias="merchant", description="The merchant's id.", examples=["acme"])
]


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]


def _text(key: HTTPAuthorizationCredentials | None) -> str | None:
    return None if key is None else key.credentials


async def _check_operator(
    service: TheService,
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(_operator_key)],
) -> None:
    check_operator_key(_text(key), service.settings.operator_key)


async def _merchant_key_text(
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(_merchant_key)],
) -> str:
    return _text(key) or ""


async def _any_merchant(service: TheService, merchant_id: MerchantId) -> Merchant:
    known = service.merchants.known(merchant_id)
    if known is None:  # which takes a query, and so a thread
        known = await run_in_threadpool(service.merchants.find, merchant_id)
    return known


def _own_merchant(
    service: TheService,
    merchant_id: MerchantId,
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(_merchant_key)],
) -> Merchant:
    # The key first: who has none does not learn from this route which merchants there are.
    service.keys.check(_text(key), merchant_id)
    return service.merchants.find(merchant_id)


OperatorOnly = Depends(_check_operator)
AnyMerchant = Annotated[Merchant, Depends(_any_merchant)]
"""The merchant of the path, for routes that are open to all."""
OwnMerchant = Annotated[Merchant, Depends(_own_merchant)]
"""The merchant of the path, after its API key has been checked."""
MerchantKey = Annotated[str, Depends(_merchant_key_text)]
"""The API key that was sent; only :data:`OwnMerchant` checks it."""
