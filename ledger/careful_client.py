"""HTTP connections to servers that nobody need believe."""

import ssl
from functools import cache
from http.cookiejar import DefaultCookiePolicy

import httpx

__all__ = ["authorities", "careful_client"]


def careful_client(
    timeout: float | httpx.Timeout,
    *,
    base_url: str = "",
    transport: httpx.BaseTransport | None = None,
) -> httpx.Client:
    """A client that follows no redirect, asks for nothing compressed and keeps no cookies.

    Each answer could bring more of them, to mark who asks and to stay for the life of the process.
    ``transport`` stands in the place of the network.
    """
    client = httpx.Client(
        base_url=base_url,
        transport=transport,
        verify=authorities(),
        timeout=timeout,
        follow_redirects=False,
        headers={"User-Agent": "kvitto", "Accept-Encoding": "identity"},
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


@cache
def authorities() -> ssl.SSLContext:
    """The certificate authorities; to read them takes 20 ms, and they are the same for all."""
    return httpx.create_ssl_context()
