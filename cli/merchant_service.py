"""The service as a merchant or its operator uses it: with a key."""

from contextlib import closing
from datetime import date
from typing import Any

import httpx

from commitments.clock import system_clock
from ledger.events import parse_event_time
from sdk.connection import TILE, Connection

__all__ = ["MerchantService", "get", "post", "send", "today"]

_LONGEST_ANSWER = 1 << 25  # bytes; 1,000 receipts, each with the cosignatures of some witnesses


class MerchantService:
    """The service at ``url`` for several requests; ``key`` is sent where there is one."""

    def __init__(self, url: str, key: str | None) -> None:
        self._connection = Connection(url, None if key is None else _WithKey(key))

    def get(self, path: str) -> Any:
        """The parsed answer; errors as :class:`sdk.connection.Connection`."""
        return self._connection.get_json(f"/v1/{path}", _LONGEST_ANSWER)

    def post(self, path: str, document: Any) -> Any:
        """The parsed answer to ``document``; errors as :meth:`get`."""
        return self._connection.post_json(f"/v1/{path}", document, _LONGEST_ANSWER)

    def send(self, method: str, path: str, document: Any = None) -> Any:
        """The parsed answer to a request by any method; errors as :meth:`get`."""
        return self._connection.send_json(method, f"/v1/{path}", _LONGEST_ANSWER, document)

    def octets(self, path: str) -> bytes:
        """The answer as it is; errors as :meth:`get`."""
        return self._connection.get(f"/v1/{path}", TILE, _LONGEST_ANSWER)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def get(url: str, path: str, key: str | None = None) -> Any:
    """As :meth:`MerchantService.get`, over a connection of its own."""
    with closing(MerchantService(url, key)) as service:
        return service.get(path)


def post(url: str, key: str, path: str, document: Any) -> Any:
    """As :meth:`MerchantService.post`, over a connection of its own."""
    with closing(MerchantService(url, key)) as service:
        return service.post(path, document)


def send(url: str, key: str, method: str, path: str, document: Any = None) -> Any:
    """As :meth:`MerchantService.send`, over a connection of its own."""
    with closing(MerchantService(url, key)) as service:
        return service.send(method, path, document)


def today(url: str, merchant: str, key: str) -> date:
    """The day (UTC) that it is for a merchant: for a sandbox, whose keys tell, by its clock."""
    if key.startswith("test_"):
        return parse_event_time(get(url, f"merchants/{merchant}/clock")["time"], "time").date()
    return system_clock().date()


class _WithKey(httpx.HTTPTransport):
    """Shows the key with each request (RFC 6750, 2.1)."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return super().handle_request(request)
