"""How often an address, or the holder of a key, may ask.

An address is known only as a hash under a key that changes with the day (UTC) and that the database
has not; it is never logged. Only keys that were found good are counted, so that nobody can use up
another's. Reads are counted by each process for itself: to share them would make each a write.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param
from limits import RateLimitItem, parse
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from api.options import Options
from api.problems import RateLimited, Unauthorised
from api.rate_counts import RateCounts
from commitments.clock import Clock, unix_seconds
from commitments.errors import Refused
from ledger.metrics import RATE_LIMITED
from ledger.sealing import SealingKey
from ledger.store import Store

__all__ = ["EXTRA_HEADERS", "Budgets", "RateLimits", "budgets_of"]

_HASH_BYTES = 16
_IPV6_BITS = 64  # what a customer has of addresses; one of them is nobody
_HEALTH = frozenset(("/healthz", "/readyz"))  # whoever asks must not think the service dead
EXTRA_HEADERS = "kvitto.headers"
"""What is under this key of the scope goes out with the answer."""


Budgets = Mapping[tuple[str, str], str | None]
"""Which budget an operation takes from, by method and template of the path.

None for those that take none by address: they have a key, or ask whether the service lives.
"""


def budgets_of(routes: Iterable[RouteContext]) -> Budgets:
    """The budgets that follow from what the routes are for."""
    return {
        (method, route.path_format): _budget(method, route)
        for route in routes
        if route.path_format is not None
        for method in route.methods or ()
    }


def _budget(method: str, route: RouteContext) -> str | None:
    if route.path_format in _HEALTH:
        return None
    if method in ("GET", "HEAD"):
        return "reads"
    if _asks_for_a_key(getattr(route, "dependant", None)):
        return None
    return "mailbox" if "mailbox" in getattr(route, "tags", ()) else "claims"


def _asks_for_a_key(dependant: Dependant | None) -> bool:
    return dependant is not None and (
        isinstance(dependant.call, SecurityBase)
        or any(_asks_for_a_key(each) for each in dependant.dependencies)
    )


class RateLimits:
    """The budgets of one process."""

    def __init__(self, options: Options, sealing: SealingKey, clock: Clock) -> None:
        self._items = {
            name: parse(text) if text != "none" else None
            for name, text in options.rate_limits.items()
        }
        self._exempt = [ip_network(network) for network in options.limit_exempt.split()]
        self._is_exempt = lru_cache(4096)(self._is_exempt_now)
        self._day_key = lru_cache(2)(lambda day: sealing.derive(f"rate limits {day}"))
        self._clock = clock
        self._budgets: Budgets = {}
        self._shared, self._own = RateCounts(clock), RateCounts(clock)
        shared, own = FixedWindowRateLimiter(self._shared), FixedWindowRateLimiter(self._own)
        self._limiters = {name: own if name == "reads" else shared for name in self._items}

    def learn(self, budgets: Budgets) -> None:
        """The operations there are."""
        self._budgets = budgets

    def exchange(self, store: Store) -> None:
        """As :meth:`RateCounts.exchange`."""
        self._shared.exchange(store)

    def take(self, request: Request) -> None:
        """One request from the budget of its address; :class:`RateLimited` where that is empty."""
        path = getattr(request.scope.get("route"), "path_format", "")
        usual = "reads" if request.method == "GET" else "claims"
        budget = self._budgets.get((request.method, path), usual)
        if budget is None and request.method != "GET" and not _shows_a_key(request):
            budget = "claims"  # who shows no key where one is asked for is anybody
        if budget is not None and path not in _HEALTH and (who := self._address(request)):
            self._hit(request, budget, who)

    @contextmanager
    def trying(self, request: Request, key: str | None) -> Iterator[None]:
        """While a key is looked at: a wrong one counts for the address, a good one for itself.

        :class:`RateLimited` where either may do no more; then the key has not been looked at.
        """
        who = self._address(request)
        if who is None or key is None:
            yield
            return
        self._require("wrong_keys", who)
        try:
            yield
        except Unauthorised:
            self._count("wrong_keys", who)
            raise
        except Refused:
            self._hit(request, "keys", self._hash(key.encode("utf-8", "replace")))
            raise
        self._hit(request, "keys", self._hash(key.encode("utf-8", "replace")))

    def _hit(self, request: Request, budget: str, who: str) -> None:
        item = self._items[budget]
        if item is None:
            return
        is_left = self._limiters[budget].hit(item, budget, who)
        if not is_left:
            raise self._limited(budget, item, who)
        if budget != "reads":  # answers to those are kept by caches, where this would be wrong
            headers = self._headers(budget, item, who)
            request.scope[EXTRA_HEADERS] = [
                (name.lower().encode("ascii"), value.encode("ascii"))
                for name, value in headers.items()
            ]

    def _require(self, budget: str, who: str) -> None:
        item = self._items[budget]
        if item is not None and not self._limiters[budget].test(item, budget, who):
            raise self._limited(budget, item, who)

    def _count(self, budget: str, who: str) -> None:
        item = self._items[budget]
        if item is not None:
            self._limiters[budget].hit(item, budget, who)

    def _limited(self, budget: str, item: RateLimitItem, who: str) -> RateLimited:
        RATE_LIMITED.labels(budget).inc()
        headers = self._headers(budget, item, who)
        seconds = headers["RateLimit"].rpartition("=")[2]
        return RateLimited({"Retry-After": seconds, **headers})

    def _headers(self, budget: str, item: RateLimitItem, who: str) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-10: quota and window; what is left, and how long."""
        stats = self._limiters[budget].get_window_stats(item, budget, who)
        seconds = max(1, round(stats.reset_time) - unix_seconds(self._clock()))
        return {
            "RateLimit-Policy": f'"{budget}";q={item.amount};w={item.get_expiry()}',
            "RateLimit": f'"{budget}";r={stats.remaining};t={seconds}',
        }

    def _address(self, request: Request) -> str | None:
        """Who asks, as a hash; None for who has no limits."""
        client = request.client
        if client is None or self._is_exempt(client.host):
            return None
        return self._hash(_network(client.host))

    def _is_exempt_now(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:  # what a trusted proxy says can be anything
            return False
        return any(address in network for network in self._exempt)

    def _hash(self, data: bytes) -> str:
        key = self._day_key(self._clock().date().isoformat())
        return hmac.digest(key, data, sha256)[:_HASH_BYTES].hex()


def _shows_a_key(request: Request) -> bool:
    """Whether there is one to look at, as the routes see it: another scheme is none."""
    scheme, key = get_authorization_scheme_param(request.headers.get("authorization"))
    return scheme.lower() == "bearer" and key != ""


def _network(host: str) -> bytes:
    """The bytes that tell addresses apart."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.encode("utf-8", "replace")
    if isinstance(address, IPv6Address):
        return address.packed[: _IPV6_BITS // 8]
    return address.packed
