from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.shop import Shop
from tests.browser.browser import NARROW, WIDE, opened, photograph
from tests.databases import Sqlite, fresh
from tests.serving import served


@pytest.fixture(scope="module")
def address(sqlite: Sqlite) -> Iterator[str]:
    with fresh(sqlite) as database, Shop(database) as shop, served(shop.app) as address:
        yield f"{address}/reference"


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


def test_a_reader_finds_a_call_by_searching(page: Page) -> None:
    expect(page.locator("#search")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("already-redeemed slip")
    expect(page.locator("#found")).to_contain_text(" of ")
    expect(page.locator("#redeem_a_slip")).to_be_visible()
    expect(page.locator("#list_claims")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#list_claims")).to_be_visible()


def test_a_link_to_what_the_search_hides_shows_it(page: Page) -> None:
    page.locator("#search").fill("mailbox deposits")
    expect(page.locator("#make_a_claim")).to_be_hidden()
    page.evaluate("location.hash = 'make_a_claim'")
    expect(page.locator("#make_a_claim")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_it_fits(browser: Browser, address: str, width: int, scheme: str) -> None:
    with opened(browser, address, width, scheme) as page:
        photograph(page, f"reference-{width}-{scheme}")
        page.evaluate("location.hash = 'make_a_claim'")
        photograph(page, f"reference-call-{width}-{scheme}")


def test_it_is_whole_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}#record_a_purchase")
    expect(page.get_by_role("heading", name="Record a purchase")).to_be_visible()
    expect(page.locator("search")).to_be_hidden()
    context.close()
