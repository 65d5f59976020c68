"""What routes ask for: the service, the merchant of the path, and who may speak for it.

A dependency that waits for nothing is ``async``: any other costs each request a change of threads.
"""

from typing import Annotated, Any, cast

from fastapi import Depends, Path, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from api.key_table import Scope
from api.keys import check_operator_key
from api.problems import Unauthorised
from api.service import Service
from issuer.merchants import Merchant

__all__ = [
    "KEY_PROBLEMS",
    "AnyMerchant",
    "IsMerchantWith",
    "MerchantId",
    "MerchantKey",
    "MerchantWith",
    "OperatorOnly",
    "OwnOrOperator",
    "TheService",
    "WhileRunning",
    "limit_rate",
]

KEY_PROBLEMS = "unauthorised foreign-merchant foreign-scope"
"""The codes with which a merchant's key is refused."""

_operator_key = HTTPBearer(
    scheme_name="operatorKey",
    description="Creates merchants, and gives those a key that have lost theirs. A setting of"
    " the service.",
    auto_error=False,  # a missing key is a problem document like any other
)
_merchant_key = HTTPBearer(
    scheme_name="merchantKey",
    description="Writes to one merchant's logs, as far as its scopes go. Shown once, when it is"
    " made.",
    auto_error=False,
)

MerchantId = Annotated[
    str, Path(alias="merchant", description="The merchant's id.", examples=["acme"])
]


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]


async def _while_running(service: TheService) -> None:
    service.stopping.require_running()


def _text(key: HTTPAuthorizationCredentials | None) -> str | None:
    return None if key is None else key.credentials


async def limit_rate(request: Request, service: TheService) -> None:
    """Take the request from the budget of its address."""
    service.limits.take(request)


async def _check_operator(
    request: Request,
    service: TheService,
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(_operator_key)],
) -> None:
    with service.limits.trying(request, _text(key)):
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
    request: Request,
    service: TheService,
    merchant_id: MerchantId,
    needed: SecurityScopes,
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(_merchant_key)],
) -> Merchant:
    # The key first: who has none does not learn from this route which merchants there are.
    (scope,) = cast("list[Scope]", needed.scopes)
    with service.limits.trying(request, _text(key)):
        service.keys.check(_text(key), merchant_id, scope)
    return service.merchants.find(merchant_id)


def MerchantWith(scope: Scope) -> Any:  # noqa: N802 - as Depends
    """The merchant of the path, after its API key has been checked, which must have ``scope``.

    For ``Annotated[Merchant, MerchantWith("sales")]``.
    """
    return Security(_own_merchant, scopes=[scope])


def _is_merchant(
    request: Request,
    service: TheService,
    merchant_id: MerchantId,
    needed: SecurityScopes,
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(_merchant_key)],
) -> bool:
    if key is None:
        return False
    _own_merchant(request, service, merchant_id, needed, key)
    return True


def IsMerchantWith(scope: Scope) -> Any:  # noqa: N802 - as Depends
    """Whether the request has the merchant's API key, for a route that is open to others too.

    A key that is sent is checked, whatever it is sent for. For ``Annotated[bool, …]``.
    """
    return Security(_is_merchant, scopes=[scope])


def _own_or_operators(
    request: Request,
    service: TheService,
    merchant_id: MerchantId,
    operators: Annotated[HTTPAuthorizationCredentials | None, Depends(_operator_key)],
    own: Annotated[HTTPAuthorizationCredentials | None, Security(_merchant_key, scopes=["keys"])],
) -> Merchant:
    with service.limits.trying(request, _text(own)):
        try:
            check_operator_key(_text(operators), service.settings.operator_key)
        except Unauthorised:
            service.keys.check(_text(own), merchant_id, "keys")
    return service.merchants.find(merchant_id)


OperatorOnly = Depends(_check_operator)
OwnOrOperator = Annotated[Merchant, Depends(_own_or_operators)]
"""The merchant of the path, for who has the operator's key or its own with the scope ``keys``."""
WhileRunning = Depends(_while_running)
"""For what a process that was told to stop no longer begins."""
AnyMerchant = Annotated[Merchant, Depends(_any_merchant)]
"""The merchant of the path, for routes that are open to all."""
MerchantKey = Annotated[str, Depends(_merchant_key_text)]
"""The API key that was sent; only a merchant of :func:`MerchantWith` has had it checked."""
