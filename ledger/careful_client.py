"""HTTP connections to servers that nobody need believe."""

from http.cookiejar import DefaultCookiePolicy

import httpx

__all__ = ["careful_client"]


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
        timeout=timeout,
        follow_redirects=False,
        headers={"User-Agent": "kvitto", "Accept-Encoding": "identity"},
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client
