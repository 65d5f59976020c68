"""The dashboard in a browser, before a shop with some weeks behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from playwright.sync_api import Page, expect

from tests.api.shop import Shop
from tests.databases import Sqlite, fresh
from tests.serving import served
from tests.steps import LOOKED_AT, Followed
from tests.world import REFUND, WARRANTY, Bought

__all__ = ["ROOMS", "Busy", "at", "busy_shop", "show"]

ROOMS = ("", "/log", "/claims", "/policies", "/findings", "/reports")
_OPENED = datetime(2026, 9, 1, 12, tzinfo=UTC)
_WEEKS = 6
# What becomes of the claims that somebody looks at: steps, and how many days each takes.
_FATES = (
    (("approve", 1), ("start", 2), ("complete", 3)),
    (("decline", 2),),
    (("ask", 1),),
    (("approve", 9), ("complete", 1)),
    (("decline", 1),),
    (),
)
_REASONS = ("caused_by_use", "not_covered")


@dataclass(frozen=True)
class Busy:
    """A shop, the address of its dashboard, and some of its claims."""

    shop: Shop
    address: str
    claims: list[Followed]
    plain: str


@contextmanager
def busy_shop(sqlite: Sqlite) -> Iterator[Busy]:
    """Sales, claims and voids of some weeks."""
    with fresh(sqlite) as database:
        shop = Shop(database)
        shop.clock.now = _OPENED
        with shop, served(shop.app) as address:
            claims, plain = _trade(shop)
            yield Busy(shop, f"{address}/dashboard", claims, plain)


def _trade(shop: Shop) -> tuple[list[Followed], str]:
    bought = _sell(shop)
    for policy in (WARRANTY, REFUND, LOOKED_AT):
        shop.publish(policy)
    claims = []
    for week in range(_WEEKS):
        bought += _sell(shop)
        decision = shop.claim(bought.pop(0))
        shop.write("voids", {"index": bought.pop().index, "reason": "returned"})
        claim = Followed(shop, bought.pop(0), "looked-at")
        claims.append(claim)
        for step, days in _FATES[week]:
            shop.clock.advance(days=days)
            changes = {"reason": _REASONS[week % 2]} if step == "decline" else {}
            claim.take("merchant", step, **changes)
        shop.clock.advance(days=5)
    shop.publish(WARRANTY, version=2)
    return claims, decision.claim_id


def _sell(shop: Shop) -> list[Bought]:
    today = shop.clock.now.date()
    bought = shop.buy(*[shop.sale(date=date(today.year, today.month, 1))] * 4)
    shop.close()
    return bought


def at(busy: Busy, fragment: str) -> str:
    """The address of a page of the shop's."""
    return f"{busy.address}#/acme{fragment}"


def show(page: Page, busy: Busy, fragment: str) -> None:
    """Go to a page of the shop's, and wait until its logs are checked."""
    page.goto(at(busy, fragment))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".strip.good")).to_be_visible()
