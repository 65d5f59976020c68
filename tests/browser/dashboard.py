"""The dashboard in a browser, before a shop with some weeks behind it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

import api.pages
from ledger.cosignature import Cosigner
from ledger.events import events_origin
from ledger.log import Log
from tests.api.shop import Shop
from tests.auditor.shown_logs import ShownLog
from tests.databases import Sqlite, fresh
from tests.serving import served
from tests.steps import LOOKED_AT, Followed
from tests.world import ORIGIN, REFUND, WARRANTY, Bought

__all__ = ["BUILT", "Busy", "busy_shop", "serve_instead", "show"]

BUILT = pytest.mark.skipif(
    not (Path(api.pages.__path__[0]) / "dashboard/index.html").is_file(),
    reason="NO DASHBOARD BUILT (make dashboard): nothing of it was seen in a browser",
)
_OPENED = datetime(2026, 9, 1, 12, tzinfo=UTC)
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
    """A shop, the address of its dashboard, and the claims that somebody looks at."""

    shop: Shop
    address: str
    claims: list[Followed]

    def page(self, fragment: str) -> str:
        """The address of a page of the shop's."""
        return f"{self.address}#/acme{fragment}"

    def events(self) -> list[bytes]:
        """The entries of the event log."""
        with self.shop.store.read() as connection:
            log = Log(connection, events_origin(ORIGIN))
            return log.entries(0, log.size)


@contextmanager
def busy_shop(sqlite: Sqlite, weeks: int = len(_FATES)) -> Iterator[Busy]:
    """Sales, claims and voids of some weeks."""
    with fresh(sqlite) as database:
        shop = Shop(database)
        shop.clock.now = _OPENED
        with shop, served(shop.app) as address:
            yield Busy(shop, f"{address}/dashboard", _trade(shop, weeks))


def _trade(shop: Shop, weeks: int) -> list[Followed]:
    bought = _sell(shop)
    for policy in (WARRANTY, REFUND, LOOKED_AT):
        shop.publish(policy)
    claims = []
    for week, fate in enumerate(_FATES[:weeks]):
        bought += _sell(shop)
        shop.claim(bought.pop(0))
        shop.write("voids", {"index": bought.pop().index, "reason": "returned"})
        claims.append(claim := Followed(shop, bought.pop(0), "looked-at"))
        for step, days in fate:
            shop.clock.advance(days=days)
            changes = {"reason": _REASONS[week % 2]} if step == "decline" else {}
            claim.take("merchant", step, **changes)
        shop.clock.advance(days=5)
    shop.publish(WARRANTY, version=2)
    shop.write("reports", {"month": "2026-09"})
    return claims


def _sell(shop: Shop) -> list[Bought]:
    bought = shop.buy(*[shop.sale(date=shop.clock.now.date())] * 4)
    shop.close()
    return bought


def show(page: Page, busy: Busy, fragment: str) -> None:
    """Go to a page of the shop's, and wait until both logs are checked."""
    page.goto(busy.page(fragment))
    expect(page.locator(".strip.good")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def serve_instead(
    page: Page, busy: Busy, entries: Sequence[bytes], cosigners: Sequence[Cosigner] = ()
) -> None:
    """Show the browser an event log of these entries, signed with the key of the true one."""
    log = ShownLog(entries, *busy.shop.signers(events_origin(ORIGIN)))
    files = log.files(len(entries), cosigners)

    def answer(route: Route) -> None:
        content = files.get(route.request.url.partition("/events/")[2])
        found: dict[str, Any] = {"status": 404} if content is None else {"body": content}
        route.fulfill(**found)

    page.route("**/logs/acme/events/**", answer)
