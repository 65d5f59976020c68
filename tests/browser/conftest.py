from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from api.options import Options
from tests.api.shop import Shop
from tests.browser.browser import chromium, opened
from tests.browser.console import Served, log_in
from tests.databases import Sqlite, fresh
from tests.serving import served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer: while it is there, an event loop runs in this thread, and no other can."""
    with chromium() as started:
        yield started


@pytest.fixture
def console(sqlite: Sqlite) -> Iterator[Served]:
    options = Options(webhook_networks="127.0.0.0/8", webhook_http=True)
    with (
        fresh(sqlite) as database,
        Shop(database, options=options) as shop,
        served(shop.app) as address,
    ):
        yield Served(shop, f"{address}/console")


@pytest.fixture
def page(browser: Browser, console: Served) -> Iterator[Page]:
    """The console, logged in with a key for everything."""
    with opened(browser, console.address) as page:
        log_in(page, console.shop.key)
        yield page
