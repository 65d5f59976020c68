"""The header ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header)."""

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Request

from api.dependencies import MerchantId, MerchantKey, TheService
from commitments.errors import FormatError
from ledger.once import Once

__all__ = ["SentAs"]

_HEADER = "Idempotency-Key"
_NAME = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

_Named = Callable[[bytes], Once | None]


async def _sent_as(
    service: TheService,
    request: Request,
    key: MerchantKey,
    merchant_id: MerchantId,
    _described: Annotated[
        str,
        Header(
            alias=_HEADER,
            description="A name for this request, such as a UUID: sent again with the same name"
            " within 24 hours, it is not done again, and the answer is the same.",
        ),
    ] = "",
) -> _Named:
    names = request.headers.getlist(_HEADER)
    if not names:
        return lambda _body: None
    (name,) = names if len(names) == 1 else ("",)
    if not _NAME.fullmatch(name):
        raise FormatError("not 1 to 255 visible ASCII characters, once", _HEADER)
    route = f"{request.method} {request.url.path}\n".encode()

    def named(body: bytes) -> Once:
        origin = service.merchants.find(merchant_id).origin
        now, shown = service.settings.clock(), service.clocks.at(origin)
        return Once.derive(key, name, route + body, now, shown)

    return named


SentAs = Annotated[_Named, Depends(_sent_as)]
"""Given the body, the write that the request names; ``None`` where it names none."""
