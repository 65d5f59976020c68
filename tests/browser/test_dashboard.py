from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import api.pages
from tests.browser.browser import NARROW, WIDE, opened, photograph
from tests.browser.dashboard import Busy, busy_shop
from tests.databases import Sqlite

pytestmark = pytest.mark.skipif(
    not (Path(api.pages.__path__[0]) / "dashboard/index.html").is_file(),
    reason="NO DASHBOARD BUILT (make dashboard): nothing of it was seen in a browser",
)


@pytest.fixture(scope="module")
def busy(sqlite: Sqlite) -> Iterator[Busy]:
    with busy_shop(sqlite) as busy:
        yield busy


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_merchants_are_listed_and_their_logs_checked(
    browser: Browser, busy: Busy, width: int, scheme: str
) -> None:
    with opened(browser, busy.address, width, scheme) as page:
        expect(page.get_by_role("link", name="Acme")).to_be_visible()
        expect(page.locator("main .source.checked")).to_have_count(2)
        photograph(page, f"dashboard-merchants-en-{width}-{scheme}")
        page.get_by_role("button", name="中文").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("商家")
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        photograph(page, f"dashboard-merchants-zh-CN-{width}-{scheme}")
