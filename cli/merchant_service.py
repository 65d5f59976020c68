"""The service as a merchant or its operator uses it: with a key."""

from contextlib import closing
from typing import Any

import httpx

from sdk.connection import Connection

__all__ = ["get", "post"]

_LONGEST_ANSWER = 1 << 25  # bytes; 1,000 receipts, each with the cosignatures of some witnesses


def get(url: str, path: str, key: str | None = None) -> Any:
    """The parsed answer of the service at ``url``; errors as :class:`sdk.connection.Connection`.

    ``key`` is sent where there is one.
    """
    with closing(Connection(url, None if key is None else _WithKey(key))) as connection:
        return connection.get_json(f"/v1/{path}", _LONGEST_ANSWER)


def post(url: str, key: str, path: str, document: Any) -> Any:
    """The parsed answer to ``document``, sent with a key; errors as :func:`get`."""
    with closing(Connection(url, _WithKey(key))) as connection:
        return connection.post_json(f"/v1/{path}", document, _LONGEST_ANSWER)


class _WithKey(httpx.HTTPTransport):
    """Shows the key with each request (RFC 6750, 2.1)."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return super().handle_request(request)
