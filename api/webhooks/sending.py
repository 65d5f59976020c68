"""One POST to an address that a merchant has named.

The name is resolved here and the connection made to the address that was judged, with nothing in
between: a second answer of the DNS is never asked for. No redirect is followed, no proxy of the
environment used, no cookie kept, and of the answer no more is read than status and headers.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

import httpx

from api.webhooks.destinations import Address, Destinations, Target
from commitments.errors import FormatError, Refused
from commitments.wire import parse_decimal
from ledger.careful_client import authorities

__all__ = ["Failure", "Outcome", "Resolve", "Sender"]

Failure = Literal[
    "forbidden-address",  # its name leads to one that is not public, or the rules have changed
    "gone",  # 410: it wants no more
    "redirect",  # 3xx, which is not followed
    "status",  # any other than 2xx
    "timeout",
    "tls",  # no TLS, or a certificate that does not hold
    "unreachable",  # no connection, or one that broke
    "unresolved",  # its name leads nowhere
]
"""Why an attempt has failed."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name, for a port."""

_PATIENCE = 15.0  # seconds for all of it; the specification recommends 15 to 30
_CONNECT = 5.0  # seconds for each address
_MOST_ADDRESSES = 3  # of a name are tried, one after the other
_RESOLVERS = 16  # a name server that hangs holds up one of them, and not the service's threads
_LONGEST_RETRY = 12 * 3600  # seconds; a receiver may ask for less than the end of all attempts
_TIMEOUTS = {"connect": _CONNECT, "read": _PATIENCE, "write": _PATIENCE, "pool": _CONNECT}
_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "kvitto",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: a status if there was one, an error unless it was 2xx.

    ``retry_after``: how many seconds the receiver asks to be left alone.
    """

    status: int | None = None
    error: Failure | None = None
    retry_after: int = 0


class Sender:
    """Sends to the addresses that ``destinations`` allow.

    ``resolve`` and ``tls`` stand in the place of the system's; ``patience`` is in seconds.
    """

    def __init__(
        self,
        destinations: Destinations,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self._destinations = destinations
        self._resolve = resolve or self._ask_system
        self._tls = tls
        self._patience = patience
        self._threads = ThreadPoolExecutor(_RESOLVERS, "webhook-names")

    def close(self) -> None:
        """Resolve no more names."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Post ``body`` once; whatever happens is an :class:`Outcome`."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._send(url, headers, body)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(error="timeout")
        except (Refused, FormatError):
            return Outcome(error="forbidden-address")
        # Not httpx.HTTPError: what its parsers raise comes through. Whatever a receiver answers, it
        # must not keep the others from theirs.
        except Exception as error:  # noqa: BLE001
            return Outcome(error="tls" if _is_of_tls(error) else "unreachable")

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        target = self._destinations.target(url)
        try:
            addresses = await self._addresses(target)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            return Outcome(error="unresolved")
        # All: a name with a private address among public ones is on its way from one to the other.
        if not all(map(self._destinations.allows, addresses)):
            return Outcome(error="forbidden-address")
        *others, last = addresses[:_MOST_ADDRESSES]
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._post(target, address, headers, body)
        return await self._post(target, last, headers, body)

    async def _addresses(self, target: Target) -> list[Address]:
        if target.address is not None:
            return [target.address]
        found = await self._resolve(target.host, target.port)
        return [ip_address(address) for address in dict.fromkeys(found)]

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(address[0]) for *_, address in found]

    async def _post(
        self, target: Target, address: Address, headers: Mapping[str, str], body: bytes
    ) -> Outcome:
        request = httpx.Request(
            "POST",
            target.at(address),
            headers={"Host": target.authority, **_HEADERS, **headers},
            content=body,
            # The certificate must be that of the name.
            extensions={"timeout": _TIMEOUTS, "sni_hostname": target.host},
        )
        # A transport alone, and one for each request: of a client it lacks redirects, cookies and
        # proxies, and no connection to this address is used for another name.
        async with httpx.AsyncHTTPTransport(verify=self._tls or authorities()) as transport:
            answer = await transport.handle_async_request(request)
            await answer.aclose()
        return _outcome(answer)


def _outcome(answer: httpx.Response) -> Outcome:
    status = answer.status_code
    if answer.is_success:
        return Outcome(status)
    if status == httpx.codes.GONE:
        return Outcome(status, "gone")
    if 300 <= status < 400:
        return Outcome(status, "redirect")
    try:
        seconds = parse_decimal(answer.headers.get("Retry-After", "0"), "")
    except FormatError:  # a date, or nonsense
        seconds = 0
    return Outcome(status, "status", min(seconds, _LONGEST_RETRY))


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None
